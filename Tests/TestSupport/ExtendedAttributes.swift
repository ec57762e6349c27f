import CLinux
import Glibc

/// A call that failed, with its errno.
public struct CallFailure: Error, Equatable {
    public let code: CInt
}

private func withOpen<R>(_ path: String, _ body: (CInt) throws -> R) throws -> R {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw CallFailure(code: errno) }
    defer { close(file) }
    return try body(file)
}

/// Sets an attribute, and answers as `fsetxattr` does.
///
/// Flags: 1 to create only, 2 to replace only.
public func setAttribute(_ path: String, _ name: String, _ value: [UInt8], _ flags: CInt = 0)
    -> CInt
{
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return -1 }
    let result = value.withUnsafeBytes {
        gosync_fsetxattr(file, name, $0.baseAddress, $0.count, flags)
    }
    let code = errno
    close(file)
    errno = code
    return result
}

public func removeAttribute(_ path: String, _ name: String) -> CInt {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return -1 }
    let result = gosync_fremovexattr(file, name)
    let code = errno
    close(file)
    errno = code
    return result
}

public func attribute(_ path: String, _ name: String) throws -> [UInt8] {
    try withOpen(path) { file in
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = gosync_fgetxattr(file, name, &buffer, buffer.count)
        guard count >= 0 else { throw CallFailure(code: errno) }
        return Array(buffer[..<count])
    }
}

public func attributeNames(_ path: String) throws -> [String] {
    try withOpen(path) { file in
        var buffer = [CChar](repeating: 0, count: 65_536)
        let count = gosync_flistxattr(file, &buffer, buffer.count)
        guard count >= 0 else { throw CallFailure(code: errno) }
        return buffer[..<count].split(separator: 0)
            .map { String(decoding: $0.map(UInt8.init(bitPattern:)), as: UTF8.self) }
    }
}
