public import Base
import Glibc
public import SQLite

/// Reads a range of the object behind a file, handing its bytes on as they arrive.
public typealias Fetch =
    @Sendable (_ range: Range<Int64>, _ sink: (RawSpan) throws(Errno) -> Void) throws(Errno) -> Void

/// One file's bytes in the cache, open.
///
/// Reads may come from many threads. Writes and truncations of one file must come one at a time (the
/// kernel's own inode lock sees to it for a mount, and the volume's for an upload).
public final class CachedFile: @unchecked Sendable {
    // @unchecked: `descriptor` is used with offsets; everything else is a constant.
    public let number: Int64
    let descriptor: FileDescriptor
    let table: Monitor<ChunkTable>
    let cache: BlockCache
    /// The threads that fetch from the file's store, and that may wait for it.
    public let bulkhead: Bulkhead
    /// The cache's disk lets the file be changed.
    let isWritable: Bool
    /// Held while a chunk is written: the kernel lets one thread at a time write to a file, and has the
    /// others spin for it, which took a quarter of all the time of a fast read.
    let storing = Monitor(())
    private let saved: Monitor<Saved>

    /// What others count on for this file.
    private struct Saved {
        /// The part of the cache's use of disk that is this file's.
        var accounted: Int64
        /// What the index says that it uses; `nil` without a row.
        var disk: Int64?
        /// When it says that the file was last used.
        var used: Int64
    }

    /// Bytes that may arrive before the index is told: a crash forgets them.
    static let unsavedLimit: Int64 = 64 << 20

    init(
        _ number: Int64,
        size: Int64,
        cache: BlockCache,
        bulkhead: Bulkhead
    ) throws(Errno) {
        self.number = number
        self.cache = cache
        self.bulkhead = bulkhead
        let path = cache.path(of: number)
        let row = try cache.database.read { (connection) throws(Errno) in
            connection.content(of: number)
        }
        // Of a file that has nothing here yet, nothing is to be found.
        let status = (row?.disk ?? 0) > 0 ? cache.status(of: number) : nil
        let usable = row.flatMap { row in
            status != nil || row.disk == 0 ? row : nil
        }
        let isDirty = usable?.isDirty ?? false
        if let row, row.isDirty, usable == nil {
            Log.error("the bytes of file \(number) are missing from the cache at \(path)")
            throw .ioError
        }
        // Without a row, what lies at the path belongs to nobody.
        let flags = O_RDWR | O_CREAT | (usable == nil ? O_TRUNC : 0)
        var isWritable = true
        descriptor = try Self.open(path, flags, isNeeded: isDirty, &isWritable)
        self.isWritable = isWritable
        var table = ChunkTable(
            base: usable?.base ?? size,
            isNew: usable == nil,
            used: usable?.used ?? Timestamp.now().nanoseconds,
            isCompared: cache.isKnownSound(number, status),
            largestWindow: cache.sizeBytes / Self.windowShare
        )
        table.isJournaled = isDirty
        self.table = Monitor(table)
        saved = Monitor(
            Saved(accounted: usable?.disk ?? 0, disk: usable?.disk, used: usable?.used ?? 0)
        )
        if usable == nil, let row {
            cache.account(-row.disk)
            try cache.database.write { (connection) throws(Errno) in
                connection.forgetContent(of: number)
            }
        }
        if !isDirty, isWritable {
            let status = try descriptor.status()
            // Reads of what is here, or of the store, do without.
            if status.sizeBytes != size { try? descriptor.truncate(to: size) }
        }
    }

    /// A disk that does not let a file be made or changed still lets it be read, from the disk or, where
    /// it has nothing, from the store.
    private static func open(
        _ path: String,
        _ flags: CInt,
        isNeeded: Bool,
        _ isWritable: inout Bool
    ) throws(Errno) -> FileDescriptor {
        do throws(Errno) {
            return try FileDescriptor(opening: path, flags: flags)
        } catch {
            if isNeeded { throw error }
            Log.warning("\(path) cannot be changed, reading without it: \(error)")
        }
        isWritable = false
        let hasContent = flags & O_TRUNC == 0 && FileStatus(ofFileAt: path) != nil
        return try FileDescriptor(opening: hasContent ? path : "/dev/null", flags: O_RDONLY)
    }

    /// One stream fetches ahead this part of the cache at most: what it brought must not go before it
    /// was read.
    private static let windowShare: Int64 = 8

    /// Where the bytes lie; good for reading what `withPresent` has made present.
    public var fileDescriptor: CInt { descriptor.rawValue }

    /// Reads from the index what it knows of a range.
    func load(_ range: Range<Int64>) throws(Errno) {
        for block in table.withLock({ $0.unloadedBlocks(of: range) }) {
            let found = try cache.database.read { (connection) throws(Errno) in
                connection.extents(ChunkTable.extents(ofBlock: block), of: number)
            }
            table.update { $0.load(found, ofBlock: block) }
        }
    }

    /// Reads from the index all that it knows.
    func loadWhole() throws(Errno) {
        guard !table.withLock({ $0.isComplete() }) else { return }
        let found = try cache.database.read { (connection) throws(Errno) in
            connection.extents(0..<Int.max, of: number)
        }
        table.update { $0.loadWhole(found) }
    }

    /// Takes note of disk that was promised or given up.
    func account(_ bytes: Int64) {
        saved.withLock { $0.accounted += bytes }
        cache.account(bytes)
    }

    /// Takes note of the disk that the file uses, after it was written to.
    func accountDisk() {
        guard let disk = try? descriptor.diskBytes() else { return }
        account(total: disk + table.withLock { $0.bytesOnTheWay })
    }

    private func account(total bytes: Int64) {
        let delta = saved.withLock { saved in
            defer { saved.accounted = bytes }
            return bytes - saved.accounted
        }
        cache.account(delta)
    }

    /// Writes down what is here, if that is much, or nothing was written down yet.
    func saveIndexIfDue() {
        if saved.withLock({ $0.accounted >= $0.disk ?? 0 }) { saveIndex() }
    }

    /// Writes the chunk index and the space used to the database; a failure costs a later fetch only.
    ///
    /// - Parameter isLast: nothing more will come. Until then the row counts some more than is there:
    ///   after a crash that much may be there.
    func saveIndex(isLast: Bool = false) {
        guard let disk = unsavedDisk(isLast: isLast) else { return }
        do throws(Errno) {
            try cache.database.write { (connection) throws(Errno) in write(disk, in: connection) }
        } catch {
            Log.debug("cache file \(number): its index cannot be saved: \(error)")
        }
    }

    /// The same as part of a transaction; closing the file soon after costs none of its own then.
    public func saveIndex(in connection: Connection) {
        if let disk = unsavedDisk(isLast: false) { write(disk, in: connection) }
    }

    /// The space that the row is to tell; `nil` where it need not be written.
    private func unsavedDisk(isLast: Bool) -> Int64? {
        let blocks = (try? descriptor.diskBytes()) ?? 0
        let (onTheWay, base, used, hasChanges) = table.withLock {
            ($0.bytesOnTheWay, $0.base, $0.used, $0.hasChanges)
        }
        let old = saved.withLock { $0 }
        account(total: blocks + onTheWay)
        let most = min(base, blocks + onTheWay + Self.unsavedLimit)
        let disk = isLast ? blocks : max(blocks, most)
        let isDue = hasChanges || disk != old.disk || used - old.used > Self.usedPrecision
        return isDue ? disk : nil
    }

    /// Reading alone changes the index no more often than this, in nanoseconds.
    private static let usedPrecision: Int64 = 60_000_000_000

    /// Within the transaction, or an older state could be written over a newer one.
    private func write(_ disk: Int64, in connection: Connection) {
        let (changed, base, used) = table.withLock {
            ($0.takeChangedExtents(), $0.base, $0.used)
        }
        // The volume may have removed the file meanwhile.
        let isDirty = connection.content(of: number)?.isDirty ?? false
        let row = ContentRow(base: base, isDirty: isDirty, disk: disk, used: used)
        connection.saveContent(row, of: number)
        noteSaved(row)
        for (index, extent) in changed { connection.save(extent, at: index, of: number) }
    }

    /// Takes note of what the row says now.
    func noteSaved(_ row: ContentRow) {
        saved.withLock { saved in
            saved.disk = row.disk
            saved.used = row.used
        }
    }

    /// Keeps new reads, writes, fetches and evictions out until `unfreeze`.
    func freeze() throws(Errno) {
        try table.wait(in: bulkhead) { table -> Bool? in
            if table.frozen || table.evictions > 0 { return nil }
            table.frozen = true
            return true
        }
    }

    func unfreeze() { table.update { $0.frozen = false } }
}
