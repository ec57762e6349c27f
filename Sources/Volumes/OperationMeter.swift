public import Base

/// What the kernel asks of a volume.
public enum Operation: Int, CaseIterable, Sendable {
    case lookup, getattr, setattr, readlink, statfs, mknod, mkdir, symlink, unlink, rmdir, rename,
        link
    case create, open, read, write, copyFileRange, flush, fsync, release
    case opendir, readdir, readdirplus, releasedir, fsyncdir
    case getxattr, listxattr, setxattr, removexattr

    /// The kernel's word for it.
    public var name: String { self == .copyFileRange ? "copy_file_range" : "\(self)" }
}

/// How often each operation was asked for, how long it took, and with which errors it ended.
public final class OperationMeter: Sendable {
    private let taken = Operation.allCases.map { _ in Histogram() }
    private let failures = (0...OperationMeter.highestErrno).map { _ in Counter() }

    /// Linux knows no higher one.
    private static let highestErrno = 133

    init() {}

    public func add(_ operation: Operation, seconds: Double) {
        taken[operation.rawValue].add(seconds: seconds)
    }

    public func add(_ error: Errno) {
        failures[min(max(0, Int(error.rawValue)), Self.highestErrno)].add()
    }

    /// Those that were asked for at least once.
    public var durations: [(operation: Operation, taken: Histogram.Snapshot)] {
        Operation.allCases.map { ($0, taken[$0.rawValue].snapshot) }.filter { $0.1.count > 0 }
    }

    public var errors: [(error: Errno, count: Int)] {
        failures.indices.map { (Errno(CInt($0)), failures[$0].value) }.filter { $0.1 > 0 }
    }
}
