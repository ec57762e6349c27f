import Base
import Cache
import Metadata
import SQLite
import Stores

// Moving objects, and changing their attributes, by copies within the store.

extension Volume {
    /// Brings an object with the newest bytes to where it belongs, with the newest attributes.
    func copy(_ task: Task, _ backend: Backend) throws(StoreError) {
        guard let source = task.entry.key else { return }
        let sent = Sent(attributesOf: task.file)
        let known = try announce([sent], task)
        if task.wanted != source { try confirmTarget(of: task, known, backend) }
        do throws(StoreError) {
            try finish(task, info: try copy(source, task.entry.etag, task, backend))
        } catch {
            guard error == .missing || error == .changed else { throw error }
            guard error == .changed, let found = try found([sent] + known, at: source, backend)
            else { return try sourceIsGone(task, error) }
            try finish(task, info: try copy(source, found.etag, task, backend))
        }
    }

    /// Whether a file that takes another's place goes there on a condition, which few stores take on copies:
    /// Whether a file is small, all here, and takes another's place: it is sent there on a condition.
    ///
    /// Few stores take one on copies.
    func isBetterSent(_ task: Task) throws(StoreError) -> Bool {
        guard task.file.kind == .regular, task.file.size <= Self.smallestCopied,
            task.entry.key != task.wanted, try condition(for: task) != .absent
        else { return false }
        return try inErrno { () throws(Errno) in
            let node = try retain(task.file.id)
            defer { releaseNode(node) }
            return try isWhole(node)
        }
    }

    /// Gives a name the bytes that another name of the file has in the store; `false` if those are gone.
    func copyTwin(_ twin: Entry, _ task: Task, _ backend: Backend) throws(StoreError) -> Bool {
        guard let source = twin.key, source != task.wanted else { return false }
        let known = try announce([Sent(attributesOf: task.file)], task)
        try confirmTarget(of: task, known, backend)
        do throws(StoreError) {
            try finish(task, info: try copy(source, twin.etag, task, backend))
            return true
        } catch {
            guard error == .missing || error == .changed else { throw error }
            return false
        }
    }

    func copy(
        _ source: Key,
        _ etag: String?,
        _ task: Task,
        _ backend: Backend
    ) throws(StoreError) -> ObjectInfo {
        let trace = try trace(for: task.entry)
        return try backend.request { (store) throws(StoreError) in
            let info = try store.copy(
                source,
                to: task.wanted,
                attributes: ObjectAttributes(of: task.file),
                ifMatch: etag,
                trace: trace
            )
            Failpoint.copied.pass()
            return info
        }
    }

    /// Sees, before a copy, that it overwrites nobody's bytes, for few stores take conditions on that.
    ///
    /// A copy that an earlier try has made is ours to overwrite; it may be older than what is known now.
    func confirmTarget(
        of task: Task,
        _ known: [Sent],
        _ backend: Backend
    ) throws(StoreError) {
        guard let object = try head(task.wanted, backend) else { return }
        let isExpected = try condition(for: task) == .matches(object.etag)
        if isExpected || known.contains(where: { $0.isAttributes(of: object) }) { return }
        try keepBoth(task, backend)
        throw .changed
    }

    /// Others changed or removed the object that was to be moved: what they did stands, and the name
    /// that has no object any more goes, unless its bytes are all here.
    private func sourceIsGone(_ task: Task, _ error: StoreError) throws(StoreError) {
        let isWhole = try inErrno { () throws(Errno) in
            guard task.file.kind == .regular else { return false }
            let node = try retain(task.file.id)
            defer { releaseNode(node) }
            return try node.bytes.isPresent(0..<node.now.size)
        }
        if isWhole { return try bringHome(task.entry, for: task) }
        Log.warning("\(describe(task.entry)): its object was changed by someone else (\(error))")
        try inMetadataWriting { (rows) throws(Errno) in
            rows.finishWork(task.entry.id)
            guard let entry = rows.entry(task.entry.id), entry.isAttached else { return }
            rows.setListed(entry.parent, at: nil)
            detachVanished(entry, in: rows)
        }
    }
}
