/// What a tag's value is worth to comparisons, computed once when it is stored.
public struct ValueReading: Equatable, Sendable {
    public let folded: String
    /// Where the whole value is a number.
    public let number: Double?
    /// Where the whole value is a date: its first moment, in nanoseconds since 1970; without a zone as UTC.
    public let time: Int64?

    public init(folded: String, number: Double?, time: Int64?) {
        self.folded = folded
        self.number = number
        self.time = time
    }

    public init(_ value: String) {
        folded = value.caseFolded
        number = Number.parse(value)
        time = CivilTime(value)?.interval.start
    }
}

/// Text read as a number: decimal digits with an optional sign, fraction and exponent, nothing else.
///
/// A tag's value and an unquoted literal are read by the same rule, so `tag:rating=4` finds "4", "04"
/// and "4.0". Text longer than `longestBytes` is no number.
enum Number {
    static let longestBytes = 64

    static func parse(_ text: some StringProtocol) -> Double? {
        guard text.utf8.count <= longestBytes, isNumber(text.utf8) else { return nil }
        return Double(text).flatMap { $0.isFinite ? $0 : nil }
    }

    private static func isNumber(_ text: some Sequence<UInt8>) -> Bool {
        var bytes = text.makeIterator()
        var next = bytes.next()
        func digits() -> Int {
            var count = 0
            while let byte = next, byte >= 0x30, byte <= 0x39 {
                count += 1
                next = bytes.next()
            }
            return count
        }
        func sign() {
            if next == UInt8(ascii: "-") || next == UInt8(ascii: "+") { next = bytes.next() }
        }
        sign()
        let whole = digits()
        if next == UInt8(ascii: ".") {
            next = bytes.next()
            guard digits() > 0 else { return false }
        } else if whole == 0 {
            return false
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            next = bytes.next()
            sign()
            guard digits() > 0 else { return false }
        }
        return next == nil
    }
}
