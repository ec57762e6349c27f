import Base
import Glibc

/// Why the server cannot listen, in words for the operator.
public struct ServerError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

/// The path a server listens at: a socket of mode 0600 in a directory of mode 0700.
struct SocketFile {
    let path: String

    /// What fits into `sockaddr_un`, less the final NUL.
    static let longestPathBytes = 107

    /// Makes the directory, and takes away what a daemon that died has left.
    ///
    /// Whether another one lives is asked of the socket itself: nobody can leave that answer behind.
    func prepare() throws(ServerError) {
        guard path.utf8.count <= Self.longestPathBytes else {
            let limit = "a socket's path has at most \(Self.longestPathBytes) bytes"
            throw ServerError(description: "\(path) is too long: \(limit)")
        }
        try prepareDirectory()
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw ServerError(description: "\(path) is in the way: it is not a socket")
        }
        guard !isAnswered() else {
            throw ServerError(description: "another GoSync already listens at \(path)")
        }
        guard unlink(path) == 0 || errno == ENOENT else {
            throw ServerError(description: "cannot replace \(path): \(Errno.current)")
        }
    }

    /// Keeps others out: the library makes every socket with mode 0660.
    func protect() throws(ServerError) {
        guard chmod(path, 0o600) == 0 else {
            throw ServerError(description: "cannot protect \(path): \(Errno.current)")
        }
    }

    func remove() { unlink(path) }

    static func isUnixSocket(_ connection: CInt) -> Bool {
        var address = sockaddr_storage()
        var count = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(connection, $0, &count)
            }
        }
        return code == 0 && address.ss_family == sa_family_t(AF_UNIX)
    }

    /// The user at the other end of a connection may speak to us: it is ours, or the administrator.
    static func admits(_ connection: CInt) -> Bool {
        guard let user = userAtOtherEnd(of: connection) else { return false }
        return user == geteuid() || user == 0
    }

    private func prepareDirectory() throws(ServerError) {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        let directory = end == path.startIndex ? "/" : String(path[..<end])
        if mkdir(directory, 0o700) == 0 { return }
        guard errno == EEXIST else {
            throw ServerError(description: "cannot make \(directory): \(Errno.current)")
        }
        do throws(Errno) {
            try closeDirectory(directory)
        } catch {
            guard error == .notPermitted else {
                throw ServerError(description: "\(directory): \(error)")
            }
            let advice = "GoSync needs a directory of its own for its data"
            throw ServerError(description: "\(directory) is open to other users; \(advice)")
        }
    }

    private func isAnswered() -> Bool {
        let connection = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard connection >= 0 else { return false }
        defer { close(connection) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return code == 0
    }
}
