import Glibc

/// How lines are written, where the place does not decide it.
public enum LogFormat: String, CaseIterable, Sendable {
    /// For people.
    case text
    /// One JSON object per line.
    case json
}

/// One message, before it is written.
public struct LogLine: Sendable {
    public var time: Timestamp
    public var level: Log.Level
    public var module: String
    public var message: String
    /// The id that a store gave to a request.
    public var request: String?

    public init(
        time: Timestamp,
        level: Log.Level,
        module: String,
        message: String,
        request: String? = nil
    ) {
        self.time = time
        self.level = level
        self.module = module
        self.message = message
        self.request = request
    }
}

extension LogLine {
    /// With the line break at its end; what of the message is not printable is escaped, so that no name
    /// of a file can pretend to be a line of its own.
    func written(as format: LogFormat) -> String {
        switch format {
        case .text: text
        case .json: json
        }
    }

    private var text: String {
        let id = request.map { " [request \($0)]" } ?? ""
        return "\(localTime) \(level) \(module): \(Self.printable(message + id))\n"
    }

    private var json: String {
        var line =
            "{\"time\":\"\(utc)\",\"level\":\"\(level)\",\"module\":\"\(module)\",\"message\":"
        line.appendJSON(message)
        if let request {
            line += ",\"request\":"
            line.appendJSON(request)
        }
        return line + "}\n"
    }

    /// A message of several lines, such as that of a query, stays readable: what follows is indented.
    private static func printable(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0a: result += "\n    "
            case 0..<0x20, 0x7f: result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private var localTime: String {
        var seconds = time_t(time.seconds)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return Self.date(parts, between: " ")
    }

    private var utc: String {
        var seconds = time_t(time.seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let milliseconds = Int32(time.fraction / 1_000_000)
        return Self.date(parts, between: "T") + ".\(Self.digits(milliseconds, 3))Z"
    }

    private static func date(_ parts: tm, between separator: String) -> String {
        let day = [parts.tm_mon + 1, parts.tm_mday].map { digits($0, 2) }.joined(separator: "-")
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { digits($0, 2) }
        return "\(parts.tm_year + 1900)-\(day)\(separator)\(clock.joined(separator: ":"))"
    }

    private static func digits(_ number: Int32, _ count: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
