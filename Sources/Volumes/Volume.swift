public import Base
public import Cache
public import Metadata
public import Queries
import SQLite
import Stores
import Synchronization

/// How a volume behaves, where its users may choose.
public struct VolumeOptions: Sendable {
    /// Owner and group of files whose object does not tell.
    public var owner: UInt32
    public var group: UInt32
    /// Permission bits of such files, and of such directories.
    public var fileMode: UInt32 = 0o644
    public var directoryMode: UInt32 = 0o755
    /// `close`, `rename`, `unlink` and `mkdir` wait for the store.
    public var waitsForStore = true
    /// Where they do not, a file is sent when it was left alone for so long.
    public var uploadAfterSeconds = 5.0
    /// `fsync` waits for the store.
    public var synchronizesToStore = false
    /// What the paths of files tell of their tags, for those who ask for that.
    public var pathRules: [PathRule] = []

    public init(owner: UInt32, group: UInt32) {
        self.owner = owner
        self.group = group
    }
}

/// A mounted tree: names and attributes from the metadata, bytes from the cache and the stores.
///
/// Every method runs on the calling thread and may block it, for as long as a store's deadline at the
/// most. All of them may be called at once from any number of threads.
///
/// On a thread that must not wait (`Patience`), a method that would wait for a store throws
/// `Errno.wouldWait`. It has then changed nothing, or nothing that a second call would change again, so
/// the caller may repeat it where it can wait. Whoever changes a method must keep that: what may wait
/// comes before the first change, or the change is one that can be repeated.
public final class Volume: Sendable {
    let metadata: Metadata
    let cache: BlockCache
    let options: VolumeOptions
    let backends: BackendTable
    let nodes = NodeTable()
    let refreshing = Monitor(Refreshing())
    /// Keys deleted of late, so that a listing begun before does not bring them back.
    let deleted = Monitor<[ObjectPlace: Timestamp]>([:])
    let passthrough = Passthrough()
    let notices = Monitor(NoticeQueue())
    let places = PlaceLocks()
    let firstBytes = Monitor(FirstBytes())
    let removals = Monitor(Removals())
    let lookRuns = Monitor(LookRuns())
    /// Files that were closed with nothing to save, and when they are due for that.
    ///
    /// The schedule tells their rows, of many at once; a crash before that leaves them due as they were, later.
    let leftAlone = Monitor<[FileID: Timestamp]>([:])
    let views = Monitor(ViewState())
    let schedule = Monitor(Schedule())
    let delivered = Monitor(DeliveryMeter())
    /// What the kernel asks; counted where it does.
    public let operations = OperationMeter()
    let scheduler = Workers("schedule", limit: 1)
    let sweepers = Workers("sweep", limit: 4)
    let scanners = Workers("scan", limit: 4)
    let scans = Monitor(ScanTable())
    let lastTick = Atomic<Int64>(0)
    private let isClosing = Atomic<Bool>(false)
    private let isEnding = Atomic<Bool>(false)
    private let isLeaving = Atomic<Bool>(false)

    /// Opens the volume: the backends get their directories, and what a crash interrupted goes on.
    public init(
        metadata: Metadata,
        cache: BlockCache,
        backends descriptions: [BackendDescription],
        options: VolumeOptions
    ) throws(Errno) {
        self.metadata = metadata
        self.cache = cache
        self.options = options
        backends = try Self.register(descriptions, metadata: metadata, options: options)
        try recover()
        startUploading()
        for backend in backends.values { begin(backend) }
        resumeScans()
    }

    /// Says that the volume is about to be unmounted: from now on names are what is known of them, as
    /// if no store answered, so that nothing on the way out waits for one.
    public func close() { isClosing.store(true, ordering: .relaxed) }

    /// Nobody is to wait any more: what the stores have yet to get is left for the next start.
    public func leave() {
        isEnding.store(true, ordering: .relaxed)
        isLeaving.store(true, ordering: .relaxed)
    }

    /// Brings what is only here to this machine's disk, then to the stores, and ends the volume's threads.
    ///
    /// The stores are waited for at most `seconds`. The kernel must ask nothing any more.
    ///
    /// What was not delivered is in the journal, and goes on at the next start. So nothing is lost where
    /// the process is killed in the middle, nor where the machine loses power after the first step.
    ///
    /// - Parameter endingOthers: called before the threads end; whoever else uses the volume ends here.
    public func stop(deliveringAtMost seconds: Double, endingOthers: () -> Void = {}) {
        passthrough.end()
        saveOpenFiles()
        secureJournal()
        waitForStores(atMost: seconds)
        leave()
        stopWaiting()
        // An upload under way breaks off, as in a crash: it may take longer than anybody waits.
        for backend in backends.values { backend.breakOff() }
        endingOthers()
        stopUploading()
        for backend in backends.values { backend.stop() }
        cache.stop()
        sweepers.stop()
        scanners.stop()
        for backend in backends.values { backend.listers.stop() }
    }

    /// Whether `fsync` waits for the store: on the way out, what is left to be delivered is `stop`'s business.
    var synchronizesToStore: Bool { options.synchronizesToStore && !asksNoStore }

    /// Brings what was written, and the journal that says so, to the disk.
    private func secureJournal() {
        do throws(Errno) {
            if try pendingProgress().left.count > 0 { try cache.synchronize() }
            try synchronizeNames()
        } catch {
            Log.error("what is not delivered yet may not survive a power failure: \(error)")
        }
    }

    private func waitForStores(atMost seconds: Double) {
        do throws(Errno) {
            let (outcome, progress) = try flush(
                .everything,
                atMost: seconds,
                evenLater: true,
                orReachable: true
            ) { _ in !leavesRest }
            if outcome == .done { return }
            let count = progress.left.count
            Log.warning("\(count) changes are not in their store yet; they go on at the next start")
        } catch {
            Log.error("the stores cannot be waited for: \(error)")
        }
    }

    /// Lets requests that wait for a store (`Patience`) leave, and returns when they have.
    public func stopWaiting() {
        isEnding.store(true, ordering: .relaxed)
        for backend in backends.values { backend.bulkhead.waiters.stop() }
    }

    /// Whether requests that wait for a store are to leave.
    public var hasAbandonedWaits: Bool { isEnding.load(ordering: .relaxed) }

    /// Whether what the stores have yet to get is left for the next start.
    var leavesRest: Bool { isLeaving.load(ordering: .relaxed) }

    /// Whether names are what is known of them, because the volume is about to be unmounted.
    var asksNoStore: Bool { isClosing.load(ordering: .relaxed) }

    /// A moment later than any it returned before, for ordering our changes against listings.
    func tick() -> Timestamp {
        let now = Timestamp.now().nanoseconds
        var last = lastTick.load(ordering: .relaxed)
        while true {
            let next = max(now, last + 1)
            let (exchanged, original) = lastTick.compareExchange(
                expected: last,
                desired: next,
                ordering: .relaxed
            )
            if exchanged { return Timestamp(nanoseconds: next) }
            last = original
        }
    }

    /// The backend a file lives on; `nil` for GoSync's own directories, EIO for one not configured now.
    func backend(of file: File) throws(Errno) -> Backend? {
        if file.backend == 0 { return nil }
        guard let backend = backends[file.backend] else { throw .ioError }
        return backend
    }

    /// The backend of a file that is to be changed.
    func writableBackend(of file: File) throws(Errno) -> Backend {
        guard let backend = try backend(of: file) else { throw .notPermitted }
        if backend.isReadOnly { throw .readOnly }
        return backend
    }

    func file(_ id: FileID) throws(Errno) -> File {
        if let place = try placeFile(id) { return place }
        let file = try metadata.database.read { (rows) throws(Errno) in rows.file(id) }
        guard let file else { throw .stale }
        return file
    }

    private static func register(
        _ descriptions: [BackendDescription],
        metadata: Metadata,
        options: VolumeOptions
    ) throws(Errno) -> BackendTable {
        let backends = try metadata.database.write { (rows) throws(Errno) in
            var backends: [Int64: Backend] = [:]
            let now = Timestamp.now()
            for fixed in [FileID.root, .backends, .filters] {
                guard var directory = rows.file(fixed) else { throw .ioError }
                directory.owner = options.owner
                directory.group = options.group
                if directory.modified.nanoseconds == 0 {
                    directory.modified = now
                    directory.changed = now
                    directory.accessed = now
                }
                rows.update(directory)
            }
            // What was being taken away is needed in its place until all below it is gone.
            let unfinished = Set(rows.removedRoots())
            for entry in rows.children(of: .backends, after: 0, limit: .max)
            where !unfinished.contains(entry.file.id) {
                rows.deleteEntry(entry.entry.id)
            }
            for description in descriptions {
                let backend = makeBackend(description, options: options, rows)
                show(backend, rows)
                backends[backend.number] = backend
            }
            return backends
        }
        return BackendTable(backends)
    }

    /// Takes the sizes of files that were open in a crash from their bytes.
    private func recover() throws(Errno) {
        try recoverMapped()
        let journaled = try metadata.database.read { (rows) throws(Errno) in rows.journaledFiles() }
        for id in journaled {
            do throws(Errno) {
                try recover(id)
            } catch {
                // One damaged file keeps nobody from the others.
                Log.error("file \(id): its unsent bytes cannot be taken up: \(error)")
            }
        }
        for root in try metadata.database.read({ (rows) throws(Errno) in rows.removedRoots() }) {
            try forgetAll(in: root)
        }
        try reapOrphans()
    }

    private func recover(_ id: FileID) throws(Errno) {
        let known = try metadata.database.read { (rows) throws(Errno) in rows.file(id) }
        // Its removal was interrupted.
        guard let known else { return cache.remove(id) }
        let status = cache.status(of: id)
        if known.size > 0, status == nil {
            return Log.error("file \(id): its unsent bytes are missing from the cache")
        }
        let size = status?.sizeBytes ?? 0
        let bytes = try cache.file(id, size: size)
        defer { cache.release(bytes) }
        try bytes.recover(size: size)
        try metadata.database.write { (rows) throws(Errno) in
            guard var file = rows.file(id) else { return rows.forgetContent(of: id) }
            if let status, file.size != size {
                file.size = size
                file.modified = status.modified
                file.changed = status.modified
                rows.update(file)
            }
            // Whether its last close was told, nobody knows.
            if let path = rows.path(of: id) {
                rows.log(.written, path, file: id, .number("size", file.size))
            }
            for entry in rows.entries(of: id) where entry.isAttached {
                rows.addWork(entry.id, due: tick())
            }
        }
    }
}
