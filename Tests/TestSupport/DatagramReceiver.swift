import Foundation
import Glibc

/// Takes datagrams at a Unix address, as service managers and journals do.
public final class DatagramReceiver: Sendable {
    private let descriptor: CInt

    /// - Parameter isAbstract: the name lies in no directory.
    public init(_ name: String, isAbstract: Bool = false) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = (isAbstract ? [0] : []) + Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length)
            }
        }
        guard code == 0 else { throw CallFailure(code: errno) }
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    }

    deinit { close(descriptor) }

    /// The next one, if any comes within half a minute.
    public func next() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    /// The next text, if it comes within this time.
    public func nextText(within seconds: Int32) -> String? {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, seconds * 1000) > 0 ? nextText() : nil
    }

    public func nextText() -> String? { next().map { String(decoding: $0, as: UTF8.self) } }
}
