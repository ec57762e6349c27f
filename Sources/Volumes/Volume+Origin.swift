import Base
import Cache
import Metadata
import SQLite
import Stores

// A changed file consists of what was written here and of what its object has. Of the second, the
// cache may lack any part: reads fetch it, and an upload leaves it to the store to copy. So the journal
// is of use only together with that very version of the object, its origin.
//
// An upload of ours replaces the origin by an object that has the same bytes wherever the file is still
// unchanged: what was not changed since was not changed when it was sent. So the new one may take the
// former's place at any time, even in the middle of a fetch, and whoever finds the former one gone looks
// which it is. After a crash between the object and the row that knows it, it is known by the attributes
// that were noted before it was sent (`Sent`).

extension Volume {
    /// Up to this size, the bytes of a file are taken at one moment, and sent from memory.
    static let snapshotBytes: Int64 = 8 << 20

    /// What a file is a change of, or `nil` if nothing is left of that.
    func origin(of node: Node) throws(Errno) -> ObjectOrigin? {
        let unchanged = try node.bytes.unchangedRanges()
        guard !unchanged.isEmpty else { return nil }
        let known = try metadata.database.read { (rows) throws(Errno) in
            rows.origin(of: node.id)
        }
        guard let entry = known, let key = entry.key, let etag = entry.etag else { return nil }
        return ObjectOrigin(key: key, etag: etag, unchanged: unchanged)
    }

    func isWhole(_ node: Node) throws(Errno) -> Bool {
        try node.bytes.isPresent(0..<node.now.size)
    }

    /// Whether it is known by now, or can be found out, which object has what one that is gone had of a
    /// file.
    func findOrigin(
        of id: FileID,
        besides key: Key,
        _ etag: String?,
        _ backend: Backend
    ) throws(StoreError) -> Bool {
        let (known, sent) = try inMetadata { (rows) throws(Errno) in
            let entry = rows.origin(of: id)
            return (entry, entry.map { Sent.all(in: rows.lastSent(for: $0.id)) } ?? [])
        }
        guard let known else { return false }
        if known.key != key || known.etag != etag { return true }
        guard let object = try head(key, backend), object.etag != etag,
            sent.contains(where: { $0.isAttributes(of: object) })
        else { return false }
        try inMetadataWriting { (rows) throws(Errno) in
            guard var entry = rows.entry(known.id), entry.key == key, entry.etag == etag else {
                return
            }
            entry.etag = object.etag
            entry.touched = tick()
            rows.updateObject(of: entry)
        }
        return true
    }

    /// Someone else has replaced or removed what a file is a change of: what they did stands, and what
    /// was written here stays here.
    ///
    /// If all of the file is here, it needs its origin no more. Otherwise it cannot become an object:
    /// what is missing reads as ESTALE, and the journal keeps the rest, beside theirs if need be.
    ///
    /// - Returns: `false`: the work has to be looked at anew.
    func loseOrigin(
        _ origin: ObjectOrigin,
        of node: Node,
        _ task: Task,
        _ backend: Backend
    ) throws(StoreError) -> Bool {
        let isWhole = try inErrno { () throws(Errno) in try self.isWhole(node) }
        let isTaken = try head(task.wanted, backend) != nil
        try inMetadataWriting { (rows) throws(Errno) in
            for var entry in rows.entries(of: node.id)
            where entry.key == origin.key && entry.etag == origin.etag {
                entry.key = nil
                entry.etag = nil
                entry.storedData = 0
                entry.touched = tick()
                rows.updateObject(of: entry)
            }
        }
        if isWhole { return false }
        Log.error(
            "\(describe(task.entry)): someone else has replaced the object while it was changed here; "
                + "the parts of it that were never read here are lost with it. What was written here "
                + "is kept, and can be read, but not stored"
        )
        if isTaken { try keepBoth(task, backend) }
        throw .originChanged
    }
}

extension Connection {
    /// The entry whose object has the bytes of a file that are not here, and were not changed here.
    func origin(of id: FileID) -> Entry? {
        entries(of: id).filter { $0.key != nil }.max { $0.storedData < $1.storedData }
    }
}
