import Base
import Glibc
import Wire

/// Standard output: for people on a terminal, plain for the program at the other end of a pipe.
enum Output {
    static let isTerminal = isatty(1) == 1

    /// How wide the terminal is; `nil` where nobody knows.
    static var columns: Int? {
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Prints a line; ends the program quietly if nobody listens any more.
    static func line(_ text: String) { write(text + "\n", to: 1) }

    /// Prints a line of bytes, such as JSON as it came.
    static func line(_ bytes: [UInt8]) { line(String(decoding: bytes, as: UTF8.self)) }

    /// Prints text as it is, without a line break.
    static func text(_ text: String) { write(text, to: 1) }

    /// Begins a terminal's screen anew; elsewhere a line sets what follows apart.
    static func clear() { text(isTerminal ? "\u{1b}[H\u{1b}[2J" : "\n") }

    /// Asks the person at the terminal something.
    static func prompt(_ text: String) { write(text, to: 2) }

    static func error(_ text: String) { write("\(Colour.red.error("gosync:")) \(text)\n", to: 2) }

    /// What another program has complained of, as it stands.
    static func remark(_ text: String) { write(text + "\n", to: 2) }

    static func warning(_ text: String) {
        write("\(Colour.yellow.error("gosync: warning:")) \(text)\n", to: 2)
    }

    /// Tells why something was not done to a path, while others go on.
    static func failure(_ failure: Failure, of path: String, isJSON: Bool) {
        if !failure.message.isEmpty { error(failure.message) }
        guard isJSON, !failure.isTold else { return }
        jsonLine(PathReport(path: path, error: failure.message))
    }

    static func json(_ message: some Message) { line(message.json(isPretty: true)) }

    /// For what comes one after the other.
    static func jsonLine(_ message: some Message) { line(message.json()) }

    /// Rows in columns; where it is piped, without a heading and with tabs.
    static func table(_ heading: [String], _ rows: [[String]], rightAligned: Set<Int> = []) {
        guard isTerminal else {
            for row in rows { line(row.joined(separator: "\t")) }
            return
        }
        for row in Table.lines((heading.isEmpty ? [] : [heading]) + rows, rightAligned) {
            line(row)
        }
    }

    /// Prints bytes as they are.
    static func bytes(_ bytes: RawSpan) { print(bytes, to: 1) }

    /// Writes all, to a file or a pipe.
    static func write(_ bytes: RawSpan, to file: CInt) throws(Errno) {
        try bytes.withUnsafeBytes { bytes throws(Errno) in
            var rest = bytes
            while !rest.isEmpty {
                let count = try retrying { Glibc.write(file, rest.baseAddress, rest.count) }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }

    private static func write(_ text: String, to file: CInt) {
        let bytes = Array(text.utf8)
        print(bytes.span.bytes, to: file)
    }

    /// Ends the program if nobody takes what it says, quietly where that is a reader who has left.
    private static func print(_ bytes: RawSpan, to file: CInt) {
        do throws(Errno) {
            try write(bytes, to: file)
        } catch {
            exit(error == Errno(EPIPE) ? 0 : Failure.Code.failed.rawValue)
        }
    }
}

enum Table {
    /// Lines of equal columns, two spaces apart, and nothing at the end of a line.
    static func lines(_ rows: [[String]], _ rightAligned: Set<Int> = []) -> [String] {
        var widths: [Int] = []
        for row in rows {
            for (index, cell) in row.enumerated() {
                if index == widths.count { widths.append(0) }
                widths[index] = max(widths[index], Colour.width(of: cell))
            }
        }
        return rows.map { row in
            let cells = row.enumerated().map { index, cell in
                let missing = widths[index] - Colour.width(of: cell)
                let padding = String(repeating: " ", count: missing)
                return rightAligned.contains(index) ? padding + cell : cell + padding
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}

/// How values are written for people.
enum Format {
    /// A name that cannot move the cursor or colour the screen; as it is where no terminal shows it.
    static func name(_ text: String, isTerminal: Bool = Output.isTerminal) -> String {
        guard isTerminal else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            let isControl = scalar.properties.generalCategory == .control
            result += isControl ? "?" : String(scalar)
        }
        return result
    }

    /// Such as `812`, `1.5K`, `20G`: three digits at the most, as `ls -h` writes them.
    static func size(_ bytes: Int64) -> String {
        var value = Double(bytes)
        var unit = 0
        while value >= 999.5, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        if unit == 0 { return "\(bytes)" }
        let tenths = Int((value * 10).rounded())
        if tenths < 100 { return "\(tenths / 10).\(tenths % 10)\(units[unit])" }
        return "\(Int(value.rounded()))\(units[unit])"
    }

    private static let units = ["", "K", "M", "G", "T", "P", "E"]

    /// In the time zone of the reader.
    static func time(_ moment: Moment) -> String {
        var seconds = time_t(moment.timestamp.seconds)
        var parts = tm()
        localtime_r(&seconds, &parts)
        let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
        return date.map(padded).joined(separator: "-") + " "
            + [Int(parts.tm_hour), Int(parts.tm_min)].map(padded).joined(separator: ":")
    }

    /// Such as `3 hours`.
    static func duration(_ seconds: Double) -> String {
        let steps: [(Double, String)] = [(86_400, "day"), (3600, "hour"), (60, "minute")]
        for (length, name) in steps where seconds >= length {
            return count(Int(seconds / length), name)
        }
        return count(Int(max(0, seconds)), "second")
    }

    static func count(_ number: Int, _ name: String) -> String {
        "\(number) \(name)\(number == 1 ? "" : "s")"
    }

    /// As `ls -l` writes it.
    static func mode(_ entry: Entry) -> String {
        let kind: Character
        switch entry.kind {
        case .directory, .filter: kind = "d"
        case .symlink: kind = "l"
        case .file: kind = "-"
        case .other: kind = "?"
        }
        let bits = "rwxrwxrwx".enumerated().map { index, letter in
            entry.mode & (1 << (8 - UInt32(index))) != 0 ? letter : "-"
        }
        return String([kind] + bits)
    }

    private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
