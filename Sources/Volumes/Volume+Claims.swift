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
            let claims = rows.entries(under: task.wanted, backend: entry.backend)
                .filter { $0.id != entry.id && !$0.isAttached && $0.vanished == nil }
            // What a name that is gone from there has sent may be what is found there.
            let before = ([entry] + claims).flatMap { Sent.all(in: rows.lastSent(for: $0.id)) }
            let claim =
                entry.key == task.wanted
                ? nil
                : claims.first { $0.isAnnounced }?.id
                    ?? leave(task.wanted, etag: nil, rows, entry)
            let all = sent + before.filter { !sent.contains($0) }.prefix(Self.sentRemembered)
            let text = Sent.text(of: all)
            rows.noteSending(text, for: entry.id)
            if let claim {
                rows.postponeWork(claim, to: Timestamp.now().adding(seconds: Self.claimSeconds))
                rows.noteSending(text, for: claim)
            }
            return before
        }
    }

    /// As many requests without an answer, one after the other, leave nothing unrecognised; each counts
    /// twice, with its bytes and its attributes.
    private static let sentRemembered = 64
    /// How long an announced object may take to come, before it is looked for.
    private static let claimSeconds: Double = 60

    /// Leaves an entry of its own for an object that is to go, and returns its number.
    ///
    /// What was sent to it without an answer is remembered with it: it may be another than its ETag says.
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
        if let sent = rows.lastSent(for: entry.id) { rows.noteSending(sent, for: rest.id) }
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

    /// What lies under an announced key, if it is what was to be sent there.
    func arrived(_ claim: Entry, _ backend: Backend) throws(StoreError) -> ObjectInfo? {
        guard let key = claim.key else { return nil }
        let text = try inMetadata { (rows) throws(Errno) in rows.lastSent(for: claim.id) }
        return try found(Sent.all(in: text), at: key, backend)
    }
}

extension Entry {
    /// Nobody knows yet whether there is an object.
    var isAnnounced: Bool {
        !isAttached && file == 0 && etag == nil && key.map { !$0.text.hasSuffix("/") } ?? false
    }
}
