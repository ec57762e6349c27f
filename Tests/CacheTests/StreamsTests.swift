import TestSupport
import Testing

@testable import Cache

/// What is fetched ahead, as a plain value.
struct StreamsTests {
    /// Reads on from `start` in steps of a mebibyte, always waiting, and returns the last advice.
    @discardableResult
    private func readOn(
        _ streams: inout Streams,
        from start: Int64,
        count: Int,
        isStalled: Bool = true,
        at now: Double = 0
    ) -> Streams.Advice {
        var advice: Streams.Advice?
        for index in 0..<Int64(count) {
            let range = start + index << 20..<start + (index + 1) << 20
            let next = streams.note(range, isStalled: isStalled, at: now)
            streams.planned(next.stream, upTo: next.ahead.upperBound)
            advice = next
        }
        return advice!
    }

    @Test func theWindowDoublesWithEachStallUpToItsLimit() {
        var streams = Streams(largestWindow: .max)
        var position: Int64 = 0
        var windows: [Int64] = []
        while position < 600 << 20 {
            let advice = streams.note(position..<position + 1 << 20, isStalled: true, at: 0)
            position += 1 << 20
            windows.append(advice.ahead.upperBound - position)
        }
        #expect(windows[0] == 0, "one read is no stream")
        #expect(windows[1] == Streams.firstWindow)
        #expect(
            zip(windows, windows.dropFirst()).allSatisfy { $1 <= max($0 * 2, Streams.firstWindow) }
        )
        #expect(windows.last == Streams.largestWindow)
    }

    @Test func aReaderThatNeverWaitsFetchesNothingAhead() {
        var streams = Streams(largestWindow: .max)
        #expect(readOn(&streams, from: 0, count: 100, isStalled: false).ahead.isEmpty)
    }

    @Test func fourStreamsKeepTheirWindowsAndAFifthEndsTheOldest() {
        var streams = Streams(largestWindow: .max)
        var ids: [Int] = []
        for reader in 0..<4 as Range<Int64> {
            ids.append(readOn(&streams, from: reader << 32, count: 10).stream)
        }
        for reader in 0..<4 as Range<Int64> {
            let advice = readOn(&streams, from: reader << 32 + 10 << 20, count: 1)
            #expect(advice.stream == ids[Int(reader)])
            #expect(!advice.ahead.isEmpty && advice.ended.isEmpty)
        }
        var ended: [Int] = []
        for index in 0..<3 as Range<Int64> {
            let range = 9 << 32 + index << 20..<9 << 32 + (index + 1) << 20
            ended += streams.note(range, isStalled: true, at: 0).ended
        }
        #expect(ended == [ids[0]])
    }

    @Test func theKernelMayAskOutOfOrder() {
        var streams = Streams(largestWindow: .max)
        let stream = readOn(&streams, from: 0, count: 8).stream
        for position in [9, 8, 11, 10, 13, 12] as [Int64] {
            let advice = streams.note(position << 20..<(position + 1) << 20, isStalled: true, at: 0)
            #expect(advice.stream == stream)
        }
        #expect(readOn(&streams, from: 14 << 20, count: 1).ahead.upperBound > 20 << 20)
    }

    @Test func readersSideBySideAreOneStream() {
        var streams = Streams(largestWindow: .max)
        let stream = readOn(&streams, from: 0, count: 64).stream
        let trailing = [56, 50, 58, 61, 48, 53, 60] as [Int64]
        for position in trailing {
            let advice = streams.note(position << 20..<(position + 1) << 20, isStalled: true, at: 0)
            #expect(advice.stream == stream && advice.ended.isEmpty)
        }
        #expect(streams.want(70 << 20) && !streams.want(1 << 40))
    }

    @Test func aJumpWithinWhatWasFetchedStaysInTheStream() {
        var streams = Streams(largestWindow: .max)
        let before = readOn(&streams, from: 0, count: 40)
        let jump = before.ahead.upperBound - 1 << 20
        let after = streams.note(jump..<jump + 1 << 20, isStalled: false, at: 0)
        #expect(after.stream == before.stream && after.ended.isEmpty)
        #expect(after.ahead.upperBound > jump + 1 << 20)
    }

    @Test func aStreamThatIsLeftForAnotherPlaceEnds() {
        var streams = Streams(largestWindow: .max)
        let old = readOn(&streams, from: 0, count: 40).stream
        #expect(readOn(&streams, from: 1 << 40, count: 1, at: 1).ended.isEmpty)
        #expect(readOn(&streams, from: 1 << 41, count: 1, at: 100).ended == [old])
    }

    /// A small read that is not aligned asks for two pages, one by one; and some programs skip ahead in
    /// even steps.
    @Test(arguments: [300_000, 1_000_000, 3_000_000] as [Int64])
    func readsThatSkipMostAreNoStream(step: Int64) {
        var streams = Streams(largestWindow: .max)
        for number in 1...200 as ClosedRange<Int64> {
            let page = number * step / 4096 * 4096
            for start in [page, page + 4096] {
                #expect(streams.note(start..<start + 4096, isStalled: true, at: 0).ahead.isEmpty)
            }
        }
    }

    /// Chunks are 128 KiB: 32 bytes for each that a read of 4 KiB asks for.
    @Test(arguments: [8 << 20, 64 << 20, 1 << 30, 10 << 30] as [Int64], 0..<4 as Range<UInt64>)
    func randomReadsFetchTheirChunksOnly(size: Int64, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var table = ChunkTable(base: size, isNew: true)
        let budget = Budget(limitBytes: .max)
        var fetched: Int64 = 0
        var chunks: Set<Int64> = []
        for _ in 0..<2000 {
            let start = Int64.random(in: 0..<size / 4096, using: &random) * 4096
            chunks.insert(start / ChunkSize.chunk)
            var read = Read(start..<start + 4096)
            while case .fetch(let pieces) = table.admit(&read, at: 0, budget: budget) {
                for piece in pieces {
                    fetched += Int64(piece.bytes.count)
                    for chunk in piece.chunks {
                        _ = table.arrived(chunk, of: piece, checksum: 0)
                    }
                    _ = table.end(piece, .done, at: 0)
                }
            }
            _ = table.end(read)
        }
        #expect(fetched == Int64(chunks.count) * ChunkSize.chunk)
    }
}
