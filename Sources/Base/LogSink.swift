import Glibc

/// A place that lines go to; called from any thread, and must neither wait nor log.
public protocol LogSink: Sendable {
    func write(_ line: LogLine)
}

/// Standard error.
public struct StandardErrorSink: LogSink {
    private let format: LogFormat

    public init(format: LogFormat) { self.format = format }

    public func write(_ line: LogLine) {
        // One write(2) per line, so that lines of different threads do not mix.
        var text = line.written(as: format)
        text.withUTF8 { _ = Glibc.write(2, $0.baseAddress, $0.count) }
    }
}

/// The journal of systemd, in its own protocol: level, module and request are fields to search by.
public final class JournalSink: LogSink {
    private let socket: DatagramSocket
    private let fallback = StandardErrorSink(format: .text)

    private static let path = "/run/systemd/journal/socket"
    /// More would not go into a datagram.
    private static let longestMessageBytes = 48 << 10

    /// Fails where there is no journal.
    ///
    /// - Parameter path: of its socket, where it is not the usual one.
    public init(path: String? = nil) throws(Errno) {
        socket = try DatagramSocket(to: path ?? Self.path)
    }

    /// Whether standard error is the journal's own, as in a service.
    ///
    /// What says so is handed on to everything that a service starts, so the descriptor itself is asked.
    public static var isStandardError: Bool {
        guard let told = getenv("JOURNAL_STREAM").map({ String(cString: $0) }) else { return false }
        var status = stat()
        return fstat(2, &status) == 0 && told == "\(status.st_dev):\(status.st_ino)"
    }

    public func write(_ line: LogLine) {
        do throws(Errno) {
            try socket.send(Self.datagram(line), waits: false)
        } catch {
            // The journal is being restarted, or full: standard error is what else it takes.
            fallback.write(line)
        }
    }

    static func datagram(_ line: LogLine) -> [UInt8] {
        var bytes: [UInt8] = []
        let message = line.message.utf8.prefix(longestMessageBytes)
        var fields: [(String, [UInt8])] = [
            ("MESSAGE", Array(message)), ("PRIORITY", Array("\(line.level.priority)".utf8)),
            ("SYSLOG_IDENTIFIER", Array("gosync-mount".utf8)),
            ("GOSYNC_MODULE", Array(line.module.utf8)),
        ]
        if let request = line.request { fields.append(("GOSYNC_REQUEST", Array(request.utf8))) }
        for (name, value) in fields {
            bytes += name.utf8
            if value.contains(UInt8(ascii: "\n")) {
                // A value of several lines has its length in front.
                bytes.append(UInt8(ascii: "\n"))
                withUnsafeBytes(of: UInt64(value.count).littleEndian) { bytes += $0 }
            } else {
                bytes.append(UInt8(ascii: "="))
            }
            bytes += value
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}

extension Log.Level {
    /// As syslog has it.
    fileprivate var priority: Int {
        switch self {
        case .error: 3
        case .warning: 4
        case .info: 6
        case .debug: 7
        }
    }
}
