import Base
import TestSupport
import Testing

@testable import Cache

struct PassingSumsTests {
    /// Pieces of any size, stretches in any order, some of them twice, others never.
    @Test(arguments: 0..<50 as Range<UInt64>)
    func onlyChunksThatPassedWholeHaveTheirChecksum(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let size = Int.random(in: 1...1_000_000, using: &random)
        let bytes = randomBytes(size, &random)
        let sums = PassingSums()
        let chunk = Int(ChunkSize.chunk)
        var passed: Set<Int> = []
        for _ in 0..<4 {
            let start = Int.random(in: 0..<size, using: &random)
            let end = Int.random(in: start...size, using: &random)
            var position = start
            while position < end {
                let next = min(end, position + Int.random(in: 1...300_000, using: &random))
                sums.add(bytes.span.bytes.extracting(position..<next), at: Int64(position))
                position = next
            }
            for number in start / chunk..<(end + chunk - 1) / chunk {
                let first = number * chunk
                let isWhole = start <= first && min(size, first + chunk) <= end
                if isWhole { passed.insert(number) } else { passed.remove(number) }
            }
        }
        let found = sums.whole(size: Int64(size))
        for (number, checksum) in found {
            let part = Array(bytes[number * chunk..<min(size, (number + 1) * chunk)])
            #expect(checksum == crc32c(part), "seed \(seed), chunk \(number)")
        }
        // A stretch may go on by chance where an earlier one has ended.
        #expect(passed.isSubset(of: found.keys), "seed \(seed)")
    }

    @Test func aGapLeavesAChunkOut() {
        let bytes = [UInt8](repeating: 7, count: 1000)
        let sums = PassingSums()
        sums.add(bytes.span.bytes.extracting(0..<400), at: 0)
        sums.add(bytes.span.bytes.extracting(401..<1000), at: 401)
        #expect(sums.whole(size: 1000).isEmpty)
        sums.add(bytes.span.bytes, at: 0)
        #expect(sums.whole(size: 1000) == [0: crc32c(bytes)])
        // Of a longer file, this is only a part of its chunk.
        #expect(sums.whole(size: 1001).isEmpty)
    }
}
