import CLinux
public import Glibc

/// A POSIX error number: the only error that crosses the kernel boundary.
public struct Errno: Error, Equatable, Hashable, Sendable {
    public let rawValue: CInt

    public init(_ rawValue: CInt) { self.rawValue = rawValue }

    @inlinable public static var current: Errno { Errno(errno) }

    public static let notPermitted = Errno(EPERM)
    public static let noEntry = Errno(ENOENT)
    public static let ioError = Errno(EIO)
    public static let badDescriptor = Errno(EBADF)
    public static let tryAgain = Errno(EAGAIN)
    public static let accessDenied = Errno(EACCES)
    public static let busy = Errno(EBUSY)
    public static let exists = Errno(EEXIST)
    public static let crossDevice = Errno(EXDEV)
    public static let notDirectory = Errno(ENOTDIR)
    public static let isDirectory = Errno(EISDIR)
    public static let invalid = Errno(EINVAL)
    public static let tooLarge = Errno(EFBIG)
    public static let noSpace = Errno(ENOSPC)
    public static let tooManyOpenFiles = Errno(ENFILE)
    public static let readOnly = Errno(EROFS)
    public static let tooLongName = Errno(ENAMETOOLONG)
    public static let notEmpty = Errno(ENOTEMPTY)
    public static let noData = Errno(ENODATA)
    public static let stale = Errno(ESTALE)
    public static let timedOut = Errno(ETIMEDOUT)
    public static let notSupported = Errno(EOPNOTSUPP)
    public static let range = Errno(ERANGE)
    public static let argumentTooBig = Errno(E2BIG)
    public static let illegalBytes = Errno(EILSEQ)
    public static let interrupted = Errno(EINTR)
    public static let noMemory = Errno(ENOMEM)
    public static let tooManyLinks = Errno(EMLINK)
    public static let loop = Errno(ELOOP)
    /// No error of the kernel's: this thread must not wait, and has changed nothing (`Patience`).
    public static let wouldWait = Errno(-1)
}

extension Errno: CustomStringConvertible {
    /// What C programs call the error, such as `ENOENT`.
    public var name: String {
        gosync_error_name(rawValue).map { String(cString: $0) } ?? "E\(rawValue)"
    }

    /// What the C library calls the error, such as "No such file or directory".
    public var description: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            let code = strerror_r(rawValue, buffer.baseAddress!, buffer.count)
            return code == 0 ? String(cString: buffer.baseAddress!) : "error \(rawValue)"
        }
    }
}

/// Calls `body` again for as long as it is interrupted, and throws any other failure.
@inlinable @discardableResult
public func retrying<N: FixedWidthInteger>(_ body: () -> N) throws(Errno) -> N {
    while true {
        let result = body()
        if result != -1 { return result }
        guard errno == EINTR else { throw .current }
    }
}
