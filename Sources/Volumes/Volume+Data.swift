public import Base
import Cache
import Metadata
import SQLite
import Stores
import Synchronization

/// Where the bytes of a read are.
public enum ReadBytes: Sendable {
    /// In an open file, at an offset, for the length of the call that gets this.
    case file(descriptor: CInt, offset: Int64, count: Int)
    case memory([UInt8])
}

extension Volume {
    /// Opens a regular file.
    ///
    /// What others wrote to it meanwhile is noticed here at the latest.
    ///
    /// - Parameters:
    ///   - isMappable: the handle may be mapped, and so is open for reading too.
    ///   - truncating: cuts the file to nothing, as `O_TRUNC` asks.
    public func open(
        _ inode: UInt64,
        forWriting: Bool,
        isMappable: Bool = true,
        truncating: Bool = false
    ) throws(Errno) -> Handle {
        let file = try file(FileID(bitPattern: inode))
        guard file.kind == .regular else { throw file.isDirectory ? .isDirectory : .invalid }
        if forWriting { _ = try writableBackend(of: file) }
        try checkVersion(of: file)
        if !file.hasCertainType { _ = try attributes(of: inode) }
        let handle = try hold(file.id, forWriting: forWriting, isMappable: isMappable)
        guard truncating else { return handle }
        do throws(Errno) {
            try truncate(file, to: 0)
        } catch {
            release(handle)
            throw error
        }
        return handle
    }

    /// A handle on a file that was just looked at, or made.
    func hold(_ id: FileID, forWriting: Bool, isMappable: Bool = true) throws(Errno) -> Handle {
        let node = try retain(id, isOpening: true)
        if forWriting { node.update { $0.writers += 1 } }
        let reading = admit(to: node, forWriting: forWriting)
        let handle = Handle(node: node, canWrite: forWriting, reading: reading)
        do throws(Errno) {
            if case .direct = reading, isMappable { try expectMapping(of: node) }
        } catch {
            release(handle)
            throw error
        }
        return handle
    }

    /// Hands the bytes of a range, as far as the file has them, to `body`.
    public func read(
        _ handle: Handle,
        at offset: Int64,
        count: Int,
        _ body: (ReadBytes) -> Void
    ) throws(Errno) {
        let node = handle.node
        let size = node.now.size
        guard offset < size, count > 0 else { return body(.memory([])) }
        let end = min(size, offset + Int64(count))
        if let original = node.unchangedOriginal {
            let count = Int(end - offset)
            return body(.file(descriptor: original, offset: offset, count: count))
        }
        let fetch = fetch(for: node.id)
        do throws(Errno) {
            try node.bytes.withPresent(offset..<end, fetch: fetch) {
                body(
                    .file(
                        descriptor: node.bytes.fileDescriptor,
                        offset: offset,
                        count: Int(end - offset)
                    )
                )
            }
        } catch {
            guard error == .noSpace, !node.now.isDirty else { throw error }
            body(.memory(try readUncached(offset..<end, fetch)))
        }
    }

    /// Writes bytes; extends the file where they reach beyond its end.
    public func write(_ handle: Handle, at offset: Int64, _ bytes: RawSpan) throws(Errno) {
        guard handle.canWrite else { throw .badDescriptor }
        guard bytes.byteCount > 0 else { return }
        let node = handle.node
        guard offset + Int64(bytes.byteCount) <= Self.largestFile else { throw .tooLarge }
        try waitForRoom(node)
        do throws(Errno) {
            try write(node, at: offset, bytes)
        } catch {
            // Others may have filled the disk since it was last looked at.
            guard error == .noSpace else { throw error }
            cache.lookAtDisk()
            try waitForRoom(node)
            try write(node, at: offset, bytes)
        }
    }

    private func write(_ node: Node, at offset: Int64, _ bytes: RawSpan) throws(Errno) {
        // A closure cannot keep a span, but it can use one while it runs.
        let end = offset + Int64(bytes.byteCount)
        let fetch = fetch(for: node.id)
        try node.change { () throws(Errno) in
            try markDirty(node)
            do throws(Errno) {
                try node.bytes.write(bytes, at: offset, fetch: fetch)
            } catch {
                // What was written of it must not look like the file's own after a crash.
                guard error != .wouldWait else { throw error }
                try? node.bytes.truncate(to: node.now.size)
                throw error
            }
            noteWrite(node) { $0.size = max($0.size, end) }
        }
    }

    /// Called at every `close`: a writer learns here whether its bytes are safe in the store.
    ///
    /// A failure to deliver loses nothing: the bytes stay in the journal and are tried again.
    ///
    /// - Parameter program: a number that the kernel gives to whoever shares open files (`lock_owner`).
    public func flush(_ handle: Handle, by program: UInt64 = 0) throws(Errno) {
        guard handle.canWrite else { return }
        try takeUpMapped(handle.node)
        if handle.node.update({ $0.takeForLastClose() }) {
            try saveAndTell(handle.node) { handle.node.bytes.saveIndex(in: $0) }
        } else {
            try save(handle.node)
        }
        if options.waitsForStore { return try deliver(handle.node) }
        if let failure = handle.node.tellFailure(to: program) { throw failure }
    }

    /// Returns when the bytes and all that is known of the file are on the local disk, and, where the
    /// user wants that, in the store.
    ///
    /// As with `flush`, a failure to deliver loses nothing.
    ///
    /// - Parameter dataOnly: what is not needed to find the bytes again may stay in memory, as
    ///   `fdatasync` has it: the time of modification.
    public func synchronize(_ handle: Handle, dataOnly: Bool = false) throws(Errno) {
        try takeUpMapped(handle.node)
        // Not to do the rest twice.
        if synchronizesToStore, handle.node.now.isDirty { try handle.node.bytes.bulkhead.admit() }
        let isSaved = dataOnly && (try? file(handle.node.id))?.size == handle.node.now.size
        if !isSaved { try save(handle.node) }
        guard synchronizesToStore else {
            try synchronizeHere(handle.node)
            if let failure = handle.node.takeFailure() { throw failure }
            return
        }
        if handle.node.now.isDirty { return try synchronizeEverywhere(handle.node) }
        try synchronizeHere(handle.node)
        try deliver(handle.node)
    }

    private func synchronizeHere(_ node: Node) throws(Errno) {
        try metadata.database.synchronize(Errno.self) { () throws(Errno) in
            if node.now.isDirty { try node.bytes.synchronize() }
        }
    }

    /// The disk and the store take the bytes side by side.
    ///
    /// What goes up may not be on the disk yet: should the power fail now, nothing was promised. What the
    /// disk then lacks of an object that is noted does not fit its checksums.
    private func synchronizeEverywhere(_ node: Node) throws(Errno) {
        let here = Monitor<(isOver: Bool, failure: Errno?)>((false, nil))
        node.bytes.bulkhead.deliverers.run { [self] in
            var failure: Errno?
            do throws(Errno) { try synchronizeHere(node) } catch { failure = error }
            here.update { $0 = (true, failure) }
        }
        var failure: Errno?
        do throws(Errno) { try deliver(node) } catch { failure = error }
        let failureHere = try here.wait(in: node.bytes.bulkhead) { here in
            here.isOver ? .some(here.failure) : nil
        }
        if let failure = failure ?? failureHere { throw failure }
    }

    /// Delivers a file now; a failure is told by this call, and not once more by a later one.
    private func deliver(_ node: Node) throws(Errno) {
        defer { _ = node.takeFailure() }
        try deliver(node.id)
    }

    /// Returns when every change of names so far is on the local disk.
    public func synchronizeNames() throws(Errno) {
        try metadata.database.synchronize(Errno.self)
    }

    /// Ends an open.
    public func release(_ handle: Handle) {
        if handle.canWrite {
            handle.node.update { $0.writers -= 1 }
            try? takeUpMapped(handle.node)
            endWritingUnheard(handle.node)
        }
        dismiss(from: handle.node)
        releaseNode(handle.node)
    }

    /// Objects of S3 end at 5 TiB.
    static let largestFile: Int64 = 5 << 40

    /// Cuts or extends a file, open or not.
    func truncate(_ file: File, to size: Int64) throws(Errno) {
        guard size >= 0 else { throw .invalid }
        guard size <= Self.largestFile else { throw .tooLarge }
        let node = try retain(file.id)
        defer { releaseNode(node) }
        try node.change { () throws(Errno) in
            guard node.now.size != size else {
                return noteTimes(node)
            }
            try markDirty(node)
            try node.bytes.truncate(to: size)
            noteWrite(node) { $0.size = size }
        }
        if node.now.writers == 0 { try endWriting(node) } else { try save(node) }
    }

    private func noteTimes(_ node: Node) {
        node.update { state in
            state.modified = .now()
            state.isUnsaved = true
        }
    }

    func noteWrite(_ node: Node, _ body: (inout Node.State) -> Void) {
        node.update { state in
            body(&state)
            state.modified = .now()
            state.isUnsaved = true
            state.isEnded = false
            state.writes += 1
            state.lastWrite = monotonicSeconds()
        }
    }

    /// Journals, before the first byte changes, that the file's bytes will be only here.
    func markDirty(_ node: Node) throws(Errno) {
        guard !node.now.isDirty else { return }
        let target = try metadata.database.write { (rows) throws(Errno) in
            // Nobody would find what is written to a file that someone else has replaced or removed.
            let names = rows.entries(of: node.id)
            let isShown = names.contains(where: \.isAttached)
            let isLost = names.isEmpty && nodes.isReplaced(node.id)
            guard var file = rows.file(node.id), !isLost,
                isShown || names.allSatisfy({ $0.vanished == nil })
            else { throw .stale }
            // Where its backend was taken away meanwhile, nobody could deliver it.
            let backend = try backend(of: file)
            file.changeBytes()
            rows.update(file)
            node.bytes.journal(in: rows)
            let due = Timestamp.now().adding(seconds: Self.oldestUnsentSeconds)
            for entry in names where entry.isAttached { rows.addWork(entry.id, due: due) }
            return backend
        }
        Failpoint.journaled.pass()
        node.update { $0.isDirty = true }
        if let target { probeAhead(target) }
    }

    /// Where somebody is going to wait for the store, it is asked what it can do while he still writes.
    private func probeAhead(_ backend: Backend) {
        guard options.waitsForStore || synchronizesToStore,
            backend.store.knownCapabilities == nil, backend.refusal == nil,
            !backend.isProbedAhead.exchange(true, ordering: .relaxed)
        else { return }
        backend.bulkhead.uploaders.run {
            // What keeps it from answering is told by the upload.
            _ = try? backend.request { (store) throws(StoreError) in try store.capabilities() }
        }
    }

    /// Writes size and time of a changed file to its row.
    ///
    /// Several threads may come at once, such as one that ends an open while another program writes: what
    /// is written is what holds in the transaction, or the later one could bring back an older size.
    func save(_ node: Node) throws(Errno) {
        guard node.now.isUnsaved else { return }
        let saved = try metadata.database.write { (rows) throws(Errno) in try save(node, rows) }
        noteSaved(saved, of: node)
    }

    /// - Returns: what is in the row then.
    func save(_ node: Node, _ rows: Connection) throws(Errno) -> Node.State {
        let now = node.now
        guard now.isUnsaved else { return now }
        guard var file = rows.file(node.id) else { throw .stale }
        file.size = now.size
        file.modified = now.modified
        file.changed = max(file.changed, now.modified)
        rows.update(file)
        return now
    }

    func noteSaved(_ saved: Node.State, of node: Node) {
        Failpoint.saved.pass()
        node.update { state in
            if state.writes == saved.writes, state.modified == saved.modified {
                state.isUnsaved = false
            }
        }
    }

    /// Writes down what a writer leaves, in one transaction: size and time, a line of the change log if
    /// there is news, and that the file goes to its store when it was left alone long enough.
    ///
    /// For the end of an open, and not for each `flush`: a program that starts another one flushes what it
    /// has open and goes on writing. But the first flush of the only writer is mostly his last, so that one
    /// tells the change log too (`takeForLastClose`), and what is left for here then costs no transaction.
    func endWriting(_ node: Node) throws(Errno) {
        let before = node.now
        guard before.isUnsaved || !before.isEnded else { return }
        let time = Timestamp.now()
        let due = time.adding(seconds: quietSeconds)
        defer { wakeSchedule(for: due) }
        guard before.isUnsaved || before.writes != before.loggedWrites else {
            leftAlone.update { $0[node.id] = due }
            return node.update { $0.end(ifStillAt: before.writes) }
        }
        let saved = try saveAndTell(node) { rows in
            rows.makeWorkDue(of: node.id, at: due, now: time, noLaterThan: Self.oldestUnsentSeconds)
        }
        node.update { $0.end(ifStillAt: saved.writes) }
    }

    /// Writes size and time to the row of a changed file, and tells the change log if there is news.
    @discardableResult
    private func saveAndTell(
        _ node: Node,
        alsoIn more: (Connection) -> Void
    ) throws(Errno) -> Node.State {
        let saved = try metadata.database.write { (rows) throws(Errno) in
            let now = try save(node, rows)
            if now.writes != now.loggedWrites, let path = rows.path(of: node.id) {
                rows.log(.written, path, file: node.id, .number("size", now.size))
            }
            more(rows)
            return now
        }
        noteSaved(saved, of: node)
        node.update { $0.loggedWrites = max($0.loggedWrites, saved.writes) }
        return saved
    }

    /// The same where nobody can be told of a failure: the bytes and their journal stay, and what is in
    /// memory only is saved by whoever comes next.
    private func endWritingUnheard(_ node: Node) {
        do throws(Errno) {
            try endWriting(node)
        } catch {
            Log.error("file \(node.id): its size and time are not saved: \(error)")
        }
    }

    func saveOpenFiles() {
        for node in nodes.all { try? save(node) }
    }

    /// - Parameter isOpening: for a program. An outdated file is of no use, and `ESTALE`; one too many
    ///   is `ENFILE`, so that descriptors are left for what goes on with those that are open.
    func retain(_ id: FileID, isOpening: Bool = false) throws(Errno) -> Node {
        try nodes.retain(id) { () throws(Errno) in
            let found = try metadata.database.read { (rows) throws(Errno) in
                rows.file(id).map { ($0, rows.isJournaled(id)) }
            }
            guard let (file, isDirty) = found else { throw .stale }
            let backend = backends[file.backend]
            var original: Original?
            if !isDirty {
                original = isOpening ? try self.original(of: file) : try? self.original(of: file)
            }
            let bytes = try cache.file(id, size: file.size, bulkhead: backend?.bulkhead)
            if isOpening, isReserved(descriptor: bytes.fileDescriptor) {
                cache.release(bytes)
                throw .tooManyOpenFiles
            }
            return Node(
                file,
                bytes: bytes,
                isDirty: isDirty,
                original: original,
                isReadOnly: backend?.isReadOnly ?? false
            )
        }
    }

    func releaseNode(_ node: Node) {
        nodes.release(node) {
            try? save(node)
            node.bytes.noteSoundness()
            cache.release(node.bytes)
        }
        let entries = (try? entries(of: node.id)) ?? []
        if !entries.contains(where: \.isAttached) { leaveOrphan(node.id, entries) }
    }

    /// How to get bytes of a file from whatever object holds them now.
    func fetch(for id: FileID) -> Fetch {
        { [self] (range, sink) throws(Errno) in
            var rest = range
            for isLastTry in Array(repeating: false, count: Self.versionsTried) + [true] {
                let (object, file) = try object(of: id)
                guard let backend = try backend(of: file) else { throw .ioError }
                rest = try takeFirstBytes(of: id, object.etag, rest, sink)
                if rest.isEmpty { return }
                do throws(StoreError) {
                    let info = try backend.request { (store) throws(StoreError) in
                        try store.get(object.key, range: rest, ifMatch: object.etag) {
                            (bytes) throws(Errno) in
                            try sink(bytes)
                            rest = rest.lowerBound + Int64(bytes.byteCount)..<rest.upperBound
                        }
                    }
                    return file.isKnown ? () : learn(info, of: id)
                } catch {
                    let isGone = error == .missing || error == .changed
                    // The uploader may have moved the object, or put a newer one in its place.
                    if isGone, !isLastTry,
                        (try? findOrigin(of: id, besides: object.key, object.etag, backend)) == true
                    {
                        continue
                    }
                    if case .aborted(let errno) = error, errno.isUnfinished {
                    } else {
                        Log.warning("\(backend.name)/\(object.key): cannot read: \(error)")
                    }
                    guard isGone else { throw Errno(error) }
                    forgetListing(above: id)
                    throw .stale
                }
            }
        }
    }

    /// As many versions of an object may be replaced while a range of it is fetched.
    private static let versionsTried = 4

    /// Others have changed a file: the next look at its directory asks the store.
    func forgetListing(above id: FileID) {
        try? metadata.database.write { (rows) throws(Errno) in
            for entry in rows.entries(of: id) where entry.isAttached {
                rows.setListed(entry.parent, at: nil)
            }
        }
    }

    func object(of id: FileID) throws(Errno) -> ((key: Key, etag: String?), File) {
        let found = try metadata.database.read { (rows) throws(Errno) in
            (rows.file(id), rows.origin(of: id))
        }
        guard let file = found.0, let entry = found.1, let key = entry.key else { throw .stale }
        return ((key, entry.etag), file)
    }

    private func readUncached(_ range: Range<Int64>, _ fetch: Fetch) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        try fetch(range) { (part) throws(Errno) in part.append(to: &bytes) }
        return bytes
    }

    /// Sees whether the object of a clean file is still the one that is known, unless that was seen of
    /// late; a file that was replaced is stale, and the kernel looks its name up again.
    private func checkVersion(of file: File) throws(Errno) {
        guard let entry = try entries(of: file.id).first else {
            if nodes.isReplaced(file.id) { throw .stale }
            return
        }
        guard entry.isAttached else { throw .stale }
        let parent = try self.file(entry.parent)
        try ensureListed(parent)
        guard let now = try entries(of: file.id).first, now.isAttached else { throw .stale }
    }
}
