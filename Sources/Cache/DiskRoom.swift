import Base
import Synchronization

/// How much of its disk a cache may use, now that others use it too.
///
/// It may grow by what is free, less what is left to others. Below `minFreeBytes`, bytes that could be
/// fetched again go, down to a working set: the machine has more use for the disk. The last of it, which
/// the database needs to tell of any change, is left alone whatever happens: then all of them go, and
/// writers wait.
final class DiskRoom: Sendable {
    private let directory: String
    private let sizeBytes: Int64
    private let minFreeBytes: Int64
    private let clean = Atomic<Int64>(.max)
    private let most = Atomic<Int64>(.max)
    /// In milliseconds.
    private let nextLook = Atomic<Int64>(0)

    /// - Parameters:
    ///   - sizeBytes: what it may use on a disk that has room.
    ///   - minFreeBytes: what is left to others; `nil` for a part of the disk.
    init(_ directory: String, sizeBytes: Int64, minFreeBytes: Int64?) throws(Errno) {
        self.directory = directory
        self.sizeBytes = sizeBytes
        let total = try fileSystemSpace(at: directory).total
        self.minFreeBytes = minFreeBytes ?? min(total / Self.usualShare, Self.usualBytes)
    }

    /// From here on, what could be fetched again goes.
    var cleanBytes: Int64 { clean.load(ordering: .relaxed) }
    /// From here on, nothing may come that is not needed at once.
    var mostBytes: Int64 { most.load(ordering: .relaxed) }

    /// Looks how much is free, if that was not done a moment ago: how its own use changes, the cache knows.
    ///
    /// - Parameter used: what this cache uses now.
    func lookIfDue(used: Int64) {
        let now = Int64(monotonicSeconds() * 1000)
        let due = nextLook.load(ordering: .relaxed)
        guard now >= due else { return }
        let next = now + Self.pauseMilliseconds
        guard
            nextLook.compareExchange(expected: due, desired: next, ordering: .relaxed).exchanged
        else { return }
        look(used: used)
    }

    func look(used: Int64) {
        // Such as a file system of the network that does not answer: what it has is not known.
        guard let space = try? fileSystemSpace(at: directory), space.total > 0 else { return }
        let last = min(minFreeBytes, Self.lastBytes)
        let most = min(sizeBytes, used + space.free - last)
        let clean = max(used + space.free - minFreeBytes, Self.workingBytes)
        self.most.store(most, ordering: .relaxed)
        self.clean.store(min(most, clean), ordering: .relaxed)
    }

    private static let pauseMilliseconds: Int64 = 100
    private static let usualShare: Int64 = 4
    private static let usualBytes: Int64 = 1 << 30
    /// SQLite's log may grow by as much between two looks at it.
    private static let lastBytes: Int64 = 64 << 20
    /// With less, what was fetched ahead would go before it is read.
    private static let workingBytes: Int64 = 256 << 20
}
