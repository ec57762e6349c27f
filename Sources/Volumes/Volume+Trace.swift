import Base
import Metadata
import SQLite
import Stores

// Uploads in parts are remembered, so that a crash neither sends everything again nor leaves parts in
// the store that cost money for ever.

extension Volume {
    /// How the object of an entry goes up: what an earlier try left, and where to note what is begun.
    func trace(for entry: Entry) throws(StoreError) -> UploadTrace {
        trace(for: entry, try inMetadata { (rows) throws(Errno) in rows.upload(for: entry.id) })
    }

    func trace(for entry: Entry, _ earlier: Upload?) -> UploadTrace {
        UploadTrace(earlier: earlier.map(UploadRecord.init)) {
            [self] record throws(StoreError) in
            try inMetadataWriting { (rows) throws(Errno) in
                rows.save(
                    Upload(
                        entry: entry.id,
                        backend: entry.backend,
                        key: record.key,
                        id: record.id,
                        fingerprint: record.fingerprint
                    )
                )
            }
            Failpoint.uploadNoted.pass()
        }
    }

    /// Uploads of names that need them no more.
    func abandonedUploads() -> [Upload] {
        let found = try? metadata.database.read { (rows) throws(Errno) in
            rows.abandonedUploads(limit: Self.abandonedAtOnce)
        }
        return (found ?? []).filter { backends[$0.backend] != nil }
    }

    /// Ends an upload, once nobody follows its entry any more; what fails is tried again.
    func abandon(_ upload: Upload) {
        guard let backend = backends[upload.backend] else { return }
        places.withEntries([upload.entry]) {
            do throws(StoreError) {
                try backend.request { (store) throws(StoreError) in
                    try store.abandon(UploadRecord(upload))
                }
                try inMetadataWriting { (rows) throws(Errno) in
                    guard rows.upload(for: upload.entry) == upload else { return }
                    rows.forgetUpload(for: upload.entry)
                }
            } catch {
                Log.debug("\(backend.name)/\(upload.key): upload not ended yet: \(error)")
            }
        }
    }

    private static let abandonedAtOnce = 100
}

extension UploadRecord {
    init(_ upload: Upload) {
        self.init(key: upload.key, id: upload.id, fingerprint: upload.fingerprint)
    }
}
