/// Which extents may go: those with clean chunks that nobody reads or fetches, of a file that is neither
/// being changed nor lent.
extension ChunkTable {
    private var mayEvict: Bool { !frozen && pins == 0 && !keepsAll && !isJournaled }

    /// Extents that could go now, and the disk that each would free.
    func evictable() -> [(number: Int, used: Int64, bytes: Int64)] {
        guard mayEvict else { return [] }
        return extents.compactMap { number, extent in
            let bytes = freed(by: extent, number).reduce(0) { $0 + Int64($1.count) }
            return bytes > 0 ? (number, extent.used, bytes) : nil
        }
    }

    /// Keeps new reads and fetches out of those of the extents that can go, and says which they are.
    mutating func beginEviction(of numbers: [Int]) -> [Int] {
        guard mayEvict else { return [] }
        let begun = numbers.filter { number in
            extents[number].map { !freed(by: $0, number).isEmpty } ?? false
        }
        for number in begun { extents[number]?.isEvicting = true }
        if !begun.isEmpty { evictions += 1 }
        return begun
    }

    /// Forgets the clean chunks of extents that are being evicted, and says which bytes may be freed.
    mutating func forgetEvicted(_ numbers: [Int]) -> [Range<Int64>] {
        numbers.flatMap { number in
            guard var extent = extents[number] else { return [] as [Range<Int64>] }
            extent.isEvicting = false
            let ranges = freed(by: extent, number)
            for range in ranges {
                for (_, bits) in ExtentParts(Self.chunks(of: range)) { extent.valid &= ~bits }
            }
            extent.isEvicting = true
            extent.verified &= extent.valid
            extent.changed = true
            extents[number] = extent
            return ranges
        }
    }

    mutating func endEviction(of numbers: [Int]) {
        evictions -= 1
        for number in numbers {
            extents[number]?.isEvicting = false
            forgetIfEmpty(number)
        }
    }

    /// The runs of whole clean chunks of an extent that nobody uses.
    private func freed(by extent: Extent, _ number: Int) -> [Range<Int64>] {
        guard extent.readers == 0, extent.fetching == 0, !extent.isEvicting else { return [] }
        let first = number * ChunkSize.chunksPerExtent
        // The chunk that `base` cuts shares its block with bytes that are only here.
        let whole = Int(base / ChunkSize.chunk) - first
        guard whole > 0 else { return [] }
        let mask = UInt32.max >> UInt32(max(0, ChunkSize.chunksPerExtent - whole))
        var rest = extent.valid & ~extent.dirty & mask
        var runs: [Range<Int64>] = []
        while rest != 0 {
            let low = rest.trailingZeroBitCount
            let count = (~(rest >> UInt32(low))).trailingZeroBitCount
            runs.append(range(ofChunks: first + low..<first + low + count))
            let upper = low + count
            rest = upper >= ChunkSize.chunksPerExtent ? 0 : rest & (UInt32.max << UInt32(upper))
        }
        return runs
    }
}
