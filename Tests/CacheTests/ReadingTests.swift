import Base
import Foundation
import SQLite
import Synchronization
import TestSupport
import Testing

@testable import Cache

/// What reads cost and what they survive.
struct ReadingTests {
    private func content(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        return randomBytes(count, &random)
    }

    /// Reads all of a file in order; returns where it differs from what it should be.
    private func readThrough(_ file: CachedFile, _ origin: Origin, step: Int = 1 << 20) throws
        -> Int?
    {
        for start in stride(from: 0, to: origin.bytes.count, by: step) {
            let end = min(start + step, origin.bytes.count)
            let found = try file.read(Int64(start)..<Int64(end), origin)
            if let place = difference(found, Array(origin.bytes[start..<end])) {
                return start + place
            }
        }
        return nil
    }

    @Test func eightReadersOfOneObjectDownloadItOnce() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(content(24 << 20))
        let file = try fixture.cache.file(1, size: Int64(origin.bytes.count))
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            #expect((try? readThrough(file, origin, step: 300_000)) == .some(nil))
        }
        #expect(origin.bytesFetched == Int64(origin.bytes.count))
        fixture.cache.release(file)
        fixture.cache.stop()
    }

    @Test func aSmallObjectComesInOneRequest() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(content(1 << 20))
        let file = try fixture.cache.file(1, size: Int64(origin.bytes.count))
        for start in [700_000, 5, 300_000] as [Int64] {
            let found = try file.read(start..<start + 100, origin)
            #expect(found == Array(origin.bytes[Int(start)..<Int(start) + 100]))
        }
        #expect(origin.fetched.withLock { $0 } == [0..<1 << 20])
        fixture.cache.release(file)
        fixture.cache.stop()
    }

    @Test func aSequentialReaderHasManyRequestsUnderWay() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(content(64 << 20))
        origin.delayMicroseconds.store(5000, ordering: .relaxed)
        let file = try fixture.cache.file(1, size: Int64(origin.bytes.count))
        for start in 0..<8 as Range<Int64> {
            _ = try file.read(start << 20..<(start + 1) << 20, origin)
        }
        #expect(origin.fetched.withLock { $0.map(\.upperBound).max() ?? 0 } > 9 << 20)
        #expect(fixture.cache.budget.takenBytes <= fixture.cache.budget.limitBytes)
        fixture.cache.release(file)
        #expect(eventually { fixture.cache.budget.takenBytes == 0 })
        fixture.cache.stop()
    }

    @Test func whoKnowsWhatHeNeedsGetsNoMore() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(content(16 << 20))
        let file = try fixture.cache.file(1, size: Int64(origin.bytes.count))
        for start in 0..<8 as Range<Int64> {
            let range = start << 20..<(start + 1) << 20
            try file.withPresent(range, readsAhead: false, fetch: origin.fetch) {}
        }
        #expect(origin.bytesFetched == 8 << 20)
        fixture.cache.release(file)
        fixture.cache.stop()
    }

    @Test func whoClosesTheFileStopsPaying() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(content(64 << 20))
        origin.delayMicroseconds.store(5000, ordering: .relaxed)
        let size = Int64(origin.bytes.count)
        let file = try fixture.cache.file(1, size: size)
        for start in 0..<8 as Range<Int64> {
            if start == 7 { origin.gate.update { $0 = 8 << 20 } }
            _ = try file.read(start << 20..<(start + 1) << 20, origin)
        }
        #expect(file.table.withLock { $0.bytesOnTheWay } > 0)
        fixture.cache.release(file)
        let before = origin.sent.load(ordering: .relaxed)
        origin.gate.update { $0 = .max }
        #expect(eventually { !fixture.cache.isOpen(1) })
        // Each request learns it at the next chunk.
        let after = origin.sent.load(ordering: .relaxed)
        #expect(after - before <= Int64(Budget.requestsAhead) * 2 * ChunkSize.chunk)
        let again = try fixture.cache.file(1, size: size)
        #expect(try readThrough(again, origin) == nil)
        fixture.cache.release(again)
        fixture.cache.stop()
    }

    @Test func aFetchThatFailsAheadOfNeedFailsNoReader() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(content(16 << 20))
        let file = try fixture.cache.file(1, size: Int64(origin.bytes.count))
        // What is read is asked for in steps of 1 MiB; nothing else is.
        origin.failure.withLock {
            $0 = { range in
                range.lowerBound % (1 << 20) == 0 && range.count == 1 << 20 ? nil : .timedOut
            }
        }
        #expect(try readThrough(file, origin) == nil)
        fixture.cache.release(file)
        fixture.cache.stop()
    }

    @Test func aFailureReachesOnlyThoseWhoAskedForThatRange() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(content(8 << 20))
        let file = try fixture.cache.file(1, size: Int64(origin.bytes.count))
        origin.failure.withLock { $0 = { $0.lowerBound >= 4 << 20 ? .timedOut : nil } }
        DispatchQueue.concurrentPerform(iterations: 16) { reader in
            let start = Int64(reader % 8) << 20
            let result = Result { () throws(Errno) in
                try file.read(start..<start + 1000, origin).count
            }
            #expect(result == (start >= 4 << 20 ? .failure(.timedOut) : .success(1000)))
        }
        fixture.cache.release(file)
        fixture.cache.stop()
    }

    @Test func aReplacedObjectIsNeverMixedWithItsOldVersion() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(content(4 << 20))
        let file = try fixture.cache.file(1, size: Int64(origin.bytes.count))
        let first = try file.read(0..<200_000, origin)
        origin.failure.withLock { $0 = { _ in .stale } }
        #expect(try file.read(0..<200_000, origin) == first)
        #expect(throws: Errno.stale) { try file.read(100_000..<300_000, origin) }
        #expect(throws: Errno.stale) { try file.read(2_000_000..<2_000_001, origin) }
        #expect(try file.read(0..<200_000, origin) == first)
        fixture.cache.release(file)
        fixture.cache.stop()
    }

    @Test func aFileLargerThanTheCacheIsReadThroughIt() throws {
        let limit: Int64 = 16 << 20
        let fixture = try Fixture(in: TemporaryDirectory(), sizeBytes: limit)
        let origin = Origin(content(272 << 20))
        let size = Int64(origin.bytes.count)
        var most: Int64 = 0
        // The second reader finds the cache full of what lies far from where he reads.
        for part in [256 << 20..<272 << 20, 0..<48 << 20] as [Range<Int64>] {
            let file = try fixture.cache.file(1, size: size)
            for start in stride(from: part.lowerBound, to: part.upperBound, by: 1 << 20) {
                let range = start..<start + 1 << 20
                let expected = Array(origin.bytes[Int(start)..<Int(start) + 1 << 20])
                #expect(difference(try file.read(range, origin), expected) == nil)
                most = max(most, try file.descriptor.diskBytes())
            }
            fixture.cache.release(file)
        }
        #expect(most <= limit + ChunkSize.extent)
        #expect(origin.bytesFetched <= 70 << 20, "64 MiB, and what was fetched ahead at the end")
        let file = try fixture.cache.file(1, size: size)
        // What was read last is still here.
        let before = origin.bytesFetched
        #expect(try file.read(47 << 20..<48 << 20, origin).count == 1 << 20)
        #expect(origin.bytesFetched == before)
        fixture.cache.release(file)
        fixture.cache.stop()
    }

    @Test func ofALargeFileThatIsClosedOnlyWhatIsNeededGoes() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(content(40 << 20))
        let size = Int64(origin.bytes.count)
        do {
            let file = try fixture.cache.file(1, size: size)
            #expect(try readThrough(file, origin) == nil)
            fixture.cache.release(file)
        }
        #expect(eventually { !fixture.cache.isOpen(1) })
        fixture.cache.evict(downTo: size - 8 << 20)
        #expect(fixture.cache.diskBytes <= size - 8 << 20)
        #expect(fixture.cache.diskBytes >= size - 13 << 20)
        let again = try fixture.cache.file(1, size: size)
        #expect(try readThrough(again, origin) == nil)
        fixture.cache.release(again)
        fixture.cache.stop()
    }

    /// The end of the journal takes what is in the file for the object's.
    @Test func aChangedFileKeepsWhatItHasUntilItIsUploaded() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(content(6 << 20))
        var model = origin.bytes
        let size = Int64(model.count)
        let file = try fixture.cache.file(1, size: size)
        #expect(try readThrough(file, origin) == nil)
        try fixture.journal(file)
        model.replaceSubrange(0..<3, with: [1, 2, 3])
        try file.write(([1, 2, 3] as [UInt8]).span.bytes, at: 0, fetch: origin.fetch)
        fixture.cache.evict(downTo: 0)
        try fixture.settle(file, size: size)
        let failing = Origin(model)
        failing.failure.withLock { $0 = { _ in .ioError } }
        let place = try readThrough(file, failing)
        #expect(place == nil)
        fixture.cache.release(file)
        fixture.cache.stop()
    }

    @Test func aFileThatIsMadeWholeStaysWhole() throws {
        let fixture = try Fixture(in: TemporaryDirectory(), sizeBytes: 16 << 20)
        let origin = Origin(content(40 << 20))
        let file = try fixture.cache.file(1, size: Int64(origin.bytes.count))
        try file.makeWhole(fetch: origin.fetch)
        #expect(try file.isPresent(0..<Int64(origin.bytes.count)))
        fixture.cache.release(file)
        fixture.cache.stop()
    }

    @Test(arguments: ["no folder", "no room"])
    func aCacheThatTakesNothingSaysSo(damage: String) throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let path = fixture.cache.path(of: 1)
        if damage == "no room" {
            symlink("/dev/full", path)
        } else {
            let folder = String(path.prefix { $0 != "\0" }.dropLast(2))
            rmdir(folder)
            _ = FileManager.default.createFile(atPath: folder, contents: nil)
        }
        let origin = Origin(content(4 << 20))
        let file = try fixture.cache.file(1, size: Int64(origin.bytes.count))
        for start in 0..<4 as Range<Int64> {
            #expect(throws: Errno.noSpace) { try file.read(start << 20..<start << 20 + 10, origin) }
        }
        // While the disk is known to fail, nothing is fetched for it.
        #expect(origin.fetched.withLock(\.count) == 1)
        fixture.cache.release(file)
        fixture.cache.stop()
    }

    @Test func ofAThousandFlippedBitsNoneReachesAReader() throws {
        let directory = try TemporaryDirectory()
        var random = SplitMix64(seed: 9)
        let origins = (1...4).map { Origin(content(2_500_000 + $0 * 12_345, seed: UInt64($0))) }
        var caught: Int64 = 0
        for _ in 0..<10 {
            let fixture = try Fixture(in: directory)
            for (index, origin) in origins.enumerated() {
                let file = try fixture.cache.file(Int64(index), size: Int64(origin.bytes.count))
                let before = origin.bytesFetched
                #expect(try readThrough(file, origin, step: 200_000) == nil)
                caught += origin.bytesFetched - before
                fixture.cache.release(file)
            }
            fixture.cache.stop()
            for _ in 0..<100 {
                let index = Int.random(in: 0..<4, using: &random)
                let place = Int.random(in: 0..<origins[index].bytes.count, using: &random)
                let path = fixture.cache.path(of: Int64(index))
                let handle = try #require(FileHandle(forUpdatingAtPath: path))
                try handle.seek(toOffset: UInt64(place))
                let byte = try #require(try handle.read(upToCount: 1)?.first)
                try handle.seek(toOffset: UInt64(place))
                try handle.write(contentsOf: [byte ^ 1 << UInt8.random(in: 0..<8, using: &random)])
                try handle.close()
            }
        }
        #expect(caught > Int64(origins.count) * 2_500_000, "damage was found, and fetched anew")
    }

    @Test func aRestartAfterACrashKeepsWhatWasWrittenDown() throws {
        let directory = try TemporaryDirectory()
        let origin = Origin(content(3 << 20))
        let size = Int64(origin.bytes.count)
        do {
            // Never released, as in a crash.
            let fixture = try Fixture(in: directory)
            let file = try fixture.cache.file(1, size: size)
            #expect(try readThrough(file, origin) == nil)
            fixture.cache.stop()
        }
        let fixture = try Fixture(in: directory)
        #expect(fixture.cache.diskBytes >= size, "what is on the disk is counted")
        let file = try fixture.cache.file(1, size: size)
        #expect(try readThrough(file, origin) == nil)
        fixture.cache.release(file)
        #expect(eventually { !fixture.cache.isOpen(1) })
        #expect(fixture.cache.diskBytes == size)
        fixture.cache.stop()
    }
}
