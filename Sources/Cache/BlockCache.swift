public import Base
import Glibc
public import SQLite
import Synchronization

/// Bytes of files on the local disk: one sparse file each, named by the file's number.
///
/// The index lies in the database that is handed in. All methods may be called from any thread.
/// A cache file that is missing, short or damaged costs a new fetch; one that holds bytes which exist
/// nowhere else and is missing is an error, never a guess. A descriptor is kept for each file that is
/// open, and for none besides.
public final class BlockCache: Sendable {
    let directory: String
    let database: Database
    private let bulkhead = Bulkhead()
    /// The disk it may fill with what could be fetched again.
    public let sizeBytes: Int64
    let room: DiskRoom
    let budget: Budget
    public let meter = CacheMeter()
    private let disk: Atomic<Int64>
    /// Files that are whole and were compared with their checksums by this process.
    let sound = Monitor<[Int64: SoundFile]>([:])
    /// Files that are not evicted; those of the table `pinned`.
    let pinned: Monitor<Set<Int64>>
    private let open = Monitor(OpenFiles())
    let eviction = Monitor(Eviction())

    private struct OpenFiles {
        var files: [Int64: Use] = [:]
        /// Files that somebody is opening, closing or removing.
        var changing: Set<Int64> = []
    }

    private struct Use {
        let file: CachedFile
        var users = 1
        var fetches = 0
        /// To be removed as soon as nobody uses it.
        var isUnwanted = false

        var isOver: Bool { users == 0 && fetches == 0 }
    }

    /// - Parameters:
    ///   - directory: made if missing; only this cache may use it.
    ///   - sizeBytes: the disk it may fill with what could be fetched again.
    ///   - minFreeBytes: of its disk, what it leaves to others; `nil` for a quarter, and 1 GiB at most.
    ///   - memoryBytes: the bytes that may be on their way at once, besides those that a reader waits
    ///     for.
    public init(
        directory: String,
        sizeBytes: Int64,
        minFreeBytes: Int64? = nil,
        memoryBytes: Int64 = 256 << 20,
        database: Database
    ) throws(Errno) {
        self.directory = directory
        self.database = database
        self.sizeBytes = sizeBytes
        budget = Budget(limitBytes: memoryBytes)
        for folder in [directory] + (0..<256).map({ directory + "/" + Self.hex($0) }) {
            try makeDirectory(folder)
        }
        room = try DiskRoom(directory, sizeBytes: sizeBytes, minFreeBytes: minFreeBytes)
        let (total, kept) = try database.write { connection throws(Errno) in
            connection.execute(CacheIndex.schema)
            return (connection.contentDiskBytes(), connection.pinnedFiles())
        }
        disk = Atomic(total)
        pinned = Monitor(kept)
    }

    /// Returns when all bytes written so far, of every file, are on the disk.
    public func synchronize() throws(Errno) {
        try FileDescriptor(opening: directory, flags: O_RDONLY | O_DIRECTORY)
            .synchronizeFileSystem()
    }

    /// Finishes what runs; files still open can be read no further.
    public func stop() {
        bulkhead.stop()
    }

    /// Bytes of disk in use, or promised to what is on its way.
    public var diskBytes: Int64 { disk.load(ordering: .relaxed) }

    /// The cached bytes of a file, shared by all who have it open.
    ///
    /// - Parameters:
    ///   - size: of the file's object, or of the file where it has none yet.
    ///   - bulkhead: the threads that fetch, and that may wait for it, if not the cache's own.
    public func file(
        _ number: Int64,
        size: Int64,
        bulkhead: Bulkhead? = nil
    ) throws(Errno) -> CachedFile {
        let known: CachedFile?? = open.wait { open -> CachedFile?? in
            if open.changing.contains(number) { return nil }
            if let use = open.files[number] {
                open.files[number]?.users += 1
                return .some(use.file)
            }
            open.changing.insert(number)
            return .some(nil)
        }
        if let file = known ?? nil { return file }
        defer { open.update { _ = $0.changing.remove(number) } }
        let file = try CachedFile(
            number,
            size: size,
            cache: self,
            bulkhead: bulkhead ?? self.bulkhead
        )
        open.withLock { $0.files[number] = Use(file: file) }
        return file
    }

    /// Ends one use of `file`; the last one ends what is fetched ahead, writes down what is here, and
    /// closes.
    public func release(_ file: CachedFile) {
        let users = open.withLock { open in
            open.files[file.number]?.users -= 1
            return open.files[file.number]?.users ?? 0
        }
        guard users == 0 else { return }
        file.table.update { $0.endStreams() }
        closeIfOver(file)
    }

    /// A fetch keeps the file open, and takes room for its bytes.
    func beginFetch(_ file: CachedFile, _ bytes: Int64) {
        file.account(bytes)
        open.withLock { $0.files[file.number]?.fetches += 1 }
    }

    func endFetch(_ file: CachedFile, lost bytes: Int64) {
        file.account(-bytes)
        file.saveIndexIfDue()
        open.withLock { $0.files[file.number]?.fetches -= 1 }
        closeIfOver(file)
    }

    private func closeIfOver(_ file: CachedFile) {
        let isUnwanted: Bool? = open.withLock { open in
            guard let use = open.files[file.number], use.isOver else { return nil }
            open.files[file.number] = nil
            open.changing.insert(file.number)
            return use.isUnwanted
        }
        guard let isUnwanted else { return }
        file.saveIndex(isLast: true)
        if isUnwanted { erase(file.number) }
        open.update { _ = $0.changing.remove(file.number) }
    }

    /// Removes the bytes of a file that nobody has open, and its rows.
    public func remove(_ number: Int64) {
        if isPinned(number) {
            try? database.write { (rows) throws(Errno) in unpin(number, in: rows) }
        }
        let isOpen = open.wait { open -> Bool? in
            if open.changing.contains(number) { return nil }
            open.files[number]?.isUnwanted = true
            if open.files[number] == nil { open.changing.insert(number) }
            return open.files[number] != nil
        }
        // What was fetched ahead for it may still be on its way.
        if isOpen { return }
        erase(number)
        open.update { _ = $0.changing.remove(number) }
    }

    /// Like `remove`, unless somebody has the file open, or it has bytes of its own.
    func removeUnused(_ number: Int64) {
        let isMine = open.withLock { open in
            open.files[number] == nil && open.changing.insert(number).inserted
        }
        guard isMine else { return }
        let isJournaled = try? database.read { (connection) throws(Errno) in
            connection.isJournaled(number)
        }
        if isJournaled == false { erase(number) }
        open.update { _ = $0.changing.remove(number) }
    }

    private func erase(_ number: Int64) {
        forgetSound(number)
        let row = try? database.read { (connection) throws(Errno) in connection.content(of: number)
        }
        guard (try? removeFile(path(of: number))) != nil || status(of: number) == nil else {
            return
        }
        account(-(row?.disk ?? 0))
        try? database.write { (connection) throws(Errno) in connection.forgetContent(of: number) }
    }

    func isOpen(_ number: Int64) -> Bool {
        open.withLock { $0.files[number] != nil || $0.changing.contains(number) }
    }

    var openFiles: [CachedFile] { open.withLock { $0.files.values.map(\.file) } }

    /// Size and time of a file's bytes on disk, which are the truth of a dirty file after a crash.
    public func status(of number: Int64) -> FileStatus? { FileStatus(ofFileAt: path(of: number)) }

    func path(of number: Int64) -> String {
        "\(directory)/\(Self.hex(Int(number & 255)))/\(number)"
    }

    /// Takes note of disk gained or freed.
    func account(_ bytes: Int64) { disk.add(bytes, ordering: .relaxed) }

    private static func hex(_ byte: Int) -> String {
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }
}
