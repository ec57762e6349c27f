import Base
import Cache
import Metadata
import SQLite
import Stores

// Bringing the store in line with the names. Nothing here is a log of operations: each entry says what
// its object should be and what it is, and `follow` makes the second the first. So it may be stopped at
// any point, and run again.
//
// Order, for an entry whose object lies under `old` and belongs under `new`:
//   1. whatever other entry still has its bytes under `new` gets them away from there (`makeWay`);
//   2. PUT or COPY to `new`, on the condition that what is there is what we know of;
//   3. one transaction: the entry lies under `new` with this ETag and these generations, and a
//      detached entry is left for `old`;
//   4. DELETE of `old`, by that entry's own work.
// A crash after 2 finds the object at `new` with an ETag that nobody knows; step 2 then recognises its
// own bytes by what it noted before it sent them (`Sent`).

extension Volume {
    /// Brings the object of one entry in line, and whatever has to be out of its way first.
    func follow(_ id: Int64) throws(StoreError) {
        try countingTime { () throws(StoreError) in try follow(id, waitingFor: []) }
    }

    /// How many objects may be moved out of the way of one: all of a large directory, if need be.
    private static let attempts = 1_000_000

    func follow(_ id: Int64, waitingFor chain: [Int64]) throws(StoreError) {
        for _ in 0..<Self.attempts {
            let changes = self.places.changes
            guard let (task, occupants) = try look(at: id) else { return }
            if try makeWay(for: task, past: occupants, chain: chain + [id]) { continue }
            let isDone = try alone(with: task) { () throws(StoreError) in
                // Between looking and locking, others may have done something there.
                if self.places.changes != changes {
                    guard let now = try look(at: id), now.task == task, now.occupants.isEmpty
                    else { return false }
                }
                var task = task
                task.began = .now()
                return try act(on: task)
            }
            if isDone { return }
        }
        throw .unavailable("the file keeps changing while it is uploaded")
    }

    /// Nobody else changes what the task changes, nor what it copies from: of an object that is replaced
    /// while a server copies it, some servers copy the new one, whatever the condition was.
    private func alone<R>(
        with task: Task,
        _ body: () throws(StoreError) -> R
    ) throws(StoreError) -> R {
        let place = { ObjectPlace(backend: task.entry.backend, key: $0) }
        let changed = Set([task.entry.key, task.wanted].compactMap { $0 }.map(place))
        let sources = Set([task.twin?.key, task.lent?.key].compactMap { $0 }.map(place))
        return try places.withEntries([task.entry.id]) { () throws(StoreError) in
            try places.withPlaces(changed, reading: sources, body)
        }
    }

    /// What there is to do for an entry.
    struct Task: Equatable {
        var entry: Entry
        var file: File
        var wanted: Key
        var tree: Bool
        /// Another name of the file, whose object has the bytes that this one's is to get.
        var twin: Entry?
        /// The other file's object that this one's is to be made of.
        var lent: Borrowing?
        /// What changed before that is delivered with it.
        var began = Timestamp(nanoseconds: 0)

        /// Whether its object, if there is one, has not the newest bytes.
        var needsBytes: Bool {
            !file.isDirectory && (entry.key == nil || entry.storedData < file.data)
        }
    }

    /// What is to be done for an entry, and what lies in its way; `nil` if there is nothing to do.
    private func look(at id: Int64) throws(StoreError) -> (task: Task, occupants: [Entry])? {
        try inMetadata { (rows) throws(Errno) in
            guard let work = rows.work(for: id), let entry = rows.entry(id) else { return nil }
            guard entry.isAttached, let file = rows.file(entry.file),
                let wanted = rows.wantedKey(of: entry, isDirectory: file.isDirectory)
            else {
                // Detached entries are removed, not followed.
                return nil
            }
            var task = Task(entry: entry, file: file, wanted: wanted, tree: work.tree)
            if task.needsBytes {
                task.twin = twin(of: task, rows)
                task.lent = nodes.node(file.id)?.now.borrowing
            }
            return (task, occupants(of: task, rows))
        }
    }

    /// - Returns: `false` if meanwhile more became known of what is in the store.
    private func act(on task: Task) throws(StoreError) -> Bool {
        guard let backend = backends[task.entry.backend] else {
            throw Self.unconfigured
        }
        guard !backend.isReadOnly else { throw .denied("the backend is read-only") }
        let entry = task.entry
        if !task.file.isKnown, let key = entry.key {
            try learnBeforeSending(task, key, backend)
            return false
        }
        if task.file.isDirectory {
            try followDirectory(task, backend)
        } else if task.needsBytes {
            if let twin = task.twin, try !isBetterSent(task, backend),
                try copyTwin(twin, task, backend)
            {
                return true
            }
            // What it is to be made of since the look is not held.
            if nodes.node(task.file.id)?.now.borrowing != task.lent { return false }
            if try copyBorrowed(task, backend) { return true }
            return try upload(task, backend)
        } else if entry.key == task.wanted, entry.storedMeta >= task.file.meta {
            try finish(task, info: nil)
        } else if try isBetterSent(task, backend) {
            return try upload(task, backend)
        } else {
            try copy(task, backend)
        }
        return true
    }

    /// Work on a backend that is not there now waits until it is.
    static let unconfigured = StoreError.unavailable(noBackend)

    private func followDirectory(_ task: Task, _ backend: Backend) throws(StoreError) {
        if task.tree { try followTree(task) }
        let entry = task.entry
        if entry.key == task.wanted, entry.storedMeta >= task.file.meta {
            return try finish(task, info: nil)
        }
        let keeps = try backend.request { (store) throws(StoreError) in
            try store.capabilities().directoryMarkers
        }
        guard keeps else { return try finish(task, info: nil, keptHere: true) }
        // Before the object is made: a directory that is removed after a crash takes it along.
        try inMetadataWriting { (rows) throws(Errno) in
            guard var now = rows.entry(entry.id), now.key == nil else { return }
            now.key = task.wanted
            now.etag = nil
            rows.updateObject(of: now)
        }
        let info = try backend.request { (store) throws(StoreError) in
            try store.put(
                task.wanted,
                body: ObjectBody([]),
                attributes: ObjectAttributes(of: task.file),
                condition: .none
            )
        }
        try finish(task, info: info)
    }

    /// Notes for everything directly below a directory that moved that it has to follow.
    private func followTree(_ task: Task) throws(StoreError) {
        var after: Int64 = 0
        while true {
            let last = try inMetadataWriting { (rows) throws(Errno) -> Int64? in
                let page = rows.children(of: task.file.id, after: after, limit: 1000)
                let since = rows.workBegan(for: task.entry.id) ?? .now()
                for child in page {
                    if child.file.isDirectory {
                        rows.addWork(child.entry.id, due: .now(), tree: true, since: since)
                    } else if child.entry.key != nil {
                        rows.addWork(child.entry.id, due: .now(), since: since)
                    }
                }
                return page.last?.entry.id
            }
            guard let last else { return wakeSchedule() }
            after = last
        }
    }

    /// Notes what the store now has; the work is done if nothing changed meanwhile.
    func finish(
        _ task: Task,
        info: ObjectInfo?,
        keptHere: Bool = false,
        alsoIn more: (Connection) -> Void = { _ in }
    ) throws(StoreError) {
        try inMetadataWriting { (rows) throws(Errno) in
            guard var entry = rows.entry(task.entry.id) else { return }
            if let info {
                if let old = entry.key, old != info.key {
                    leave(old, etag: entry.etag, rows, entry)
                }
                entry.key = info.key
                entry.etag = info.etag
                rows.forgetUpload(for: entry.id)
                dropClaims(on: info.key, besides: [entry.id], backend: entry.backend, rows)
            } else if keptHere {
                entry.keepHere()
            }
            entry.storedData = max(entry.storedData, task.file.data)
            entry.storedMeta = max(entry.storedMeta, task.file.meta)
            entry.touched = tick()
            rows.updateObject(of: entry)
            more(rows)
            guard let file = rows.file(entry.file), entry.isAttached else { return }
            let wanted = rows.wantedKey(of: entry, isDirectory: file.isDirectory)
            let isInPlace = entry.key == wanted || (keptHere && wanted == task.wanted)
            if isInPlace, entry.storedMeta >= file.meta, entry.storedData >= file.data {
                rows.finishWork(entry.id)
            } else {
                rows.renewWork(entry.id, since: task.began)
            }
        }
        let isSent = info != nil && task.entry.storedData < task.file.data
        noteDelivery(ofObjects: 1, bytes: isSent ? task.file.size : 0)
        Failpoint.finished.pass()
    }

    func inMetadata<R>(_ body: (Connection) throws(Errno) -> R) throws(StoreError) -> R {
        try inErrno { () throws(Errno) in try metadata.database.read(body) }
    }

    func inMetadataWriting<R>(_ body: (Connection) throws(Errno) -> R) throws(StoreError) -> R {
        try inErrno { () throws(Errno) in try metadata.database.write(body) }
    }

    func inErrno<R>(_ body: () throws(Errno) -> R) throws(StoreError) -> R {
        do throws(Errno) {
            return try body()
        } catch {
            throw .aborted(error)
        }
    }
}
