import Base

/// Which parts of one file are here, on their way, or changed: a plain value without I/O.
///
/// Bytes at or beyond `base` are always here: they were written here and no object has them. Bytes
/// below are here if their chunk is `valid`. So a new file needs no chunks at all (`base` is 0), and
/// `base` only ever falls while a file is being changed. A dirty chunk is never fetched, and never
/// evicted; a chunk that is being fetched is never written. How a read is admitted, and what is
/// fetched for it, is in `ChunkTable+Reading`.
struct ChunkTable: Sendable {
    private(set) var base: Int64
    /// Those of which anything is known; the index is read block by block, as it is needed.
    var extents: [Int: Extent] = [:]
    private var loadedBlocks: Set<Int> = []
    private(set) var isLoadedWhole: Bool
    /// When the file was used before it was opened.
    private let loadedUse: Int64
    /// What the index has of the file was compared with its checksums by this process.
    private let isCompared: Bool
    /// When the file was last used, nanoseconds since 1970.
    var used: Int64
    /// Reads that rely on what they found valid, in the whole file.
    var readers = 0
    /// Loans of the whole file: nothing of it is evicted.
    var pins = 0
    /// Nothing of the file is evicted until it is closed: it is about to lose its object.
    var keepsAll = false
    /// Nothing of the file is evicted while it differs from its object.
    ///
    /// The journal's end makes all that is here the object's, and must find it here.
    var isJournaled = false
    /// A write or truncation is at work: new reads, writes and fetches wait.
    var frozen = false
    /// Evictions at work: each in extents of its own.
    var evictions = 0
    /// `base` has fallen here but not in the index.
    var baseIsUnsaved = false
    /// Fetched bytes may not have reached the disk yet.
    var hasUnsynced: Bool

    // What `ChunkTable+Reading` keeps.
    var streams: Streams
    var fetches: [Int: RunningFetch] = [:]
    var waiting: [Int: WaitingRead] = [:]
    var lastID = 0
    /// Bytes of running fetches that have not arrived.
    var bytesOnTheWay: Int64 = 0
    /// Until then nothing is fetched into the cache: its disk did not take bytes.
    var storageFailsUntil: Double = 0

    /// Extents that are read from the index together.
    static let extentsPerBlock = 64

    /// - Parameters:
    ///   - isNew: the index knows nothing of the file.
    ///   - used: when the file was last used, nanoseconds since 1970.
    ///   - isCompared: what the index has of it was compared with its checksums by this process.
    ///   - largestWindow: bytes to fetch ahead of one stream at most.
    init(
        base: Int64,
        isNew: Bool = false,
        used: Int64 = 0,
        isCompared: Bool = false,
        largestWindow: Int64 = .max
    ) {
        self.base = base
        isLoadedWhole = isNew
        hasUnsynced = !isNew
        self.used = used
        loadedUse = used
        self.isCompared = isCompared
        streams = Streams(largestWindow: largestWindow)
    }

    static func chunks(of range: Range<Int64>) -> Range<Int> {
        guard !range.isEmpty else { return 0..<0 }
        let first = Int(range.lowerBound / ChunkSize.chunk)
        return first..<Int((range.upperBound + ChunkSize.chunk - 1) / ChunkSize.chunk)
    }

    static func extents(of range: Range<Int64>) -> Range<Int> {
        guard !range.isEmpty else { return 0..<0 }
        let first = Int(range.lowerBound / ChunkSize.extent)
        return first..<Int((range.upperBound + ChunkSize.extent - 1) / ChunkSize.extent)
    }

    /// The bytes of a chunk that the object has.
    func range(ofChunk chunk: Int) -> Range<Int64> { range(ofChunks: chunk..<chunk + 1) }

    func range(ofChunks chunks: Range<Int>) -> Range<Int64> {
        let start = Int64(chunks.lowerBound) * ChunkSize.chunk
        return start..<max(start, min(Int64(chunks.upperBound) * ChunkSize.chunk, base))
    }

    /// The part of a range that the object may have to give.
    func belowBase(_ range: Range<Int64>) -> Range<Int64> { range.clamped(to: 0..<base) }

    // MARK: The index

    /// The blocks of extents that a range needs and that were not yet read from the index.
    func unloadedBlocks(of range: Range<Int64>) -> [Int] {
        guard !isLoadedWhole else { return [] }
        let extents = Self.extents(of: belowBase(range))
        guard let last = extents.last else { return [] }
        return (extents.lowerBound / Self.extentsPerBlock...last / Self.extentsPerBlock)
            .filter { !loadedBlocks.contains($0) }
    }

    /// Whether there is nothing left to be read from the index: of a file that was written here from its
    /// first byte, there never was.
    mutating func isComplete() -> Bool {
        if !isLoadedWhole { isLoadedWhole = unloadedBlocks(of: 0..<base).isEmpty }
        return isLoadedWhole
    }

    static func extents(ofBlock block: Int) -> Range<Int> {
        block * extentsPerBlock..<(block + 1) * extentsPerBlock
    }

    /// Takes over what the index knows of a block.
    mutating func load(_ found: [(number: Int, extent: Extent)], ofBlock block: Int) {
        guard !isLoadedWhole, loadedBlocks.insert(block).inserted else { return }
        for (number, extent) in found { take(extent, number) }
    }

    /// Takes over all that the index knows, for the blocks that were not read yet.
    mutating func loadWhole(_ found: [(number: Int, extent: Extent)]) {
        guard !isLoadedWhole else { return }
        isLoadedWhole = true
        for (number, extent) in found
        where !loadedBlocks.contains(number / Self.extentsPerBlock) {
            take(extent, number)
        }
    }

    private mutating func take(_ extent: Extent, _ number: Int) {
        guard number * ChunkSize.chunksPerExtent < chunkCount else { return }
        extents[number] = extent
        extents[number]?.used = loadedUse
        if isCompared { extents[number]?.verified = extent.valid }
    }

    private var chunkCount: Int { Self.chunks(of: 0..<base).upperBound }

    /// Whether the index on disk is behind.
    var hasChanges: Bool { extents.values.contains(where: \.changed) }

    /// What the index on disk does not say yet.
    mutating func takeChangedExtents() -> [(number: Int, extent: Extent)] {
        let changed = extents.filter(\.value.changed)
        for number in changed.keys { extents[number]?.changed = false }
        for number in changed.keys { forgetIfEmpty(number) }
        return changed.map { ($0.key, $0.value) }
    }

    mutating func forgetIfEmpty(_ number: Int) {
        guard let extent = extents[number], extent.readers == 0, !extent.isEvicting,
            extent.valid | extent.fetching == 0, !extent.changed
        else { return }
        extents[number] = nil
    }

    // MARK: Chunks

    func isValid(_ chunk: Int) -> Bool { areValid(chunk..<chunk + 1) }
    func isDirty(_ chunk: Int) -> Bool {
        ExtentParts(chunk..<chunk + 1).allSatisfy { (extents[$0]?.dirty ?? 0) & $1 != 0 }
    }

    func areValid(_ chunks: Range<Int>) -> Bool {
        ExtentParts(chunks).allSatisfy { (extents[$0]?.valid ?? 0) & $1 == $1 }
    }

    func isFetching(any chunks: Range<Int>) -> Bool {
        ExtentParts(chunks).contains { (extents[$0]?.fetching ?? 0) & $1 != 0 }
    }

    func isEvicting(any chunks: Range<Int>) -> Bool {
        evictions > 0
            && ExtentParts(chunks).contains { part in extents[part.number]?.isEvicting ?? false }
    }

    func firstUnverified(in chunks: Range<Int>) -> Int? {
        for (number, bits) in ExtentParts(chunks) {
            let extent = extents[number] ?? Extent()
            let rest = bits & ~(extent.verified | extent.dirty)
            if rest != 0 { return number * ChunkSize.chunksPerExtent + rest.trailingZeroBitCount }
        }
        return nil
    }

    func checksum(of chunk: Int) -> UInt32 {
        extents[chunk / ChunkSize.chunksPerExtent]?.checksums[chunk % ChunkSize.chunksPerExtent]
            ?? 0
    }

    /// The first run of chunks that are neither here nor on their way.
    func firstMissing(in chunks: Range<Int>) -> Range<Int>? {
        var start: Int?
        for (number, bits) in ExtentParts(chunks) {
            let first = number * ChunkSize.chunksPerExtent
            let missing = missing(number) & bits
            if let start {
                let count = (~missing).trailingZeroBitCount
                if count < ChunkSize.chunksPerExtent { return start..<first + count }
            } else if missing != 0 {
                let low = missing.trailingZeroBitCount
                let count = (~(missing >> UInt32(low))).trailingZeroBitCount
                let end = low + count
                if end < ChunkSize.chunksPerExtent { return first + low..<first + end }
                start = first + low
            }
        }
        return start.map { $0..<chunks.upperBound }
    }

    /// Of an extent that was not loaded nothing is known: it may hold what is only here.
    private func missing(_ number: Int) -> UInt32 {
        if let extent = extents[number] { return extent.missing }
        let isKnown = isLoadedWhole || loadedBlocks.contains(number / Self.extentsPerBlock)
        return isKnown ? .max : 0
    }

    mutating func setFetching(_ chunks: Range<Int>, _ isFetching: Bool) {
        for (number, bits) in ExtentParts(chunks) {
            change(number) { extent in
                if isFetching { extent.fetching |= bits } else { extent.fetching &= ~bits }
            }
            if !isFetching { forgetIfEmpty(number) }
        }
    }

    mutating func countReader(of chunks: Range<Int>, _ difference: Int) {
        readers += difference
        for (number, _) in ExtentParts(chunks) {
            change(number) { $0.readers += difference }
        }
    }

    mutating func markClean(_ chunk: Int, checksum: UInt32) {
        change(chunk / ChunkSize.chunksPerExtent) { extent in
            let index = chunk % ChunkSize.chunksPerExtent
            extent.valid |= 1 << UInt32(index)
            extent.verified |= 1 << UInt32(index)
            extent.dirty &= ~(1 << UInt32(index))
            extent.fetching &= ~(1 << UInt32(index))
            extent.checksums[index] = checksum
            extent.changed = true
        }
    }

    mutating func markVerified(_ chunk: Int) {
        change(chunk / ChunkSize.chunksPerExtent) {
            $0.verified |= 1 << UInt32(chunk % ChunkSize.chunksPerExtent)
        }
    }

    mutating func markMissing(_ chunk: Int) {
        change(chunk / ChunkSize.chunksPerExtent) {
            $0.valid &= ~(1 << UInt32(chunk % ChunkSize.chunksPerExtent))
            $0.changed = true
        }
    }

    mutating func markDirty(_ chunk: Int) {
        change(chunk / ChunkSize.chunksPerExtent) {
            $0.valid |= 1 << UInt32(chunk % ChunkSize.chunksPerExtent)
            $0.dirty |= 1 << UInt32(chunk % ChunkSize.chunksPerExtent)
            $0.changed = true
        }
    }

    private mutating func change(_ number: Int, _ body: (inout Extent) -> Void) {
        body(&extents[number, default: Extent()])
        extents[number]?.used = used
    }

    // MARK: The whole file

    /// Cuts what the object may have to give; what lay beyond is no longer its own.
    mutating func lowerBase(to size: Int64) {
        guard size < base else { return }
        base = size
        forgetExtents(from: Self.extents(of: 0..<size).upperBound)
        // The chunk that was cut has another length than its checksum: it counts as written here.
        if size % ChunkSize.chunk != 0, isValid(Int(size / ChunkSize.chunk)) {
            markDirty(Int(size / ChunkSize.chunk))
        }
    }

    /// The object has all of the file, and more than the former one.
    mutating func grow(to size: Int64) {
        precondition(size >= base && isLoadedWhole)
        base = size
    }

    /// Forgets all but that somebody reads there: he will count himself out.
    private mutating func forgetExtents(from number: Int) {
        for (index, extent) in extents where index >= number {
            let isRead = extent.readers > 0
            extents[index] = isRead ? Extent(readers: extent.readers, used: extent.used) : nil
        }
    }
}
