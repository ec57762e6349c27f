import Base
import Metadata
import SQLite
import Stores

// What somebody else has written under a key since, is not deleted for a name that was removed here before
// that was known. So each object goes only if it is the version that is known, and the store sees to that as
// well as it can (`ConditionalDelete`). Where it is another, it is looked at: it may be one of ours whose
// answer was lost.

/// What became of objects that were to be deleted.
struct Removed {
    /// They are not there any more.
    var gone: [Entry] = []
    /// What lies there is somebody else's by now.
    var others: [Entry] = []
    /// To be asked for again in a moment.
    var recent: [Entry] = []
    var failed: [Int64: StoreError] = [:]
}

extension Volume {
    func deleteVersions(of entries: [Entry], _ backend: Backend) throws(StoreError) -> Removed {
        var removed = Removed()
        if entries.isEmpty { return removed }
        let failures = try backend.request { (store) throws(StoreError) in
            // What lies deeper goes first, for stores whose directories are real.
            try store.delete(entries.compactMap(\.version).sorted { $0.key > $1.key })
        }
        let errors = Dictionary(failures.map { ($0.key, $0.error) }) { first, _ in first }
        for entry in entries {
            switch entry.key.flatMap({ errors[$0] }) {
            case nil: removed.gone.append(entry)
            case .tooRecent: removed.recent.append(entry)
            case .changed: try settle(changed: entry, &removed, backend)
            case let error?: removed.failed[entry.id] = error
            }
        }
        return removed
    }

    /// Finds out whose an object is that is not the version which is known.
    private func settle(
        changed entry: Entry,
        _ removed: inout Removed,
        _ backend: Backend
    ) throws(StoreError) {
        guard let key = entry.key, let object = try head(key, backend) else {
            return removed.gone.append(entry)
        }
        if object.etag == entry.etag { return removed.recent.append(entry) }
        let text = try inMetadata { (rows) throws(Errno) in rows.lastSent(for: entry.id) }
        guard try match(Sent.all(in: text), to: object, backend) != nil else {
            removed.others.append(entry)
            return Log.warning(
                "\(describe(entry)): removed here after someone else had changed it: theirs stays"
            )
        }
        let failures = try backend.request { (store) throws(StoreError) in
            try store.delete([ObjectVersion(key: key, etag: object.etag)])
        }
        switch failures.first?.error {
        case nil: removed.gone.append(entry)
        case .changed, .tooRecent: removed.recent.append(entry)
        case let error?: removed.failed[entry.id] = error
        }
    }
}

extension Entry {
    /// The object as it is known; of a directory's own, which has no content to be lost, any.
    fileprivate var version: ObjectVersion? {
        key.map { ObjectVersion(key: $0, etag: $0.text.hasSuffix("/") ? nil : etag) }
    }
}
