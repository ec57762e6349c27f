import CLinux
import Glibc

/// What `lstat` tells of a name in a directory.
public struct NameStatus: Equatable, Sendable {
    /// Type and permissions, as `st_mode`.
    public var mode: UInt32
    public var owner: UInt32
    public var group: UInt32
    public var device: UInt64
    public var sizeBytes: Int64
    public var modified: Timestamp
    public var changed: Timestamp
    public var inode: UInt64
    public var links: UInt64

    init(_ status: stat) {
        mode = status.st_mode
        owner = status.st_uid
        group = status.st_gid
        device = UInt64(status.st_rdev)
        sizeBytes = Int64(status.st_size)
        modified = Timestamp(status.st_mtim)
        changed = Timestamp(status.st_ctim)
        inode = UInt64(status.st_ino)
        links = UInt64(status.st_nlink)
    }

    public var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
    public var isLink: Bool { mode & S_IFMT == S_IFLNK }
    public var isRegular: Bool { mode & S_IFMT == S_IFREG }
}

extension FileDescriptor {
    public func nameStatus() throws(Errno) -> NameStatus {
        var status = stat()
        try retrying { fstat(rawValue, &status) }
        return NameStatus(status)
    }

    public func setMode(_ mode: UInt32) throws(Errno) {
        try retrying { fchmod(rawValue, mode & 0o7777) }
    }

    public func setOwner(_ owner: UInt32, group: UInt32) throws(Errno) {
        try retrying { fchown(rawValue, owner, group) }
    }

    /// Returns when the bytes and all that is known of the file are on the disk.
    public func synchronize() throws(Errno) { try retrying { fsync(rawValue) } }

    /// Copies a whole file, sharing its blocks where the file system can.
    public func copy(to target: borrowing FileDescriptor, sizeBytes: Int64) throws(Errno) {
        try copy(0..<sizeBytes, to: target)
    }

    /// Copies a range to the same place in another file, likewise.
    public func copy(
        _ range: Range<Int64>,
        to target: borrowing FileDescriptor
    ) throws(Errno) {
        let source = rawValue
        let other = target.rawValue
        var position = range.lowerBound
        while position < range.upperBound {
            let rest = Int(min(range.upperBound - position, 1 << 30))
            let count = try retrying { gosync_copy_range(source, position, other, position, rest) }
            guard count > 0 else { throw .ioError }
            position += count
        }
    }
}

/// An open directory, below which paths are followed that cannot leave it, also through links.
///
/// Paths are relative, with `/` between components; `""` is the directory itself.
public struct Directory: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    public init(opening path: String) throws(Errno) {
        descriptor = try FileDescriptor(opening: path, flags: O_RDONLY | O_DIRECTORY)
    }

    private init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// A directory below this one.
    public func directory(_ path: String) throws(Errno) -> Directory {
        Directory(try open(path.isEmpty ? "." : path, flags: O_RDONLY | O_DIRECTORY))
    }

    /// Opens a file below; a symbolic link on the way, or at the end, is `ELOOP`.
    public func open(_ path: String, flags: CInt, mode: UInt32 = 0o600) throws(Errno)
        -> FileDescriptor
    {
        let own = descriptor.rawValue
        return FileDescriptor(
            owning: try retrying { gosync_open_beneath(own, path, flags | O_NOFOLLOW, mode) }
        )
    }

    // The methods below take one name, and never follow a link that it is.

    public func status(of name: String) throws(Errno) -> NameStatus {
        var status = stat()
        try retrying { fstatat(descriptor.rawValue, name, &status, AT_SYMLINK_NOFOLLOW) }
        return NameStatus(status)
    }

    public func makeDirectory(_ name: String, mode: UInt32 = 0o755) throws(Errno) {
        try retrying { mkdirat(descriptor.rawValue, name, mode) }
    }

    /// Makes a fifo, socket or device file.
    public func makeSpecial(_ name: String, mode: UInt32, device: UInt64) throws(Errno) {
        try retrying { mknodat(descriptor.rawValue, name, mode, dev_t(device)) }
    }

    public func makeLink(_ name: String, to target: String) throws(Errno) {
        try retrying { symlinkat(target, descriptor.rawValue, name) }
    }

    public func target(ofLink name: String) throws(Errno) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try retrying {
            buffer.withUnsafeMutableBytes {
                readlinkat(
                    descriptor.rawValue,
                    name,
                    $0.baseAddress!.assumingMemoryBound(to: CChar.self),
                    $0.count
                )
            }
        }
        return Array(buffer[..<count])
    }

    public func remove(_ name: String) throws(Errno) {
        try retrying { unlinkat(descriptor.rawValue, name, 0) }
    }

    public func removeDirectory(_ name: String) throws(Errno) {
        try retrying { unlinkat(descriptor.rawValue, name, AT_REMOVEDIR) }
    }

    /// Renames within this directory, at once; `EEXIST` where something must not be replaced.
    public func rename(_ name: String, to newName: String, replacing: Bool) throws(Errno) {
        let own = descriptor.rawValue
        try retrying { gosync_renameat2(own, name, own, newName, replacing ? 0 : 1) }
    }

    /// A link has no permissions of its own: `EOPNOTSUPP`.
    public func setMode(_ mode: UInt32, of name: String) throws(Errno) {
        try retrying {
            fchmodat(descriptor.rawValue, name, mode & 0o7777, AT_SYMLINK_NOFOLLOW)
        }
    }

    public func setOwner(_ owner: UInt32, group: UInt32, of name: String) throws(Errno) {
        try retrying {
            fchownat(descriptor.rawValue, name, owner, group, AT_SYMLINK_NOFOLLOW)
        }
    }

    public func setModified(_ time: Timestamp, of name: String) throws(Errno) {
        // UTIME_OMIT, which Glibc's module does not show: the time of access stays.
        let times = [timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2), time.timespec]
        try retrying { utimensat(descriptor.rawValue, name, times, AT_SYMLINK_NOFOLLOW) }
    }

    public func synchronize() throws(Errno) { try descriptor.synchronize() }

    /// The names in this directory but `.` and `..`, in no order, and how many are no UTF-8.
    public func names() throws(Errno) -> (names: [String], unreadable: Int) {
        let own = descriptor.rawValue
        let copy = try retrying { openat(own, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(copy) else {
            close(copy)
            throw .current
        }
        defer { closedir(stream) }
        var names: [String] = []
        var unreadable = 0
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw .current }
                return (names, unreadable)
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    String(validatingCString: $0)
                }
            }
            guard let name else {
                unreadable += 1
                continue
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }
}

/// How full the file system at a path is, in bytes.
public func fileSystemSpace(at path: String) throws(Errno) -> (total: Int64, free: Int64) {
    var status = statvfs()
    try retrying { statvfs(path, &status) }
    let unit = Int64(status.f_frsize)
    return (Int64(status.f_blocks) * unit, Int64(status.f_bavail) * unit)
}

/// Whether this process may give files to other users.
public func mayChangeOwners() -> Bool { geteuid() == 0 }
