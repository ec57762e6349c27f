import Base
import Cache
import Metadata
import SQLite
import Stores

// Getting others' objects out of the way of one that is to be written.

extension Volume {
    /// Other entries whose objects are in the way of this one's: under its very key, or where a store
    /// with real directories cannot have them beside it (`a` and `a/b`).
    func occupants(of task: Task, _ rows: Connection) -> [Entry] {
        let backend = task.entry.backend
        let here = rows.entries(under: task.wanted, backend: backend).filter { other in
            other.id != task.entry.id && other.vanished == nil
                && (other.isAttached || isBeingRead(other))
        }
        var around: [Entry] = []
        for above in task.wanted.ancestors {
            around += rows.entries(under: above, backend: backend)
        }
        if !task.file.isDirectory {
            around += rows.deepestEntries(below: task.wanted, backend: backend, limit: 8)
        }
        return here + around.filter { $0.id != task.entry.id && isDisplaced($0, rows) }
    }

    /// Whether an object lies where it does not belong any more.
    func isDisplaced(_ entry: Entry, _ rows: Connection) -> Bool {
        guard entry.vanished == nil else { return false }
        guard entry.isAttached, let file = rows.file(entry.file) else { return true }
        return rows.wantedKey(of: entry, isDirectory: file.isDirectory) != entry.key
    }

    /// Gets others' bytes out of the way; `true` if something was moved and the look must be repeated.
    func makeWay(
        for task: Task,
        past occupants: [Entry],
        chain: [Int64]
    ) throws(StoreError) -> Bool {
        guard let occupant = occupants.first else { return false }
        guard occupant.isAttached else {
            if isBeingRead(occupant) {
                try bringHome(occupant, leavingObject: true, for: task)
            } else {
                try removeOccupant(occupant)
            }
            return true
        }
        if !chain.contains(occupant.id) {
            try follow(occupant.id, waitingFor: chain)
            // Its work may have been done before ours was noted.
            let now = try inMetadata { (rows) throws(Errno) in self.occupants(of: task, rows) }
            let isStillThere = now.contains { $0.id == occupant.id && $0.key == occupant.key }
            if !isStillThere { return true }
        }
        try bringHome(occupant, leavingObject: true, for: task)
        return true
    }

    /// Waits while the store cannot tell yet whether the object is what is known of it.
    private func removeOccupant(_ occupant: Entry) throws(StoreError) {
        let begin = monotonicSeconds()
        while true {
            try removeObjects(of: [occupant])
            let now = try inMetadata { (rows) throws(Errno) in rows.entry(occupant.id) }
            if now?.key != occupant.key { return }
            let isOver: Bool? = schedule.wait(atMost: Self.occupantPauseSeconds) {
                $0.stopping ? true : nil
            }
            guard isOver == nil, monotonicSeconds() < begin + Self.occupantSeconds else {
                throw .unavailable("what lies in its way could not be removed yet")
            }
        }
    }

    private static let occupantPauseSeconds = 0.2
    private static let occupantSeconds = 10.0

    /// Takes all bytes of a file into the cache, so that its object may be overwritten.
    ///
    /// - Parameters:
    ///   - leavingObject: the object is then one of a removed name; else it is someone else's.
    ///   - task: what it is in the way of.
    func bringHome(
        _ entry: Entry,
        leavingObject: Bool = false,
        for task: Task
    ) throws(StoreError) {
        try inErrno { () throws(Errno) in
            guard
                let file = try metadata.database.read({ (rows) throws(Errno) in
                    rows.file(entry.file)
                })
            else { return }
            guard file.kind == .regular else {
                return try metadata.database.write { (rows) throws(Errno) in
                    guard var now = rows.entry(entry.id) else { return }
                    // Whoever waits for the task waits for what makes way for it as well.
                    let since = rows.workBegan(for: task.entry.id) ?? .now()
                    loseObject(of: &now, leaving: leavingObject, rows)
                    rows.addWork(now.id, due: .now(), since: since)
                }
            }
            let node = try retain(file.id)
            defer { releaseNode(node) }
            try node.bytes.makeWhole(fetch: fetch(for: file.id))
            try node.change { () throws(Errno) in
                try node.bytes.synchronize()
                try metadata.database.write { (rows) throws(Errno) in
                    guard var now = rows.entry(entry.id), var file = rows.file(file.id) else {
                        return
                    }
                    if !node.now.isDirty { file.data += 1 }
                    rows.update(file)
                    loseObject(of: &now, leaving: leavingObject, rows)
                    node.bytes.becomeIndependent(in: rows)
                    let since = rows.workBegan(for: task.entry.id) ?? .now()
                    if now.isAttached { rows.addWork(now.id, due: .now(), since: since) }
                }
                Failpoint.broughtHome.pass()
                node.update { $0.isDirty = true }
            }
        }
    }

    private func loseObject(of entry: inout Entry, leaving: Bool, _ rows: Connection) {
        if leaving, let key = entry.key { leave(key, etag: entry.etag, rows, entry) }
        entry.key = nil
        entry.etag = nil
        entry.storedData = 0
        entry.storedMeta = 0
        rows.updateObject(of: entry)
    }
}
