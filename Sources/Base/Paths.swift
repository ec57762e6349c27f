import CLinux
import Glibc

/// What the daemon's own files and directories look like from outside.
public struct FileStatus: Equatable, Sendable {
    public var sizeBytes: Int64
    /// Type and permissions, as `st_mode`.
    public var mode: UInt32
    public var modified: Timestamp

    init(_ status: stat) {
        sizeBytes = Int64(status.st_size)
        mode = status.st_mode
        modified = Timestamp(status.st_mtim)
    }

    /// `nil` where there is no such file, or it cannot be seen.
    public init?(ofFileAt path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}

extension FileDescriptor {
    public func status() throws(Errno) -> FileStatus {
        var status = stat()
        try retrying { fstat(rawValue, &status) }
        return FileStatus(status)
    }

    /// The bytes of a range; fewer where the file ends.
    public func bytes(in range: Range<Int64>) throws(Errno) -> [UInt8] {
        try Base.bytes(count: Int(range.upperBound - range.lowerBound)) {
            (output) throws(Errno) in
            try read(into: &output, at: range.lowerBound)
        }
    }
}

/// Makes a directory, and those above it, for the owner alone; one that exists is left as it is.
public func makeDirectory(_ path: String) throws(Errno) {
    if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
        throw .current
    }
    try makeDirectory(String(path[..<slash]))
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .current }
}

/// Keeps other users out of a directory of this user.
///
/// - Throws: `EPERM` for one that is another's, or that users share on purpose, such as `/tmp`.
public func closeDirectory(_ path: String) throws(Errno) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .current }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .notDirectory }
    if status.st_mode & 0o077 == 0 { return }
    let isShared = status.st_mode & 0o1000 != 0 || path == "/"
    guard !isShared, status.st_uid == geteuid() else { throw .notPermitted }
    guard chmod(path, 0o700) == 0 else { throw .current }
    Log.info("\(path) is now closed to other users")
}

/// Removes a file; one that does not exist is no error.
public func removeFile(_ path: String) throws(Errno) {
    guard unlink(path) == 0 || errno == ENOENT else { throw .current }
}

/// Gives a file another name, in place of what has that name.
public func renameFile(_ path: String, to newPath: String) throws(Errno) {
    guard rename(path, newPath) == 0 else { throw .current }
}

/// A file that this process has to itself for as long as it holds on to it.
public struct LockFile: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// - Throws: `EAGAIN` (`EWOULDBLOCK`) while another process holds it.
    public init(at path: String) throws(Errno) {
        let file = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT)
        let number = file.rawValue
        try retrying { gosync_flock_exclusive(number) }
        descriptor = file
    }
}

/// An array that a span over its storage has filled, without filling it with zeros first.
public func bytes(
    count: Int,
    filling body: (inout OutputRawSpan) throws(Errno) -> Void
) throws(Errno) -> [UInt8] {
    var failure: Errno?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        let raw = UnsafeMutableRawBufferPointer(buffer)
        var output = OutputRawSpan(buffer: raw, initializedCount: 0)
        do throws(Errno) {
            try body(&output)
        } catch {
            failure = error
        }
        initialized = output.finalize(for: raw)
    }
    if let failure { throw failure }
    return bytes
}
