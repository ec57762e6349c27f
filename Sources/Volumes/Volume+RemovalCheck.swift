import Base
import Metadata
import SQLite
import Stores

// What somebody else has written under a key since, is not deleted for a name that was removed here before
// that was known. So each object is looked at before it goes: one by one, or, where there are many, by a
// listing of the keys between the first and the last of them.

extension Volume {
    /// From this many on, a listing is asked first.
    private static let worthListing = 4
    private static let keysOfAPage = 250

    /// Which of the objects that are to be deleted are no more what is known of them, or are gone.
    ///
    /// A directory's own object has no content to be lost.
    func lookForOthers(among pending: [Entry], _ backend: Backend) throws(StoreError) -> Set<Int64>
    {
        let known = pending.filter { entry in
            entry.etag != nil && entry.key.map { !$0.text.hasSuffix("/") } ?? false
        }
        let listed = try etags(of: known.compactMap(\.key), backend)
        var others: Set<Int64> = []
        for entry in known {
            guard let key = entry.key, listed[key] != entry.etag else { continue }
            guard let object = try head(key, backend) else {
                others.insert(entry.id)
                continue
            }
            if object.etag == entry.etag { continue }
            let text = try inMetadata { (rows) throws(Errno) in rows.lastSent(for: entry.id) }
            if try match(Sent.all(in: text), to: object, backend) != nil { continue }
            others.insert(entry.id)
            Log.warning(
                "\(describe(entry)): removed here after someone else had changed it: theirs stays"
            )
        }
        return others
    }

    /// The ETags of objects as far as a short listing tells; what it does not tell has to be asked for.
    private func etags(of keys: [Key], _ backend: Backend) throws(StoreError) -> [Key: String] {
        guard keys.count >= Self.worthListing, let first = keys.min(), let last = keys.max() else {
            return [:]
        }
        var found: [Key: String] = [:]
        var position: ListPosition? = .key(first)
        let prefix = commonDirectory(first, last)
        for _ in 0..<keys.count / Self.keysOfAPage + 2 {
            guard let start = position else { break }
            let page = try backend.request { (store) throws(StoreError) in
                try store.list(prefix: prefix, delimited: false, after: start)
            }
            for object in page.objects { found[object.key] = object.etag }
            guard let end = page.objects.last?.key, end < last else { break }
            position = page.next
        }
        return found
    }

    /// The directory that all keys between two lie in.
    private func commonDirectory(_ first: Key, _ last: Key) -> Key {
        let common = zip(first.text.utf8, last.text.utf8).prefix { $0 == $1 }.map(\.0)
        let end = common.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        return Key(String(decoding: common[..<end], as: UTF8.self))
    }
}
