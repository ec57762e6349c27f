import Base
import Metadata
import SQLite
import Stores

// A claim is a detached entry that says of a key: what lies there is ours to overwrite and to delete.
// A name that was removed leaves one, and so does an object that moves or makes way. One without an
// ETag is announced before an object is made where none of ours is: should a crash come between the
// object and the row that knows it, and the name be removed after that, the object is found by it.

extension Volume {
    /// Notes what is about to be sent, and where to; returns what earlier tries may have sent.
    func announce(_ sent: [Sent], _ task: Task) throws(StoreError) -> [Sent] {
        try inMetadataWriting { (rows) throws(Errno) in
            let entry = task.entry
            let before = Sent.all(in: rows.lastSent(for: entry.id))
            let all = sent + before.filter { !sent.contains($0) }.prefix(Self.triesRemembered)
            let text = Sent.text(of: all)
            rows.noteSending(text, for: entry.id)
            if entry.key != task.wanted {
                let known = rows.entries(under: task.wanted, backend: entry.backend)
                    .first { $0.isAnnounced }
                let claim = known?.id ?? leave(task.wanted, etag: nil, rows, entry)
                rows.postponeWork(claim, to: Timestamp.now().adding(seconds: Self.claimSeconds))
                rows.noteSending(text, for: claim)
            }
            return before
        }
    }

    /// As many crashes in a row, each between a request and its answer, leave nothing unrecognised.
    private static let triesRemembered = 6
    /// How long an announced object may take to come, before it is looked for.
    private static let claimSeconds: Double = 60

    /// Leaves an entry of its own for an object that is to go, and returns its number.
    @discardableResult
    func leave(_ key: Key, etag: String?, _ rows: Connection, _ entry: Entry) -> Int64 {
        var rest = Entry(parent: .min, name: entry.name, file: 0, backend: entry.backend)
        rest.key = key
        rest.etag = etag
        rest.id = rows.insert(rest)
        rest.parent = -rest.id
        rest.touched = tick()
        rows.update(rest)
        let since = rows.workBegan(for: entry.id) ?? .now()
        rows.addWork(rest.id, due: .now(), since: since)
        return rest.id
    }

    /// The object of removed names is overwritten or deleted: there is nothing left for them to remove,
    /// and nothing to expect under the key.
    func dropClaims(on key: Key, besides kept: Set<Int64>, backend: Int64, _ rows: Connection) {
        for other in rows.entries(under: key, backend: backend)
        where !other.isAttached && other.vanished == nil && !kept.contains(other.id) {
            if other.file == 0 {
                rows.deleteEntry(other.id)
                rows.finishWork(other.id)
                continue
            }
            var other = other
            other.key = nil
            other.etag = nil
            rows.update(other)
        }
    }

    /// Whether what lies under an announced key is what was to be sent there.
    func hasArrived(_ claim: Entry, _ backend: Backend) throws(StoreError) -> Bool {
        guard let key = claim.key, let object = try head(key, backend) else { return false }
        let text = try inMetadata { (rows) throws(Errno) in rows.lastSent(for: claim.id) }
        return try match(Sent.all(in: text), to: object, backend) != nil
    }
}

extension Entry {
    /// Nobody knows yet whether there is an object.
    var isAnnounced: Bool {
        !isAttached && file == 0 && etag == nil && key.map { !$0.text.hasSuffix("/") } ?? false
    }
}
