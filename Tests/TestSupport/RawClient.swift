public import Base
import Foundation

/// A client that says exactly what it is told to, right or wrong.
public final class RawClient: Sendable {
    public let connection: CInt

    /// Connects to a Unix socket.
    public init(_ path: String) throws(Errno) {
        connection = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let target = connection
        try withUnsafePointer(to: &address) { pointer throws(Errno) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address throws(Errno) in
                _ = try retrying {
                    connect(target, address, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        limitWaiting()
    }

    /// Connects to a port of this machine.
    public init(port: UInt16) throws(Errno) {
        connection = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let target = connection
        try withUnsafePointer(to: &address) { pointer throws(Errno) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address throws(Errno) in
                _ = try retrying {
                    connect(target, address, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        limitWaiting()
    }

    private func limitWaiting() {
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    deinit { close(connection) }

    /// False if the server has ended the connection.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(connection, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    public func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// All that comes until the server ends the connection or is silent for ten seconds.
    public func rest() -> [UInt8] {
        var all: [UInt8] = []
        while let more = receive() { all += more }
        return all
    }

    /// One answer, with its body as long as Content-Length says.
    public func answer() -> Answer? {
        var bytes: [UInt8] = []
        while true {
            if let answer = Answer(bytes) { return answer }
            guard let more = receive() else { return nil }
            bytes += more
        }
    }

    /// What comes next; `nil` at the end.
    public func receive() -> [UInt8]? {
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = max(0, recv(connection, buffer.baseAddress, buffer.count, 0))
        }
        return bytes.isEmpty ? nil : bytes
    }
}

public struct Answer: Sendable {
    public let status: Int
    public let headers: [String: String]
    public let body: [UInt8]

    public var text: String { String(decoding: body, as: UTF8.self) }

    /// `nil` while it is not complete.
    public init?(_ bytes: [UInt8]) {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            .components(separatedBy: "\r\n")
        let words = lines[0].components(separatedBy: " ")
        guard words.count > 1, let status = Int(words[1]) else { return nil }
        self.status = status
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.components(separatedBy: ": ")
            headers[parts[0].lowercased()] = parts.dropFirst().joined(separator: ": ")
        }
        self.headers = headers
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        guard bytes.count - end.upperBound >= length else { return nil }
        body = Array(bytes[end.upperBound...].prefix(length))
    }
}
