import Base
import Cache
import Metadata
import SQLite
import Stores

extension Volume {
    /// Sends the bytes of a file to where they belong.
    ///
    /// - Returns: `false` if meanwhile more became known of what is in the store, so that the work has to
    ///   be looked at anew.
    func upload(_ task: Task, _ backend: Backend) throws(StoreError) -> Bool {
        switch task.file.kind {
        case .regular: return try uploadBytes(task, backend)
        case .link: try uploadWhole(task, backend, Array((task.file.target ?? "").utf8))
        case .special: try uploadWhole(task, backend, [])
        case .directory: break
        }
        return true
    }

    private func uploadWhole(_ task: Task, _ backend: Backend, _ bytes: [UInt8]) throws(StoreError)
    {
        var task = task
        let info = try put(ObjectBody(bytes), &task, backend)
        try finish(task, info: info)
    }

    /// What goes up of a file that may be written to meanwhile.
    private struct Outgoing {
        let body: ObjectBody
        let state: Node.State
        /// Of a file that may change without a write: only the bytes themselves tell.
        let checksums: [Int: UInt32]?
        /// What was sent tells the checksums of the others.
        let passed: PassingSums
    }

    /// The journal ends only if the object is what the file is at that moment: `writes` counts on.
    private func uploadBytes(_ task: Task, _ backend: Backend) throws(StoreError) -> Bool {
        let node = try inErrno { () throws(Errno) in try retain(task.file.id) }
        defer { releaseNode(node) }
        let outgoing = try prepare(node)
        var task = task
        let info: ObjectInfo
        do throws(StoreError) {
            info = try put(outgoing.body, &task, backend)
        } catch {
            guard error == .originChanged, let origin = outgoing.body.origin else { throw error }
            if try findOrigin(of: node.id, besides: origin.key, origin.etag, backend) {
                return false
            }
            return try loseOrigin(origin, of: node, task, backend)
        }
        guard info.size == outgoing.state.size else {
            throw .malformed("it has \(info.size) bytes of \(outgoing.state.size)")
        }
        try inErrno { () throws(Errno) in try settle(node, outgoing, task, info) }
        return true
    }

    private func prepare(_ node: Node) throws(StoreError) -> Outgoing {
        let fetch = fetch(for: node.id)
        let outgoing: Outgoing? = try inErrno { () throws(Errno) in
            try node.change { () throws(Errno) in
                try save(node)
                let now = node.now
                let sums = node.mayBeMapped ? try node.bytes.checksums(size: now.size) : nil
                let passed = PassingSums()
                guard now.size > Self.snapshotBytes else {
                    let bytes = try Self.bytes(of: node, 0..<now.size, fetch)
                    unsafe passed.add(bytes.span.bytes, at: 0)
                    let body = ObjectBody(bytes)
                    return Outgoing(body: body, state: now, checksums: sums, passed: passed)
                }
                let origin = try origin(of: node)
                if origin == nil, try !isWhole(node) { return nil }
                var body = Self.body(of: node, size: now.size, isHere: origin == nil, passed, fetch)
                // What was written to a mapping is not known to have changed.
                if sums == nil { body.origin = origin }
                return Outgoing(body: body, state: now, checksums: sums, passed: passed)
            }
        }
        guard let outgoing else { throw .originChanged }
        return outgoing
    }

    private func settle(
        _ node: Node,
        _ outgoing: Outgoing,
        _ task: Task,
        _ info: ObjectInfo
    ) throws(Errno) {
        try node.change { () throws(Errno) in
            let size = outgoing.state.size
            var isNewest = node.now.writes == outgoing.state.writes
            if isNewest, let sums = outgoing.checksums {
                isNewest = try node.bytes.checksums(size: size) == sums
            }
            guard isNewest else {
                return try finish(task, of: node, info) { rows in
                    guard var file = rows.file(task.file.id) else { return }
                    file.data += 1
                    rows.update(file)
                }
            }
            try node.bytes.settling(
                size: size,
                checksums: outgoing.checksums,
                passed: outgoing.passed.whole(size: size)
            ) { (settlement) throws(Errno) in
                try finish(task, of: node, info) { rows in
                    node.bytes.settle(settlement, in: rows)
                }
            }
            node.bytes.endJournal()
            node.update { state in
                state.isDirty = false
                state.failure = nil
            }
        }
    }

    func finish(
        _ task: Task,
        of node: Node,
        _ info: ObjectInfo,
        alsoIn more: (Connection) -> Void
    ) throws(Errno) {
        do throws(StoreError) {
            try finish(task, info: info, alsoIn: more)
        } catch {
            throw Errno(error)
        }
    }

    private static func bytes(
        of node: Node,
        _ range: Range<Int64>,
        _ fetch: @escaping Fetch
    ) throws(Errno) -> [UInt8] {
        guard !range.isEmpty else { return [] }
        // What follows may be the store's to copy.
        let bytes = try node.bytes.withPresent(range, readsAhead: false, fetch: fetch) {
            () throws(Errno) in
            try node.bytes.bytes(in: range)
        }
        guard bytes.count == Int(range.upperBound - range.lowerBound) else { throw .ioError }
        return bytes
    }

    /// - Parameter isHere: all of it, so that to read ahead fetches nothing.
    private static func body(
        of node: Node,
        size: Int64,
        isHere: Bool,
        _ passed: PassingSums,
        _ fetch: @escaping Fetch
    ) -> ObjectBody {
        let read: ObjectBody.Read = { (output, offset) throws(Errno) in
            let end = min(size, offset + Int64(output.freeCapacity))
            try node.bytes.withPresent(offset..<end, fetch: fetch) { () throws(Errno) in
                try node.bytes.read(into: &output, at: offset)
            }
        }
        let readAhead = isHere ? read : nil
        // Only what is sent passes.
        return ObjectBody(size: size, readAhead: readAhead) { (output, offset) throws(Errno) in
            let before = output.byteCount
            try read(&output, offset)
            passed.add(output.bytes.extracting(before..<output.byteCount), at: offset)
        }
    }

    /// Writes the object, unless someone else has changed what is there.
    ///
    /// - Parameter task: gets the attributes that are sent.
    private func put(
        _ body: ObjectBody,
        _ task: inout Task,
        _ backend: Backend
    ) throws(StoreError) -> ObjectInfo {
        // Summing up a large body would read it twice; its own bytes tell, should it come to that.
        let isSmall = body.size <= Self.snapshotBytes
        let sent = isSmall ? try Sent(body) : nil
        // A writer may have been there since: what is noted of what is sent has the size that is sent.
        let noted = try announce(task, size: body.size, sent)
        task.file = noted.file
        do throws(StoreError) {
            let trace = trace(for: task.entry, noted.earlier)
            return try send(body, task, noted.condition, backend, trace)
        } catch {
            guard error == .changed else { throw error }
            guard let object = try head(task.wanted, backend) else {
                // Removed by someone else, or by an earlier name's own work: nobody's bytes are there.
                return try send(body, task, .absent, backend)
            }
            if let origin = body.origin, origin.key == task.wanted, origin.etag != object.etag {
                // Ours or theirs, it is no more what this is a change of.
                throw .originChanged
            }
            let now: Sent
            if let sent { now = sent } else { now = try Sent(body) }
            guard let match = try match([now] + noted.before, to: object, backend) else {
                try keepBoth(task, backend)
                throw error
            }
            // Ours, though its answer was lost: of these bytes, or of a state before them.
            return match == now ? object : try send(body, task, .matches(object.etag), backend)
        }
    }

    func send(
        _ body: ObjectBody,
        _ task: Task,
        _ condition: PutCondition,
        _ backend: Backend
    ) throws(StoreError) -> ObjectInfo {
        try send(body, task, condition, backend, trace(for: task.entry))
    }

    private func send(
        _ body: ObjectBody,
        _ task: Task,
        _ condition: PutCondition,
        _ backend: Backend,
        _ trace: UploadTrace
    ) throws(StoreError) -> ObjectInfo {
        try backend.request { (store) throws(StoreError) in
            let info = try store.put(
                task.wanted,
                body: body,
                attributes: ObjectAttributes(of: task.file),
                condition: condition,
                trace: trace
            )
            Failpoint.stored.pass()
            return info
        }
    }

    /// What lies at a key, if anything does.
    func head(_ key: Key, _ backend: Backend) throws(StoreError) -> ObjectInfo? {
        do throws(StoreError) {
            return try backend.request { (store) throws(StoreError) in try store.head(key) }
        } catch {
            guard error == .missing else { throw error }
            return nil
        }
    }

    /// The object at a key, if it is one of those that were sent.
    func found(_ known: [Sent], at key: Key, _ backend: Backend) throws(StoreError) -> ObjectInfo? {
        guard let object = try head(key, backend),
            try match(known, to: object, backend) != nil
        else { return nil }
        return object
    }

    /// Which of those that were sent an object is.
    func match(
        _ known: [Sent],
        to object: ObjectInfo,
        _ backend: Backend
    ) throws(StoreError) -> Sent? {
        if let match = known.first(where: { $0.isAttributes(of: object) }) { return match }
        guard known.contains(where: { $0.size == object.size }) else { return nil }
        var checksum: UInt32 = 0
        if object.size > 0 {
            try backend.request { (store) throws(StoreError) in
                checksum = 0
                try store.get(object.key, range: 0..<object.size, ifMatch: object.etag) {
                    (bytes) throws(Errno) in
                    checksum = crc32c(bytes, continuing: checksum)
                }
            }
        }
        let bytes = Sent(size: object.size, checksum: checksum)
        return known.contains(bytes) ? bytes : nil
    }

    /// Someone else has written under this name: theirs keeps it, ours moves beside it.
    func keepBoth(_ task: Task, _ backend: Backend) throws(StoreError) {
        let name = ConflictName.make(for: task.entry.name, at: .now())
        try inMetadataWriting { (rows) throws(Errno) in
            guard var entry = rows.entry(task.entry.id), entry.isAttached,
                rows.entry(named: name, in: entry.parent) == nil
            else { return }
            notifyOfName(entry)
            let theirs = rows.path(of: entry.parent).map { "\($0)/\(entry.name.text)" } ?? ""
            rows.log(.conflict, name, in: entry.parent, file: entry.file, .text("from", theirs))
            entry.name = name
            notifyOfName(entry)
            entry.component = nil
            if entry.key == task.wanted {
                entry.key = nil
                entry.etag = nil
                entry.storedData = 0
            }
            entry.touched = tick()
            rows.update(entry)
            // What is there now is nobody's here.
            dropClaims(on: task.wanted, besides: [entry.id], backend: entry.backend, rows)
            rows.setListed(entry.parent, at: nil)
            rows.addWork(entry.id, due: .now())
        }
        Log.warning(
            "\(describe(task.entry)): changed by someone else at the same time; yours is now \(name)"
        )
    }
}
