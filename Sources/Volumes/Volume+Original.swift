import Base
import Metadata
import SQLite
import Stores

extension Volume {
    /// The file that is the object of a clean one, where its store keeps files: the cache needs no copy.
    ///
    /// - Throws: `ESTALE` if others have replaced it; the next look at its directory asks the store.
    func original(of file: File) throws(Errno) -> Original? {
        guard let backend = backends[file.backend], backend.store.keepsFiles else { return nil }
        var last: (key: Key, etag: String?)?
        while let object = try? object(of: file.id).0, let etag = object.etag {
            do throws(StoreError) {
                let opened = try backend.request { (store) throws(StoreError) in
                    try store.file(of: object.key, ifMatch: etag)
                }
                guard let opened else { return nil }
                return try? Original(opened)
            } catch {
                if case .aborted(let errno) = error, errno.isUnfinished { throw errno }
                guard error == .changed || error == .missing else { return nil }
                // The uploader may be moving it, or have changed its attributes.
                guard last?.key == object.key, last?.etag == etag else {
                    last = object
                    continue
                }
                guard try !isBeingFollowed(file.id) else { return nil }
                forgetListing(above: file.id)
                throw .stale
            }
        }
        return nil
    }

    private func isBeingFollowed(_ id: FileID) throws(Errno) -> Bool {
        try metadata.database.read { (rows) throws(Errno) in
            rows.entries(of: id).contains { rows.work(for: $0.id) != nil }
        }
    }
}

extension Node {
    /// The object's own file, while it has the bytes of this one.
    var unchangedOriginal: CInt? {
        guard let original else { return nil }
        let now = now
        return now.isDirty || now.writes > 0 ? nil : original.unchanged
    }
}
