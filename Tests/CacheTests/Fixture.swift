import Base
import Glibc
import SQLite
import Synchronization
import TestSupport

@testable import Cache

/// An object that can be read, that counts what was read of it, and that can be told to fail.
final class Origin: Sendable {
    let bytes: [UInt8]
    let fetched = Mutex<[Range<Int64>]>([])
    /// Bytes that were handed over.
    let sent = Atomic<Int64>(0)
    /// What a request for a range fails with, if it does.
    let failure = Mutex<@Sendable (Range<Int64>) -> Errno?>({ _ in nil })
    /// While it is closed, no byte beyond this offset is sent.
    let gate = Monitor(Int64.max)
    /// What each request takes besides.
    let delayMicroseconds = Atomic<UInt32>(0)

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var fetch: Fetch {
        { [self] (range, sink) throws(Errno) in
            fetched.withLock { $0.append(range) }
            if let error = failure.withLock({ $0 })(range) { throw error }
            usleep(delayMicroseconds.load(ordering: .relaxed))
            // In odd portions, as a network delivers them.
            var position = Int(range.lowerBound)
            while position < Int(range.upperBound) {
                gate.wait { $0 > Int64(position) ? true : nil }
                let end = min(position + 37_777, Int(range.upperBound))
                sent.add(Int64(end - position), ordering: .relaxed)
                try sink(bytes[position..<end].span.bytes)
                position = end
            }
        }
    }

    var bytesFetched: Int64 {
        fetched.withLock { $0.reduce(0) { $0 + $1.upperBound - $1.lowerBound } }
    }
}

struct Fixture {
    let directory: TemporaryDirectory
    let cache: BlockCache

    init(in directory: TemporaryDirectory, sizeBytes: Int64 = 1 << 40) throws {
        self.directory = directory
        let database = try Database(path: directory.path + "/index.db") {
            (_: Connection) throws(Errno) in
        }
        cache = try BlockCache(
            directory: directory.path + "/cache",
            sizeBytes: sizeBytes,
            database: database
        )
    }

    func journal(_ file: CachedFile) throws {
        try cache.database.write { (rows) throws(Errno) in file.journal(in: rows) }
    }

    /// The object has all of the file.
    func settle(_ file: CachedFile, size: Int64, passed: [Int: UInt32] = [:]) throws {
        try file.settling(size: size, checksums: nil, passed: passed) {
            (settlement) throws(Errno) in
            try cache.database.write { (rows) throws(Errno) in file.settle(settlement, in: rows) }
        }
    }
}

func randomBytes(_ count: Int, _ random: inout SplitMix64) -> [UInt8] {
    var bytes = [UInt64](unsafeUninitializedCapacity: (count + 7) / 8) { buffer, filled in
        filled = (count + 7) / 8
        for index in 0..<filled {
            // Much of it is the same again: making it anew takes a debug build most of its time.
            buffer[index] = index < 8192 || index % 512 == 0 ? random.next() : buffer[index - 8192]
        }
    }
    return bytes.withUnsafeMutableBytes { Array($0.prefix(count)) }
}

/// Where two arrays part; a failure then shows a place and not a million bytes.
func difference(_ one: [UInt8], _ other: [UInt8]) -> Int? {
    if one == other { return nil }
    return one.indices.first { $0 >= other.count || one[$0] != other[$0] } ?? one.count
}

extension CachedFile {
    func read(_ range: Range<Int64>, _ origin: Origin) throws(Errno) -> [UInt8] {
        try withPresent(range, fetch: origin.fetch) { () throws(Errno) in try bytes(in: range) }
    }
}
