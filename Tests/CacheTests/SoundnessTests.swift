import Base
import Glibc
import SQLite
import TestSupport
import Testing

@testable import Cache

/// Which cache files the kernel may read by itself.
struct SoundnessTests {
    private let directory: TemporaryDirectory
    private let size: Int64 = 300_000
    private let bytes: [UInt8]

    init() throws {
        directory = try TemporaryDirectory()
        var random = SplitMix64(seed: 1)
        bytes = (0..<300_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    /// A cache as another process would find it.
    private func cache() throws -> BlockCache {
        let database = try Database(path: directory.path + "/index.db") {
            (_: Connection) throws(Errno) in
        }
        return try BlockCache(
            directory: directory.path + "/cache",
            sizeBytes: 1 << 40,
            database: database
        )
    }

    private var fetch: Fetch {
        { [bytes] (range, sink) throws(Errno) in
            try sink(bytes[Int(range.lowerBound)..<Int(range.upperBound)].span.bytes)
        }
    }

    private func fill(_ cache: BlockCache) throws {
        let file = try cache.file(1, size: size)
        try file.withPresent(0..<size, fetch: fetch) {}
        cache.release(file)
    }

    private func isSound(_ cache: BlockCache) throws -> Bool {
        let file = try cache.file(1, size: size)
        defer { cache.release(file) }
        file.pin()
        defer { file.unpin() }
        return try file.isSound(size: size)
    }

    @Test func onlyAWholeFileOfTheRightSizeIsSound() throws {
        let cache = try cache()
        #expect(try !isSound(cache))
        try fill(cache)
        #expect(try isSound(cache))
        let file = try cache.file(1, size: size)
        #expect(try !file.isSound(size: size + 1))
        cache.release(file)
        cache.stop()
    }

    @Test func everyFlippedBitIsFound() throws {
        let first = try cache()
        try fill(first)
        first.stop()
        var random = SplitMix64(seed: 2)
        let path = first.path(of: 1)
        for _ in 0..<1000 {
            let place = Int64.random(in: 0..<size, using: &random)
            let flipped = bytes[Int(place)] ^ (1 << UInt8.random(in: 0..<8, using: &random))
            let raw = try FileDescriptor(opening: path, flags: O_WRONLY)
            try raw.write([flipped].span.bytes, at: place)
            // A process that has not compared the file, and finds the chunk as it was before.
            let file = try CachedFile(1, size: size, cache: first, bulkhead: Bulkhead())
            first.forgetSound(1)
            #expect(try !file.isSound(size: size), "byte \(place)")
            try raw.write([bytes[Int(place)]].span.bytes, at: place)
        }
        #expect(try isSound(try cache()))
    }

    /// Once per process is enough, unless somebody has touched the file since.
    @Test func whatWasComparedIsComparedAnewOnlyIfItHasChanged() throws {
        let cache = try cache()
        try fill(cache)
        let first = try cache.file(1, size: size)
        try first.withPresent(0..<size, fetch: fetch) {}
        first.noteSoundness()
        cache.release(first)
        let second = try cache.file(1, size: size)
        try second.load(0..<size)
        #expect(second.table.withLock { $0.firstUnverified(in: 0..<3) } == nil)
        cache.release(second)
        // Some kernels count time in steps of some milliseconds.
        usleep(50_000)
        let raw = try FileDescriptor(opening: cache.path(of: 1), flags: O_WRONLY)
        try raw.write([bytes[200_000] ^ 1].span.bytes, at: 200_000)
        let third = try cache.file(1, size: size)
        let found = try third.withPresent(0..<size, fetch: fetch) { () throws(Errno) in
            try third.bytes(in: 0..<size)
        }
        #expect(difference(found, bytes) == nil)
        cache.release(third)
        cache.stop()
    }

    @Test func aLoanKeepsTheBytesAndSoDoesAnotherWhoHasThemOpen() throws {
        let cache = try cache()
        try fill(cache)
        let file = try cache.file(1, size: size)
        file.pin()
        file.evict([0])
        #expect(try file.isSound(size: size))
        file.unpin()
        do {
            let other = try FileDescriptor(opening: cache.path(of: 1), flags: O_RDONLY)
            file.evict([0])
            #expect(try file.isPresent(0..<size))
            _ = consume other
        }
        file.evict([0])
        #expect(try !file.isPresent(0..<size))
        #expect(try !file.isSound(size: size))
        cache.release(file)
        cache.stop()
    }

    @Test func changesByMappingsAreFound() throws {
        let cache = try cache()
        try fill(cache)
        let file = try cache.file(1, size: size)
        #expect(try file.changedChunks() == [])
        let raw = try FileDescriptor(opening: cache.path(of: 1), flags: O_WRONLY)
        try raw.write([bytes[200_000] ^ 1].span.bytes, at: 200_000)
        #expect(try file.changedChunks() == [1])
        try cache.database.write { (rows) throws(Errno) in file.journal(in: rows) }
        try file.noteWritten([1])
        #expect(try file.changedChunks() == [])
        #expect(try !file.isSound(size: size - 1))
        cache.release(file)
        cache.stop()
    }
}
