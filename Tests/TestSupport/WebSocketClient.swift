import Base
import Foundation

/// A client of a WebSocket, as far as a test needs one: it takes frames, and sends few.
public final class WebSocketClient {
    public enum Frame: Equatable {
        case text(String)
        case ping
        case close(Int)
    }

    private let client: RawClient
    private var bytes: [UInt8] = []
    /// A message of which the end is still to come.
    private var part: [UInt8] = []
    /// The answer to the request to become a WebSocket.
    public private(set) var answer: Answer

    /// - Parameter headers: further lines, each with its line break.
    public init(_ client: RawClient, _ target: String, headers: String = "") throws {
        self.client = client
        client.send(
            "GET \(target) HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                + "\(headers)\r\n"
        )
        while true {
            if let answer = Answer(bytes) {
                self.answer = answer
                let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))!.upperBound
                bytes.removeFirst(end + answer.body.count)
                return
            }
            guard let more = client.receive() else { throw EndOfConnection() }
            bytes += more
        }
    }

    struct EndOfConnection: Error {}

    /// Whether the server agreed, and proved that it knows the protocol (RFC 6455, section 1.3).
    public var isOpen: Bool {
        answer.status == 101
            && answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    }

    /// The next message or control frame; `nil` at the end of the connection.
    public func next() -> Frame? {
        while true {
            if let (opcode, isFinal, payload) = takeFrame() {
                switch opcode {
                case 0, 1:
                    part += payload
                    guard isFinal else { continue }
                    defer { part = [] }
                    return .text(String(decoding: part, as: UTF8.self))
                case 8:
                    let code = payload.count < 2 ? 0 : Int(payload[0]) << 8 | Int(payload[1])
                    return .close(code)
                default: return .ping
                }
            }
            guard let more = client.receive() else { return nil }
            bytes += more
        }
    }

    /// The next message, past whatever says only that the connection lives.
    public func nextText() -> String? {
        while let frame = next() {
            switch frame {
            case .text(let text): return text
            case .ping: continue
            case .close: return nil
            }
        }
        return nil
    }

    /// Sends a frame as clients have to: masked, here with zeros.
    public func send(opcode: UInt8, _ payload: [UInt8]) {
        precondition(payload.count < 126)
        client.send([0x80 | opcode, 0x80 | UInt8(payload.count), 0, 0, 0, 0] + payload)
    }

    private func takeFrame() -> (opcode: UInt8, isFinal: Bool, payload: [UInt8])? {
        guard bytes.count >= 2 else { return nil }
        var count = Int(bytes[1] & 0x7f)
        var start = 2
        let extra = count == 126 ? 2 : count == 127 ? 8 : 0
        guard bytes.count >= start + extra else { return nil }
        if extra > 0 {
            count = bytes[start..<start + extra].reduce(0) { $0 << 8 | Int($1) }
            start += extra
        }
        guard bytes.count >= start + count else { return nil }
        defer { bytes.removeFirst(start + count) }
        let payload = Array(bytes[start..<start + count])
        return (bytes[0] & 0x0f, bytes[0] & 0x80 != 0, payload)
    }
}
