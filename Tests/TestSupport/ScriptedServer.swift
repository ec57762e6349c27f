import Base
import Foundation

/// An HTTP server that does what a test tells it, also what no server should.
///
/// Each connection has a thread of its own; `answer` is called on it, for one request after another.
public final class ScriptedServer: Sendable {
    public struct Request: Sendable {
        public var method: String
        /// Path and query as they were sent.
        public var target: String
        /// Names in lower case.
        public var headers: [String: String]
        public var body: [UInt8]
        /// Counts connections from 0, the same for all requests of one.
        public var connection: Int
    }

    public enum Answer: Sendable {
        case answer(Int, headers: [String: String] = [:], body: [UInt8] = [])
        /// Sent as it is, and the connection is closed.
        case raw(String)
        case rawBytes([UInt8])
        /// Sent as it is, and the connection is reset.
        case reset(after: String)
        /// Sent as it is, and then nothing for so long; the connection is closed after that.
        case stall(String, seconds: Double)

        public static func ok(_ body: [UInt8]) -> Answer { .answer(200, body: body) }
    }

    /// What goes wrong with a request.
    public enum Fault: Sendable {
        /// Answers so, and does nothing.
        case instead(Answer)
        /// Does what was asked, and answers so all the same.
        case afterwards(Answer)
        /// Does what was asked, and answers what is made of the right answer.
        case altered(@Sendable (Answer) -> Answer)

        /// - Parameter work: does what was asked, and says the right answer.
        public func answer(_ work: () -> Answer) -> Answer {
            switch self {
            case .instead(let answer): return answer
            case .afterwards(let answer):
                _ = work()
                return answer
            case .altered(let alter): return alter(work())
            }
        }
    }

    fileprivate struct State {
        var requests: [Request] = []
        var connections: [Int: Int32] = [:]
        var count = 0
        var isStopped = false
    }

    fileprivate final class Core: Sendable {
        let state = Monitor(State())
        let keepsBodies: Bool
        let answer: @Sendable (Request) -> Answer

        init(keepingBodies: Bool, _ answer: @escaping @Sendable (Request) -> Answer) {
            keepsBodies = keepingBodies
            self.answer = answer
        }
    }

    private let core: Core
    private let listener: Int32
    private let directory: TemporaryDirectory?
    public let port: Int

    public var url: String { "http://127.0.0.1:\(port)" }
    public var socketPath: String { (directory?.path ?? "") + "/socket" }
    /// What was asked so far.
    public var requests: [Request] { core.state.withLock { $0.requests } }

    /// - Parameter keepingBodies: in `requests`.
    public init(
        onUnixSocket: Bool = false,
        keepingBodies: Bool = true,
        answer: @escaping @Sendable (Request) -> Answer
    ) throws {
        core = Core(keepingBodies: keepingBodies, answer)
        directory = onUnixSocket ? try TemporaryDirectory() : nil
        let path = directory.map { $0.path + "/socket" }
        (listener, port) = try path.map { (try listening(atPath: $0), 0) } ?? listening()
        let listener = listener
        Thread.detachNewThread { [core] in core.accept(from: listener) }
    }

    deinit {
        core.state.update { state in
            state.isStopped = true
            for socket in state.connections.values { shutdown(socket, Int32(SHUT_RDWR)) }
        }
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

extension ScriptedServer.Core {
    fileprivate func accept(from listener: Int32) {
        while true {
            let socket = Foundation.accept(listener, nil, nil)
            if socket < 0 { return }
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            let number = state.update { state in
                state.count += 1
                state.connections[state.count - 1] = socket
                return state.count - 1
            }
            Thread.detachNewThread { [self] in
                while serve(socket, number) {}
                state.update { $0.connections[number] = nil }
                close(socket)
            }
        }
    }

    /// Answers one request; `false` after the last one of the connection.
    private func serve(_ socket: Int32, _ number: Int) -> Bool {
        guard let request = receive(socket, number) else { return false }
        var kept = request
        if !keepsBodies { kept.body = [] }
        state.update { $0.requests.append(kept) }
        switch answer(request) {
        case .answer(let status, let headers, let body):
            var head = "HTTP/1.1 \(status) Scripted\r\n"
            for (name, value) in headers { head += "\(name): \(value)\r\n" }
            if headers["Content-Length"] == nil { head += "Content-Length: \(body.count)\r\n" }
            let isHead = request.method == "HEAD"
            return sendAll(socket, Array((head + "\r\n").utf8) + (isHead ? [] : body))
        case .raw(let text):
            _ = sendAll(socket, Array(text.utf8))
        case .rawBytes(let bytes):
            _ = sendAll(socket, bytes)
        case .reset(let text):
            _ = sendAll(socket, Array(text.utf8))
            // What was sent shall arrive before the reset overtakes it.
            usleep(50_000)
            var option = linger(l_onoff: 1, l_linger: 0)
            let size = socklen_t(MemoryLayout<linger>.size)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, size)
        case .stall(let text, let seconds):
            _ = sendAll(socket, Array(text.utf8))
            let _: Bool? = state.wait(atMost: seconds) { $0.isStopped ? true : nil }
        }
        return false
    }

    private func receive(_ socket: Int32, _ number: Int) -> ScriptedServer.Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let end = Array("\r\n\r\n".utf8)
        var head: ScriptedServer.Request?
        var length = 0
        while true {
            if head == nil, let split = bytes.firstRange(of: end) {
                let parsed = parse(bytes[..<split.lowerBound], number)
                length = Int(parsed?.headers["content-length"] ?? "") ?? 0
                bytes.removeSubrange(..<split.upperBound)
                guard parsed != nil else { return nil }
                head = parsed
            }
            if var head, bytes.count >= length {
                head.body = bytes
                return head
            }
            let count = recv(socket, &buffer, buffer.count, 0)
            if count <= 0 { return nil }
            bytes += buffer[..<count]
        }
    }

    private func parse(_ head: ArraySlice<UInt8>, _ number: Int) -> ScriptedServer.Request? {
        let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ").map { String($0) }
        guard words.count == 3 else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1).map { String($0) }
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        return ScriptedServer.Request(
            method: words[0],
            target: words[1],
            headers: headers,
            body: [],
            connection: number
        )
    }
}

/// Sends everything, or says that the other side is gone.
func sendAll(_ socket: Int32, _ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes {
            send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count <= 0 { return false }
        rest = rest.dropFirst(count)
    }
    return true
}

private func listening() throws -> (socket: Int32, port: Int) {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port: Int? = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            guard bind(socket, $0, size) == 0, listen(socket, 64) == 0,
                getsockname(socket, $0, &size) == 0
            else { return nil }
            return 0
        }
    }
    guard port != nil else { throw Errno.current }
    return (socket, Int(UInt16(bigEndian: address.sin_port)))
}

private func listening(atPath path: String) throws -> Int32 {
    let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let isListening = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(socket, $0, size) == 0 && listen(socket, 64) == 0
        }
    }
    guard isListening else { throw Errno.current }
    return socket
}
