/// Reads a query from left to right, a piece at a time.
///
/// What ends a word depends on where it stands (`:` ends a field but not a value), so the parser asks
/// for the kind of piece it expects.
struct Scanner {
    let text: String
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { position >= bytes.count }

    var peek: UInt8? { isAtEnd ? nil : bytes[position] }

    mutating func rewind(to position: Int) { self.position = position }

    func error(_ message: String, hint: String? = nil, at offset: Int? = nil) -> QueryError {
        QueryError(message, hint: hint, query: text, offset: offset ?? position)
    }

    mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte >= 0x09 && byte <= 0x0d { position += 1 }
    }

    /// Steps over a symbol if it comes next.
    mutating func skip(_ symbol: StaticString) -> Bool {
        guard startsWith(symbol) else { return false }
        position += symbol.utf8CodeUnitCount
        return true
    }

    func startsWith(_ symbol: StaticString) -> Bool {
        symbol.withUTF8Buffer { unsafe bytes[position...].starts(with: $0) }
    }

    /// Letters, digits and underscores: a field or a keyword, in lower case.
    mutating func word() -> String {
        let start = position
        while let byte = peek, Self.isWordByte(byte) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self).lowercased()
    }

    /// The keyword that comes next, which is not stepped over.
    func peekedWord() -> String {
        var copy = self
        return copy.word()
    }

    /// Steps over a keyword if it comes next.
    mutating func skip(keyword: String) -> Bool {
        let start = position
        if word() == keyword { return true }
        position = start
        return false
    }

    /// What may stand unquoted as a key: up to a blank, parenthesis, quote or operator.
    mutating func key() -> String {
        run { !Self.endsValue($0) && !":=<>!~".utf8.contains($0) }
    }

    /// What may stand unquoted as a value: up to a blank, parenthesis, comma, quote or `&`, `|`.
    mutating func value() -> String { run { !Self.endsValue($0) } }

    private mutating func run(while isPart: (UInt8) -> Bool) -> String {
        let start = position
        while let byte = peek, isPart(byte) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: byte >= 0x80
        }
    }

    private static func endsValue(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == 0x7f || "(),'\"&|".utf8.contains(byte)
    }

    var isAtQuote: Bool { peek == UInt8(ascii: "'") || peek == UInt8(ascii: "\"") }

    /// A string in either kind of quotes.
    ///
    /// In a pattern, escapes that strings don't know stay for the pattern.
    mutating func string(isPattern: Bool) throws(QueryError) -> String {
        let start = position
        let quote = bytes[position]
        position += 1
        var content: [UInt8] = []
        while let byte = peek {
            position += 1
            if byte == quote { return String(decoding: content, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\") else {
                content.append(byte)
                continue
            }
            guard let escaped = peek else { break }
            position += 1
            switch escaped {
            case UInt8(ascii: "n"): content.append(0x0a)
            case UInt8(ascii: "t"): content.append(0x09)
            case UInt8(ascii: "r"): content.append(0x0d)
            case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): content.append(escaped)
            case _ where isPattern: content += [byte, escaped]
            default:
                throw error(
                    "unknown escape in a string",
                    hint: "expected one of \\\\ \\' \\\" \\n \\t \\r",
                    at: position - 2
                )
            }
        }
        throw error("the string is not closed", hint: "its quote opens here", at: start)
    }
}
