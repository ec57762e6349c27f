import SQLite
import TestSupport
import Testing

@testable import Cache

/// The end of the journal of a file that is here in part.
struct SettlingTests {
    /// Writes, truncations, uploads and restarts at random, against a plain array of bytes.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func aPartOfAFileSettlesAsItsObject(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let directory = try TemporaryDirectory()
        var fixture = try Fixture(in: directory)
        var origin = Origin(randomBytes(Int.random(in: 1...3_000_000, using: &random), &random))
        var model = origin.bytes
        var file = try fixture.cache.file(1, size: Int64(model.count))
        try fixture.journal(file)
        for step in 0..<25 {
            let place = "seed \(seed), step \(step)"
            switch Int.random(in: 0..<8, using: &random) {
            case 0, 1, 2:
                let count = Int.random(in: 1...200_000, using: &random)
                let offset = Int.random(
                    in: 0...min(model.count + 100_000, 6_000_000),
                    using: &random
                )
                let bytes = [UInt8](repeating: UInt8(step + 1), count: count)
                if offset > model.count {
                    model += [UInt8](repeating: 0, count: offset - model.count)
                }
                model.replaceSubrange(offset..<min(model.count, offset + count), with: bytes)
                try file.write(bytes.span.bytes, at: Int64(offset), fetch: origin.fetch)
            case 3:
                let size = Int.random(in: 0...model.count + 100_000, using: &random)
                if size < model.count { model.removeSubrange(size...) }
                model += [UInt8](repeating: 0, count: size - model.count)
                try file.truncate(to: Int64(size))
            case 4:
                let start = Int.random(in: 0...model.count, using: &random)
                let end = Int.random(in: start...model.count, using: &random)
                let found = try file.read(Int64(start)..<Int64(end), origin)
                #expect(difference(found, Array(model[start..<end])) == nil, "\(place)")
            case 5:
                // A crash: nobody releases it.
                let size = Int64(model.count)
                fixture = try Fixture(in: directory)
                file = try fixture.cache.file(1, size: size)
                try file.recover(size: size)
            default:
                for range in try file.unchangedRanges() {
                    let range = Int(range.lowerBound)..<Int(range.upperBound)
                    let isSame = Array(origin.bytes[range]) == Array(model[range])
                    #expect(isSame, "\(place): \(range) has changed")
                }
                origin = Origin(model)
                let passed = PassingSums()
                if Bool.random(using: &random), !model.isEmpty {
                    let start = Int.random(in: 0..<model.count, using: &random)
                    passed.add(model.span.bytes.extracting(start...), at: Int64(start))
                }
                let size = Int64(model.count)
                try fixture.settle(file, size: size, passed: passed.whole(size: size))
                try fixture.journal(file)
            }
        }
        let found = try file.read(0..<Int64(model.count), origin)
        #expect(difference(found, model) == nil, "seed \(seed)")
        fixture.cache.release(file)
        fixture.cache.stop()
    }

    @Test func whatIsMissingStaysMissing() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        var random = SplitMix64(seed: 1)
        var origin = Origin(randomBytes(20 << 20, &random))
        var model = origin.bytes
        let file = try fixture.cache.file(1, size: 20 << 20)
        try fixture.journal(file)
        model.replaceSubrange(5_000_000..<5_000_003, with: [1, 2, 3])
        model += [4, 5]
        try file.write(([1, 2, 3] as [UInt8]).span.bytes, at: 5_000_000, fetch: origin.fetch)
        try file.write(([4, 5] as [UInt8]).span.bytes, at: 20 << 20, fetch: origin.fetch)
        let fetched = origin.bytesFetched
        try fixture.settle(file, size: (20 << 20) + 2)
        #expect(origin.bytesFetched == fetched && fetched <= 2 * ChunkSize.chunk)
        origin = Origin(model)
        #expect(difference(try file.read(0..<(20 << 20) + 2, origin), model) == nil)
        fixture.cache.release(file)
        fixture.cache.stop()
    }
}
