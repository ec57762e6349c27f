import Base
import Metadata
import SQLite
import Stores

// A claim is a detached entry that says of a key: what lies there is ours to overwrite and to delete.
// A name that was removed leaves one, and so does an object that moves or makes way. One without an
// ETag is announced before an object is made where none of ours is: should a crash come between the
// object and the row that knows it, and the name be removed after that, the object is found by it.

extension Volume {
    /// Notes what is about to be copied, and where to; returns what earlier tries may have sent.
    func announce(_ sent: [Sent], _ task: Task) throws(StoreError) -> [Sent] {
        try inMetadataWriting { (rows) throws(Errno) in
            announce(sent, task, among: rivals(of: task, rows), rows)
        }
    }

    /// What an upload has to know of the place it goes to, at the moment at which that is noted.
    struct Announcement {
        /// With the newest attributes, and the size of what is sent.
        var file: File
        var condition: PutCondition
        /// What earlier tries may have sent.
        var before: [Sent]
        /// What an earlier try left under way.
        var earlier: Upload?
    }

    /// Notes that a body is about to be sent, and where to, and takes up all that this needs.
    ///
    /// In one transaction: a small file costs little else, and each turn at the database may be waited for.
    func announce(
        _ task: Task,
        size: Int64,
        _ bytes: Sent?
    ) throws(StoreError) -> Announcement {
        try inMetadataWriting { (rows) throws(Errno) in
            // The row may be newer than the task: the body was saved since.
            var file = rows.file(task.file.id) ?? task.file
            file.size = size
            let sent = [bytes, Sent(attributesOf: file)].compactMap { $0 }
            let others = rivals(of: task, rows)
            return Announcement(
                file: file,
                condition: condition(for: task, among: others),
                before: announce(sent, task, among: others, rows),
                earlier: rows.upload(for: task.entry.id)
            )
        }
    }

    private func announce(
        _ sent: [Sent],
        _ task: Task,
        among rivals: [Entry],
        _ rows: Connection
    ) -> [Sent] {
        let entry = task.entry
        let claims = rivals.filter { !$0.isAttached }
        // What a name that is gone from there has sent may be what is found there.
        let before = ([entry] + claims).flatMap { Sent.all(in: rows.lastSent(for: $0.id)) }
        let all = sent + before.filter { !sent.contains($0) }.prefix(Self.sentRemembered)
        let text = Sent.text(of: all)
        rows.noteSending(text, for: entry.id)
        if entry.key == task.wanted { return before }
        let due = Timestamp.now().adding(seconds: Self.claimSeconds)
        if let claim = claims.first(where: \.isAnnounced) {
            rows.postponeWork(claim.id, to: due)
            rows.noteSending(text, for: claim.id)
        } else {
            leave(task.wanted, etag: nil, rows, entry, due: due, sent: text)
        }
        return before
    }

    /// The other entries whose objects lie where an entry's is to be written.
    private func rivals(of task: Task, _ rows: Connection) -> [Entry] {
        rows.entries(under: task.wanted, backend: task.entry.backend)
            .filter { $0.id != task.entry.id && $0.vanished == nil }
    }

    /// What must lie where an entry's object is to be written: its own, or that of a removed name.
    func condition(for task: Task) throws(StoreError) -> PutCondition {
        if let own = ownCondition(for: task) { return own }
        let others = try inMetadata { (rows) throws(Errno) in rivals(of: task, rows) }
        return condition(for: task, among: others)
    }

    private func condition(for task: Task, among rivals: [Entry]) -> PutCondition {
        ownCondition(for: task) ?? rivals.compactMap(\.etag).first.map(PutCondition.matches)
            ?? .absent
    }

    private func ownCondition(for task: Task) -> PutCondition? {
        task.entry.key == task.wanted ? task.entry.etag.map(PutCondition.matches) : nil
    }

    /// As many requests without an answer, one after the other, leave nothing unrecognised; each counts
    /// twice, with its bytes and its attributes.
    private static let sentRemembered = 64
    /// How long an announced object may take to come, before it is looked for.
    private static let claimSeconds: Double = 60

    /// Leaves an entry of its own for an object that is to go.
    ///
    /// What was sent to it without an answer is remembered with it: it may be another than its ETag says.
    func leave(
        _ key: Key,
        etag: String?,
        _ rows: Connection,
        _ entry: Entry,
        due: Timestamp = .now(),
        sent: String? = nil
    ) {
        var rest = Entry(parent: .min, name: entry.name, file: 0, backend: entry.backend)
        rest.key = key
        rest.etag = etag
        rest.touched = tick()
        rows.beginWork(
            rows.insertDetached(rest),
            due: due,
            since: rows.workBegan(for: entry.id) ?? .now(),
            sent: sent ?? rows.lastSent(for: entry.id)
        )
    }

    /// The object of removed names is overwritten or deleted: there is nothing left for them to remove,
    /// and nothing to expect under the key.
    func dropClaims(on key: Key, besides kept: Set<Int64>, backend: Int64, _ rows: Connection) {
        for other in rows.entries(under: key, backend: backend)
        where !other.isAttached && other.vanished == nil && !kept.contains(other.id) {
            if other.file == 0 {
                rows.deleteEntry(other.id)
                continue
            }
            var other = other
            other.key = nil
            other.etag = nil
            rows.updateObject(of: other)
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
