import Base
import Foundation
import SQLite
import Synchronization
import TestSupport
import Testing

@testable import Cache

struct BlockCacheTests {
    @Test func aSmallReadOfALargeObjectFetchesOneChunk() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        var random = SplitMix64(seed: 1)
        let origin = Origin(randomBytes(5 << 20, &random))
        let file = try fixture.cache.file(1, size: Int64(origin.bytes.count))
        let range: Range<Int64> = 3_000_000..<3_004_096
        #expect(
            difference(try file.read(range, origin), Array(origin.bytes[3_000_000..<3_004_096]))
                == nil
        )
        #expect(origin.bytesFetched == ChunkSize.chunk)
        #expect(try file.read(range, origin).count == 4096)
        #expect(origin.bytesFetched == ChunkSize.chunk)
        fixture.cache.release(file)
    }

    @Test func manyReadersOfOneRangeCostOneFetch() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        var random = SplitMix64(seed: 2)
        let origin = Origin(randomBytes(1 << 20, &random))
        let file = try fixture.cache.file(1, size: Int64(origin.bytes.count))
        DispatchQueue.concurrentPerform(iterations: 16) { reader in
            let start = Int64(reader) * 1000
            let found = (try? file.read(start..<start + 100_000, origin)) ?? []
            let expected = Array(origin.bytes[Int(start)..<Int(start) + 100_000])
            #expect(difference(found, expected) == nil)
        }
        #expect(origin.bytesFetched == Int64(origin.bytes.count))
        fixture.cache.release(file)
    }

    /// From then on no checksum tells whether they are what the object has.
    @Test func fetchedBytesAreOnTheDiskBeforeTheirChunkCountsAsWrittenHere() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(Array(repeating: 7, count: 2 << 20))
        let file = try fixture.cache.file(1, size: 2 << 20)
        #expect(try file.read(0..<10, origin).count == 10)
        try fixture.journal(file)
        #expect(file.table.withLock { $0.hasUnsynced })
        // A whole chunk has nothing of the object.
        let chunk = [UInt8](repeating: 8, count: Int(ChunkSize.chunk))
        try file.write(chunk.span.bytes, at: ChunkSize.chunk, fetch: origin.fetch)
        #expect(file.table.withLock { $0.hasUnsynced })
        try file.write([8, 8].span.bytes, at: 5, fetch: origin.fetch)
        #expect(!file.table.withLock { $0.hasUnsynced })
        #expect(try file.read(3 * ChunkSize.chunk..<3 * ChunkSize.chunk + 10, origin).count == 10)
        try file.truncate(to: 3 * ChunkSize.chunk + 5)
        #expect(!file.table.withLock { $0.hasUnsynced })
        fixture.cache.release(file)
    }

    @Test func aFailedFetchReachesTheReaderAndIsForgotten() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(Array(repeating: 7, count: 2 << 20))
        let file = try fixture.cache.file(1, size: 2 << 20)
        origin.failure.withLock { $0 = { _ in .timedOut } }
        #expect(throws: Errno.timedOut) { try file.read(0..<10, origin) }
        origin.failure.withLock { $0 = { _ in nil } }
        #expect(try file.read(0..<10, origin) == Array(repeating: 7, count: 10))
        fixture.cache.release(file)
    }

    @Test func whatIsCachedSurvivesARestartAndADamagedChunkIsFetchedAnew() throws {
        let directory = try TemporaryDirectory()
        var random = SplitMix64(seed: 3)
        let origin = Origin(randomBytes(700_000, &random))
        let whole: Range<Int64> = 0..<700_000
        do {
            let fixture = try Fixture(in: directory)
            let file = try fixture.cache.file(1, size: 700_000)
            #expect(difference(try file.read(whole, origin), origin.bytes) == nil)
            fixture.cache.release(file)
        }
        let fetchedOnce = origin.bytesFetched
        let fixture = try Fixture(in: directory)
        let path = fixture.cache.path(of: 1)
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        try handle.seek(toOffset: 300_000)
        try handle.write(contentsOf: [origin.bytes[300_000] ^ 1])
        try handle.close()
        let file = try fixture.cache.file(1, size: 700_000)
        #expect(difference(try file.read(whole, origin), origin.bytes) == nil)
        #expect(origin.bytesFetched == fetchedOnce + ChunkSize.chunk)
        fixture.cache.release(file)
    }

    @Test func aMissingOrShortCacheFileCostsAFetchOnly() throws {
        let directory = try TemporaryDirectory()
        var random = SplitMix64(seed: 4)
        let origin = Origin(randomBytes(300_000, &random))
        for damage in 0..<2 {
            let fixture = try Fixture(in: directory)
            let file = try fixture.cache.file(1, size: 300_000)
            #expect(difference(try file.read(0..<300_000, origin), origin.bytes) == nil)
            fixture.cache.release(file)
            // Whose last fetch has brought all bytes may be about to end, and until then it is open.
            #expect(eventually { !fixture.cache.isOpen(1) })
            let path = fixture.cache.path(of: 1)
            if damage == 0 { unlink(path) } else { truncate(path, 1000) }
            let again = try fixture.cache.file(1, size: 300_000)
            #expect(difference(try again.read(0..<300_000, origin), origin.bytes) == nil)
            fixture.cache.release(again)
        }
    }

    @Test func theLimitIsKeptByForgettingWhatIsUnused() throws {
        let fixture = try Fixture(in: TemporaryDirectory(), sizeBytes: 8 << 20)
        let origin = Origin(Array(repeating: 9, count: 1 << 20))
        for number in 1...30 as ClosedRange<Int64> {
            let file = try fixture.cache.file(number, size: 1 << 20)
            _ = try file.read(0..<(1 << 20), origin)
            fixture.cache.release(file)
        }
        fixture.cache.evict(downTo: 4 << 20)
        #expect(fixture.cache.diskBytes <= 4 << 20)
    }

    /// Neither eviction nor clearing touches what is pinned, open or closed, also after a restart.
    @Test(arguments: [false, true])
    func whatIsPinnedStays(isOpen: Bool) throws {
        let directory = try TemporaryDirectory()
        let origin = Origin(Array(repeating: 9, count: 1 << 20))
        do {
            let fixture = try Fixture(in: directory)
            try fixture.cache.database.write { (rows) throws(Errno) in
                fixture.cache.pin(1, in: rows)
            }
            for number in 1...3 as ClosedRange<Int64> {
                let file = try fixture.cache.file(number, size: 1 << 20)
                _ = try file.read(0..<(1 << 20), origin)
                fixture.cache.release(file)
            }
        }
        let fixture = try Fixture(in: directory)
        let file = isOpen ? try fixture.cache.file(1, size: 1 << 20) : nil
        fixture.cache.evict(downTo: 0)
        #expect(fixture.cache.diskBytes == 1 << 20)
        #expect(try fixture.cache.clear() == 0)
        if let file { fixture.cache.release(file) }
        let before = origin.bytesFetched
        let again = try fixture.cache.file(1, size: 1 << 20)
        #expect(difference(try again.read(0..<(1 << 20), origin), origin.bytes) == nil)
        #expect(origin.bytesFetched == before)
        fixture.cache.release(again)
        try fixture.cache.database.write { (rows) throws(Errno) in
            fixture.cache.unpin(1, in: rows)
        }
        #expect(try fixture.cache.clear() == 1 << 20)
    }

    /// Clearing leaves what is open, and what exists nowhere else.
    @Test func clearingTakesOnlyWhatCanBeFetchedAgain() throws {
        let fixture = try Fixture(in: TemporaryDirectory())
        let origin = Origin(Array(repeating: 9, count: 1 << 20))
        var open: CachedFile?
        for number in 1...600 as ClosedRange<Int64> {
            let file = try fixture.cache.file(number, size: 1 << 17)
            _ = try file.read(0..<(1 << 17), origin)
            if number == 2 {
                try fixture.cache.database.write { (rows) throws(Errno) in
                    file.journal(in: rows)
                }
            }
            if number == 1 { open = file } else { fixture.cache.release(file) }
        }
        #expect(try fixture.cache.clear() == 598 << 17)
        #expect(fixture.cache.status(of: 2) != nil)
        #expect(fixture.cache.status(of: 1) != nil)
        #expect(fixture.cache.status(of: 3) == nil && fixture.cache.status(of: 600) == nil)
        if let open { fixture.cache.release(open) }
    }
}

/// The cache against a plain array, with restarts: as after a crash, nothing is saved on the way.
struct CachedFileModelTests {
    @Test(arguments: 0..<24 as Range<UInt64>)
    func readsWhatWasWritten(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let directory = try TemporaryDirectory()
        var fixture = try Fixture(in: directory)
        let origin = Origin(randomBytes(Int.random(in: 0...1_500_000, using: &random), &random))
        var model = origin.bytes
        var file = try fixture.cache.file(1, size: Int64(model.count))
        var isDirty = false
        for _ in 0..<60 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                guard !model.isEmpty else { continue }
                let start = Int.random(in: 0..<model.count, using: &random)
                let end = min(model.count, start + Int.random(in: 1...300_000, using: &random))
                let found = try file.read(Int64(start)..<Int64(end), origin)
                #expect(difference(found, Array(model[start..<end])) == nil, "\(start)..<\(end)")
            case 4..<7:
                if !isDirty { try fixture.journal(file) }
                isDirty = true
                let start = Int.random(in: 0...model.count + 200_000, using: &random)
                let bytes = randomBytes(Int.random(in: 1...200_000, using: &random), &random)
                if start + bytes.count > model.count {
                    model += Array(repeating: 0, count: start + bytes.count - model.count)
                }
                model.replaceSubrange(start..<start + bytes.count, with: bytes)
                try file.write(bytes.span.bytes, at: Int64(start), fetch: origin.fetch)
            case 7:
                if !isDirty { try fixture.journal(file) }
                isDirty = true
                let size = Int.random(in: 0...model.count + 100_000, using: &random)
                if size < model.count {
                    model.removeSubrange(size...)
                } else {
                    model += Array(repeating: 0, count: size - model.count)
                }
                try file.truncate(to: Int64(size))
            case 8:
                fixture.cache.evict(downTo: 0)
            default:
                // The process dies: what the database and the file hold is all there is.
                fixture.cache.stop()
                fixture = try Fixture(in: directory)
                file = try fixture.cache.file(1, size: Int64(model.count))
                if isDirty { try file.recover(size: Int64(model.count)) }
            }
        }
        let found = try file.read(0..<Int64(model.count), origin)
        #expect(difference(found, model) == nil)
        fixture.cache.stop()
    }
}
