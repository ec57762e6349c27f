import Foundation
import Glibc
import Synchronization

/// Stands between a client and a real server: counts what passes, and breaks what a test tells it to.
///
/// Signatures stay good, because they cover the address that the client knows: the proxy's.
public final class S3Proxy: Sendable {
    public typealias Request = ScriptedServer.Request
    public typealias Answer = ScriptedServer.Answer
    public typealias Fault = ScriptedServer.Fault

    public struct Counts: Equatable, Sendable {
        /// Bytes of bodies, to the server and from it.
        public var sent = 0
        public var received = 0
    }

    private let port: Int
    private let server = Mutex<ScriptedServer?>(nil)
    private let counts = Mutex(Counts())
    private let fault = Mutex<@Sendable (Request) -> Fault?>({ _ in nil })

    public init(before origin: S3Server) throws {
        port = origin.port
        let server = try ScriptedServer(keepingBodies: false) { [weak self] request in
            self?.answer(to: request) ?? .reset(after: "")
        }
        self.server.withLock { $0 = server }
    }

    public var url: String { server.withLock { $0?.url ?? "" } }
    /// What passed so far, without bodies.
    public var requests: [Request] { server.withLock { $0?.requests ?? [] } }

    /// What passed since the last time.
    public func takeCounts() -> Counts {
        counts.withLock { counts in
            defer { counts = Counts() }
            return counts
        }
    }

    /// Asks about each request from now on, on many threads at once.
    public func breaks(_ fault: @escaping @Sendable (Request) -> Fault?) {
        self.fault.withLock { $0 = fault }
    }

    private func answer(to request: Request) -> Answer {
        let fault = fault.withLock { $0 }(request)
        return fault?.answer { forward(request) } ?? forward(request)
    }

    private func forward(_ request: Request) -> Answer {
        // Version 1.0 ends the answer with the connection, and knows no chunks.
        var head = "\(request.method) \(request.target) HTTP/1.0\r\n"
        for (name, value) in request.headers where name != "connection" {
            head += "\(name): \(value)\r\n"
        }
        guard let socket = connected(to: port) else { return .reset(after: "") }
        defer { close(socket) }
        guard sendAll(socket, Array((head + "\r\n").utf8) + request.body) else {
            return .reset(after: "")
        }
        let bytes = receiveAll(socket)
        guard let split = bytes.firstRange(of: Array("\r\n\r\n".utf8)),
            let answer = Answer(bytes[..<split.lowerBound], Array(bytes[split.upperBound...]))
        else { return .reset(after: "") }
        counts.withLock { counts in
            counts.sent += request.body.count
            counts.received += bytes.count - split.upperBound
        }
        return answer
    }
}

extension ScriptedServer.Answer {
    fileprivate init?(_ head: ArraySlice<UInt8>, _ body: [UInt8]) {
        let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1).map { String($0) }
            guard parts.count == 2 else { continue }
            headers[parts[0]] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        headers["Connection"] = nil
        // Of a HEAD it is that of the object.
        let length = headers["Content-Length"].flatMap { Int($0) } ?? body.count
        guard body.isEmpty || length == body.count else { return nil }
        self = .answer(status, headers: headers, body: body)
    }
}

private func connected(to port: Int) -> Int32? {
    let stream = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    let socket = socket(AF_INET, stream, 0)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isConnected = withUnsafePointer(to: loopback(port)) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(socket, $0, size) == 0
        }
    }
    if isConnected { return socket }
    close(socket)
    return nil
}

private func receiveAll(_ socket: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
        let count = recv(socket, &buffer, buffer.count, 0)
        if count <= 0 { return bytes }
        bytes += buffer[..<count]
    }
}
