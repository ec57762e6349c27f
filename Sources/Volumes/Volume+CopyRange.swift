public import Base
import Cache
import Metadata
import SQLite
import Stores

// `copy_file_range` of a file that is its object: the store copies it by itself, and no byte passes through
// here. All else is `EOPNOTSUPP`, upon which the kernel copies by reading and writing.
//
// The copy is made before the call returns: what a program was told is copied does not hang on what
// somebody does to the source a moment later. It is a delivery like any other (`follow`), in which the
// target's bytes come from the source's object. Until its transaction the target has the bytes it had, and a
// crash leaves it so: what the store made is known by what was announced, and is overwritten.

extension Volume {
    /// Up to this size, a file that is here goes up by itself, after the copy: one does not wait for a store
    /// for each small file of a tree.
    static let smallestCopied: Int64 = 1 << 20

    /// Has the store copy a range of one file to the end of another.
    ///
    /// - Returns: how many bytes; fewer than were asked for at the source's end only.
    /// - Throws: `EOPNOTSUPP` where it has to be done by reading and writing.
    public func copyRange(
        from source: Handle,
        at offset: Int64,
        to target: Handle,
        at targetOffset: Int64,
        count: Int
    ) throws(Errno) -> Int {
        guard target.canWrite else { throw .badDescriptor }
        guard offset >= 0, targetOffset >= 0 else { throw .invalid }
        let (from, to) = (source.node, target.node)
        let size = from.now.size
        guard offset < size, count > 0 else { return 0 }
        let end = min(size, offset.addingReportingOverflow(Int64(count)).partialValue)
        guard end > offset, end <= Self.largestFile else { throw .notSupported }
        guard from !== to, offset == targetOffset, let lent = try lending(from, to, upTo: end)
        else { throw .notSupported }
        // Not to do the rest twice.
        try to.bytes.bulkhead.admit()
        try to.change { () throws(Errno) in
            guard to.now.size == offset, offset == 0 || to.now.isCopied(of: lent) else {
                throw .notSupported
            }
            try markDirty(to)
            to.update { $0.borrowing = lent }
        }
        try deliverBorrowed(to, lent)
        return Int(end - offset)
    }

    /// The object of the source, if the target can be made of its first bytes.
    private func lending(_ source: Node, _ target: Node, upTo end: Int64) throws(Errno)
        -> Borrowing?
    {
        guard !source.now.isDirty, !source.mayBeMapped,
            target.door.withLock({ $0.loan == nil && !$0.mayBeMapped })
        else { return nil }
        if end < Self.smallestCopied {
            if source.unchangedOriginal != nil { return nil }
            if try isWhole(source) { return nil }
        }
        return try metadata.database.read { (rows) throws(Errno) in
            guard let from = rows.file(source.id), let to = rows.file(target.id),
                from.backend == to.backend, let entry = rows.origin(of: source.id),
                entry.storedData >= from.data, let key = entry.key, let etag = entry.etag
            else { return nil }
            return Borrowing(key: key, etag: etag, size: end, isWhole: end == from.size)
        }
    }

    /// Sends the work of a file on its way, and sees whether it got what it was to borrow.
    private func deliverBorrowed(_ node: Node, _ lent: Borrowing) throws(Errno) {
        defer { node.update { $0.borrowing = nil } }
        let entry = try entries(of: node.id).first { $0.isAttached }
        guard let entry, let backend = backends[entry.backend] else { throw .notSupported }
        let isDone: Bool = try backend.bulkhead.deliver { [self] in
            do throws(StoreError) {
                try follow(entry.id)
            } catch {
                Log.info("\(describe(entry)): not copied within the store: \(error)")
            }
            return node.now.isCopied(of: lent) && node.now.size == lent.size
        }
        guard isDone else { throw .notSupported }
    }

    /// Makes the object of a file of what it is to borrow.
    ///
    /// - Returns: `false` if the file is to be sent as it is.
    func copyBorrowed(_ task: Task, _ backend: Backend) throws(StoreError) -> Bool {
        guard let lent = task.lent, let node = nodes.node(task.file.id) else { return false }
        return try inStore { () throws(Errno) in
            try node.change { () throws(Errno) -> Result<Bool, StoreError> in
                guard node.now.borrowing == lent else { return .success(false) }
                // Whatever comes of it, it is tried once.
                node.update { $0.borrowing = nil }
                do throws(StoreError) {
                    return .success(try copyBorrowed(lent, to: node, task, backend))
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    /// No write comes to the file meanwhile.
    private func copyBorrowed(
        _ lent: Borrowing,
        to node: Node,
        _ task: Task,
        _ backend: Backend
    ) throws(StoreError) -> Bool {
        // A loan of the cache file to the kernel would show it what is not here as zeros.
        guard lent.key != task.wanted, node.door.withLock({ $0.loan == nil }) else { return false }
        try inErrno { () throws(Errno) in try save(node) }
        guard let file = try inMetadata({ (rows) throws(Errno) in rows.file(task.file.id) }) else {
            return false
        }
        var task = task
        task.file = file
        task.file.size = lent.size
        task.file.modified = .now()
        let sent = Sent(attributesOf: task.file)
        let known = try announce([sent], task)
        let info = try overwriting(task, [sent] + known, backend) {
            [task] (condition) throws(StoreError) in
            lent.isWhole
                ? try copy(lent.key, lent.etag, task, condition, backend)
                : try putBorrowed(lent, task, condition, backend)
        }
        guard info.size == lent.size else {
            throw .malformed("\(lent.size) bytes were to be copied, it has \(info.size)")
        }
        let done = task.file
        try inErrno { () throws(Errno) in
            try node.bytes.becomeObject(size: lent.size) { (settle) throws(Errno) in
                try finish(task, of: node, info) { rows in
                    guard var file = rows.file(done.id) else { return }
                    file.size = done.size
                    file.modified = done.modified
                    file.changed = max(file.changed, done.modified)
                    rows.update(file)
                    settle(rows)
                }
            }
            node.bytes.endJournal()
            node.update { $0.noteCopy(of: lent, at: done.modified) }
        }
        return true
    }

    /// Part of an object becomes an object of its own.
    private func putBorrowed(
        _ lent: Borrowing,
        _ task: Task,
        _ condition: PutCondition,
        _ backend: Backend
    ) throws(StoreError) -> ObjectInfo {
        let origin = ObjectOrigin(key: lent.key, etag: lent.etag, unchanged: [0..<lent.size])
        // A store that cannot copy ranges asks for bytes, and gets none: the kernel then writes them.
        let body = ObjectBody(size: lent.size, origin: origin) { (_, _) throws(Errno) in
            throw .notSupported
        }
        return try send(body, task, condition, backend)
    }

    private func inStore<R>(
        _ body: () throws(Errno) -> Result<R, StoreError>
    ) throws(StoreError) -> R {
        try inErrno(body).get()
    }
}

/// What a file is about to have: the first bytes of an object of its store.
struct Borrowing: Equatable, Sendable {
    var key: Key
    var etag: String
    var size: Int64
    /// The object has no more bytes.
    var isWhole: Bool
}

extension Node.State {
    /// The file is the beginning of an object, and nobody has written to it since.
    func isCopied(of lent: Borrowing) -> Bool {
        copied?.key == lent.key && copied?.etag == lent.etag && copied?.size == size && !isDirty
    }

    mutating func noteCopy(of lent: Borrowing, at time: Timestamp) {
        size = lent.size
        modified = time
        isDirty = false
        isUnsaved = false
        failure = nil
        writes += 1
        copied = lent
    }
}
