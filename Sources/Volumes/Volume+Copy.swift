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
        let bring = { [self] (etag: String?) throws(StoreError) in
            let make = { [self] (condition: PutCondition) throws(StoreError) in
                try copy(source, etag, task, condition, backend)
            }
            // Where it lies, its ETag is condition enough.
            let isInPlace = task.wanted == source
            let info =
                try isInPlace ? make(.none) : overwriting(task, [sent] + known, backend, make)
            try finish(task, info: info)
        }
        do throws(StoreError) {
            try bring(task.entry.etag)
        } catch {
            guard error == .missing || error == .originChanged else { throw error }
            guard error == .originChanged,
                let found = try found([sent] + known, at: source, backend)
            else { return try sourceIsGone(task, error) }
            try bring(found.etag)
        }
    }

    /// Whether a file is small and all here, and its store takes conditions on what is sent, but not on
    /// copies: it is sent to its new place, so that nobody's bytes are overwritten there.
    func isBetterSent(_ task: Task, _ backend: Backend) throws(StoreError) -> Bool {
        guard task.file.kind == .regular, task.file.size <= Self.smallestCopied,
            task.entry.key != task.wanted
        else { return false }
        let store = try backend.request { (store) throws(StoreError) in try store.capabilities() }
        guard store.conditionalPut, !store.conditionalCopy else { return false }
        if task.file.size > Self.cheapBytes, try condition(for: task) == .absent { return false }
        return try inErrno { () throws(Errno) in
            let node = try retain(task.file.id)
            defer { releaseNode(node) }
            return try isWhole(node)
        }
    }

    /// So many bytes cost no more than the requests around a copy.
    private static let cheapBytes: Int64 = 128 << 10

    /// Gives a name the bytes that another name of the file has in the store; `false` if those are gone.
    func copyTwin(_ twin: Entry, _ task: Task, _ backend: Backend) throws(StoreError) -> Bool {
        guard let source = twin.key, source != task.wanted else { return false }
        let sent = Sent(attributesOf: task.file)
        let known = try announce([sent], task)
        do throws(StoreError) {
            let info = try overwriting(task, [sent] + known, backend) {
                (condition) throws(StoreError) in
                try copy(source, twin.etag, task, condition, backend)
            }
            try finish(task, info: info)
            return true
        } catch {
            guard error == .missing || error == .originChanged else { throw error }
            return false
        }
    }

    func copy(
        _ source: Key,
        _ etag: String?,
        _ task: Task,
        _ condition: PutCondition,
        _ backend: Backend
    ) throws(StoreError) -> ObjectInfo {
        let trace = try trace(for: task.entry)
        return try backend.request { (store) throws(StoreError) in
            let info = try store.copy(
                source,
                to: task.wanted,
                attributes: ObjectAttributes(of: task.file),
                condition: condition,
                ifMatch: etag,
                trace: trace
            )
            Failpoint.copied.pass()
            return info
        }
    }

    /// Makes an object where it belongs, on the condition that this overwrites nobody's bytes.
    ///
    /// One that an earlier try has made is ours to overwrite; it may be older than what is known now.
    func overwriting(
        _ task: Task,
        _ known: [Sent],
        _ backend: Backend,
        _ make: (PutCondition) throws(StoreError) -> ObjectInfo
    ) throws(StoreError) -> ObjectInfo {
        do throws(StoreError) {
            return try make(condition(for: task))
        } catch {
            guard error == .changed else { throw error }
            guard let object = try head(task.wanted, backend) else { return try make(.absent) }
            guard known.contains(where: { $0.isAttributes(of: object) }) else {
                try keepBoth(task, backend)
                throw error
            }
            return try make(.matches(object.etag))
        }
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
