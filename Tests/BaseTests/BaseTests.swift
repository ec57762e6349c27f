import Base
import Foundation
import Synchronization
import TestSupport
import Testing

struct MonitorTests {
    @Test func aWaiterSeesTheChangeItWaitedFor() {
        let monitor = Monitor(0)
        Thread { monitor.update { $0 = 7 } }.start()
        #expect(monitor.wait { $0 == 0 ? nil : $0 } == 7)
    }

    @Test func aWaitEndsWithItsTime() {
        let monitor = Monitor(0)
        #expect(monitor.wait(atMost: 0.02) { $0 == 0 ? nil : $0 } == nil)
        monitor.update { $0 = 1 }
        #expect(monitor.wait(atMost: 10) { $0 == 0 ? nil : $0 } == 1)
    }
}

struct WorkersTests {
    /// Who brings a job before, while or after the threads end never waits for it in vain.
    @Test func noJobIsDroppedByFinishing() {
        let workers = Workers("test", limit: 2)
        let done = Monitor(0)
        for _ in 0..<100 {
            workers.run {
                workers.run { done.update { $0 += 1 } }
                done.update { $0 += 1 }
            }
        }
        workers.finish()
        #expect(done.withLock { $0 } == 200)
        workers.run { done.update { $0 += 1 } }
        #expect(done.withLock { $0 } == 201)
        workers.finish()
        workers.stop()
        workers.run { done.update { $0 += 1 } }
        #expect(done.withLock { $0 } == 201)
    }

    @Test func everyJobRunsOnceOnAtMostAsManyThreadsAsAllowed() {
        let workers = Workers("test", limit: 3)
        let done = Monitor((count: 0, running: 0, most: 0))
        for _ in 0..<200 {
            workers.run {
                done.update {
                    $0.running += 1
                    $0.most = max($0.most, $0.running)
                }
                usleep(200)
                done.update {
                    $0.running -= 1
                    $0.count += 1
                }
            }
        }
        #expect(done.wait(atMost: 30) { $0.count == 200 ? $0.most : nil }.map { $0 <= 3 } == true)
        workers.stop()
    }

    /// A job wakes one thread: it must not be one that has something else to do.
    @Test(.timeLimit(.minutes(2))) func everyJobFindsAnIdleThread() {
        let workers = Workers("test", limit: 2)
        let mayEnd = Monitor(false)
        for _ in 0..<2 { workers.run { _ = mayEnd.wait { $0 ? true : nil } } }
        // From now on there is a thread that looks for jobs that are over.
        let done = Monitor(0)
        workers.run(unless: { false }) { done.update { $0 += 1 } }
        mayEnd.update { $0 = true }
        for number in 1...500 {
            #expect(done.wait(atMost: 30) { $0 == number ? true : nil } == true)
            if number.isMultiple(of: 50) { usleep(20_000) }
            workers.run(unless: { false }) { done.update { $0 += 1 } }
        }
        workers.stop()
    }

    @Test func afterStopNothingRuns() {
        let workers = Workers("test", limit: 1)
        workers.stop()
        let hasRun = Mutex(false)
        workers.run { hasRun.withLock { $0 = true } }
        usleep(20_000)
        #expect(!hasRun.withLock { $0 })
    }
}

struct TimestampTests {
    @Test(arguments: [0, 1, -1, 999_999_999, -1_500_000_000, 1_700_000_000_123_456_789] as [Int64])
    func secondsAndFractionAreTheWhole(nanoseconds: Int64) {
        let time = Timestamp(nanoseconds: nanoseconds)
        #expect((0..<1_000_000_000).contains(time.fraction))
        #expect(Timestamp(seconds: time.seconds, nanoseconds: time.fraction) == time)
        #expect(Timestamp(time.timespec) == time)
    }

    @Test func farTimesSaturate() {
        #expect(Timestamp(seconds: .max).nanoseconds == .max)
        #expect(Timestamp(seconds: .min).nanoseconds == .min)
    }
}

struct ChecksumTests {
    /// The check value of CRC-32C, from RFC 3720 and the catalogues of CRCs.
    @Test func matchesTheStandard() {
        #expect(crc32c(Array("123456789".utf8)) == 0xe306_9283)
        #expect(crc32c([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func piecesGiveTheSameAsTheWhole(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<1000).map { _ in UInt8.random(in: 0...255, using: &random) }
        let cut = Int.random(in: 0...1000, using: &random)
        let first = crc32c(Array(bytes[..<cut]))
        #expect(crc32c(Array(bytes[cut...]).span.bytes, continuing: first) == crc32c(bytes))
    }

    /// Long ones are summed in several lanes at once, short ones byte by byte.
    @Test(arguments: 0..<50 as Range<UInt64>)
    func longOnesGiveTheSameAsManyShortOnes(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let count = Int.random(in: 0...70_000, using: &random)
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        var sum = UInt32.random(in: 0...UInt32.max, using: &random)
        let whole = crc32c(bytes.span.bytes, continuing: sum)
        for start in stride(from: 0, to: count, by: 7) {
            let piece = Array(bytes[start..<min(count, start + 7)])
            sum = crc32c(piece.span.bytes, continuing: sum)
        }
        #expect(sum == whole)
    }
}

struct NameTests {
    @Test func spellingsOfOneLetterAreDifferentNames() {
        #expect("\u{e9}" == "e\u{301}")
        #expect(Name("\u{e9}") != Name("e\u{301}"))
        #expect(Set([Name("\u{e9}"), Name("e\u{301}")]).count == 2)
        #expect(Key("a/b") < Key("a0"))
        #expect(Key("a-") < Key("a/"))
    }

    @Test func bytesThatAreNotUTF8AreNoName() {
        #expect(Name(validating: [CChar(bitPattern: 0xff), 0]) == nil)
    }
}

struct FileDescriptorTests {
    /// What a file takes on the disk is asked after each write.
    ///
    /// The kernel gives a file whose times were asked for a new one at its next write, and the inode is to
    /// be written once more.
    @Test func askingWhatAFileTakesHasNoNextWriteTouchTheInode() throws {
        let directory = try TemporaryDirectory()
        func open(_ name: String) throws -> FileDescriptor {
            try FileDescriptor(opening: directory.path + "/" + name, flags: O_RDWR | O_CREAT)
        }
        let one = try open("one")
        let other = try open("other")
        // Times are exact where one was asked for, and otherwise those of the last tick of a clock.
        let pairs = try (0..<50).map { _ in
            try other.write([1].span.bytes, at: 0)
            try one.write([1].span.bytes, at: 0)
            #expect(try one.diskBytes() > 0)
            try one.write([1].span.bytes, at: 0)
            return (try one.status().modified, try other.status().modified)
        }
        #expect(pairs.contains { $0.0 == $0.1 })
    }
}

struct DirectoryTests {
    @Test func nothingOutsideIsReached() throws {
        let outside = try TemporaryDirectory()
        let inside = try TemporaryDirectory()
        try Data("secret".utf8).write(to: URL(filePath: outside.path + "/f"))
        let files = FileManager.default
        try files.createSymbolicLink(
            atPath: inside.path + "/way",
            withDestinationPath: outside.path
        )
        try files.createSymbolicLink(
            atPath: inside.path + "/link",
            withDestinationPath: outside.path + "/f"
        )
        let directory = try Directory(opening: inside.path)
        for path in ["way/f", "link", "../" + outside.path.split(separator: "/").last! + "/f"] {
            #expect(throws: Errno.self, "\(path)") {
                _ = try directory.open(path, flags: O_RDONLY)
            }
        }
    }
}
