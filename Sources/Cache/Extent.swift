/// Sizes in which objects are kept, in bytes.
public enum ChunkSize {
    /// What is fetched at least, and has a checksum.
    public static let chunk: Int64 = 128 << 10
    /// What is recorded and evicted together: 32 chunks.
    public static let extent: Int64 = 4 << 20
    static let chunksPerExtent = 32
    /// An object up to this size is fetched whole at its first read.
    static let small: Int64 = 1 << 20
}

/// What is known of 32 neighbouring chunks: one bit each.
struct Extent: Sendable {
    /// The bytes are in the cache file.
    var valid: UInt32 = 0
    /// The bytes differ from the object's: written here.
    var dirty: UInt32 = 0
    /// The bytes were compared with their checksum by this process.
    var verified: UInt32 = 0
    /// Somebody is fetching them.
    var fetching: UInt32 = 0
    /// CRC-32C of each valid, clean chunk; the last one's covers only what lies below `base`.
    var checksums = InlineArray<32, UInt32>(repeating: 0)
    /// Reads that rely on what they found here.
    var readers = 0
    /// Its clean chunks are about to go: new reads and fetches of it wait.
    var isEvicting = false
    /// When it was last read or fetched, nanoseconds since 1970.
    var used: Int64 = 0
    /// Differs from what the index on disk says.
    var changed = false

    /// Neither here nor on their way.
    var missing: UInt32 { isEvicting ? 0 : ~(valid | fetching) }
}

/// The extents that a run of chunks lies in, and the bits of those chunks in each.
struct ExtentParts: Sequence, IteratorProtocol {
    private var rest: Range<Int>

    init(_ chunks: Range<Int>) { rest = chunks }

    mutating func next() -> (number: Int, bits: UInt32)? {
        guard !rest.isEmpty else { return nil }
        let number = rest.lowerBound / ChunkSize.chunksPerExtent
        let start = number * ChunkSize.chunksPerExtent
        let first = rest.lowerBound - start
        let last = Swift.min(rest.upperBound - start, ChunkSize.chunksPerExtent)
        rest = start + last..<rest.upperBound
        let bits = UInt32.max >> UInt32(ChunkSize.chunksPerExtent - (last - first))
        return (number, bits << UInt32(first))
    }
}
