import Base
import Synchronization

/// Raised once, when a client closes; looked at by every transfer.
final class ClosingFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    var isRaised: Bool { flag.load(ordering: .relaxed) }

    func raise() { flag.store(true, ordering: .relaxed) }
}

/// One request under way: what curl's callbacks read and change, all on the thread that sends.
final class Transfer {
    /// What ended the transfer from our side.
    enum Ending: Equatable {
        case refused
        case failed(HTTPError)
    }

    let request: HTTPRequest
    private let use: (HTTPHead) -> HTTPBodyUse
    private let sink: (RawSpan) throws(Errno) -> Void
    private let closing: ClosingFlag

    private(set) var head = HTTPHead(status: 0, headers: HTTPHeaders())
    private(set) var collected: [UInt8] = []
    private(set) var ending: Ending?
    /// How often curl began to send the request.
    private(set) var sendings = 0
    private var bodyUse = HTTPBodyUse.collect
    private var sentOffset: Int64 = 0
    private var moved: Int64 = -1
    private var lastMove = monotonicSeconds()

    /// The most header lines of an answer.
    private static let headerLimit = 256

    init(
        _ request: HTTPRequest,
        use: @escaping (HTTPHead) -> HTTPBodyUse,
        sink: @escaping (RawSpan) throws(Errno) -> Void,
        closing: ClosingFlag
    ) {
        self.request = request
        self.use = use
        self.sink = sink
        self.closing = closing
    }

    func beginSending() { sendings += 1 }

    /// Bytes of the request's body that are still to be sent.
    var unsentBytes: Int64 { (bodySize ?? 0) - sentOffset }

    var bodySize: Int64? { request.body.size }

    /// Whether the body goes with the head, in one piece: each piece wakes the server up.
    var sendsAtOnce: Bool {
        guard case .bytes(let bytes) = request.body else { return false }
        return 1..<Self.atOnceBytes ~= bytes.count
    }

    /// curl does so with less than this.
    private static let atOnceBytes = 64 << 10

    /// Takes one line of the head; a status line starts the head anew (100 Continue came before).
    func receive(headerLine bytes: RawSpan) -> Bool {
        let line = trimmed(bytes)
        if line.hasPrefix("HTTP/") {
            let code = line.split(separator: " ", maxSplits: 2).dropFirst().first
            head = HTTPHead(status: code.flatMap { Int($0) } ?? 0, headers: HTTPHeaders())
        } else if line.isEmpty {
            if head.status >= 200 { return decideUse() }
        } else if let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) {
            guard head.headers.fields.count < Self.headerLimit else {
                return end(.failed(.broken("too many headers")))
            }
            let value = line[line.utf8.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            head.headers.append(String(line[..<colon]), String(value))
        }
        return true
    }

    private func decideUse() -> Bool {
        bodyUse = use(head)
        return bodyUse == .refuse ? end(.refused) : true
    }

    /// Takes a piece of the body; `false` ends the transfer.
    func receive(body bytes: RawSpan) -> Bool {
        defer { lastMove = monotonicSeconds() }
        switch bodyUse {
        case .refuse: return end(.refused)
        case .collect:
            guard collected.count + bytes.byteCount <= request.limits.collectedBytes else {
                return end(.failed(.tooLarge))
            }
            bytes.withUnsafeBytes { collected.append(contentsOf: $0) }
        case .stream:
            do throws(Errno) { try sink(bytes) } catch { return end(.failed(.aborted(error))) }
        }
        return true
    }

    /// Fills the free capacity with what comes next in the request's body; `false` ends the transfer.
    func send(into output: inout OutputRawSpan) -> Bool {
        defer { lastMove = monotonicSeconds() }
        let before = output.byteCount
        switch request.body {
        case .none: return true
        case .bytes(let bytes):
            let rest = bytes[Int(sentOffset)...].prefix(output.freeCapacity)
            output.withUnsafeMutableBytes { buffer, count in
                UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyBytes(from: rest)
                count += rest.count
            }
        case .stream(_, let read):
            if output.freeCapacity == 0 { return true }
            do throws(Errno) { try read(&output, sentOffset) } catch {
                return end(.failed(.aborted(error)))
            }
            if output.byteCount == before { return end(.failed(.aborted(.ioError))) }
        }
        sentOffset += Int64(output.byteCount - before)
        return true
    }

    func rewind(to offset: Int64) { sentOffset = offset }

    /// Called at least once a second; `false` ends the transfer.
    func watch(moved now: Int64) -> Bool {
        if closing.isRaised { return end(.failed(.closed)) }
        do throws(Errno) { try Patience.check() } catch { return end(.failed(.aborted(error))) }
        let time = monotonicSeconds()
        if now != moved {
            moved = now
            lastMove = time
        }
        guard time - lastMove > request.limits.stallSeconds else { return true }
        return end(.failed(.timedOut("no byte for \(Int(request.limits.stallSeconds)) s")))
    }

    private func end(_ ending: Ending) -> Bool {
        self.ending = ending
        return false
    }

    /// The line without its end, and other white space before that.
    private func trimmed(_ bytes: RawSpan) -> String {
        bytes.withUnsafeBytes { bytes in
            let isBlank = { (byte: UInt8) in byte == 0x20 || 0x09...0x0d ~= byte }
            let end = bytes.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? 0
            return String(decoding: bytes[..<end], as: UTF8.self)
        }
    }
}
