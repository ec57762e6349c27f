/// A date as people write it, and as exact: `2024-05`, `2024-05-01`, `2024-05-01T10:30:00+02:00`.
public struct CivilTime: Hashable, Sendable {
    public var year: Int
    public var month: Int?
    public var day: Int?
    /// Seconds since midnight; `nil` for a whole day.
    public var secondOfDay: Int?
    /// How long the moment is that was named: 60 for `10:30`, 1 for `10:30:00`, 0 with a fraction.
    public var precisionSeconds = 1
    public var nanoseconds: Int64 = 0
    /// Seconds east of UTC, where the zone was named.
    public var zone: Int?

    /// A year by itself is a number, so it is a date only where nothing else is meant (`mtime:2024`).
    init(year: Int) { self.year = year }

    /// Reads `YYYY-MM` and `YYYY-MM-DD`, the latter also with `T` or a space and
    /// `hh:mm[:ss[.fraction]][Z|±hh[:]mm]`.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 40 else { return nil }
        var digits = DigitReader(text)
        guard let year = digits.number(4), digits.skip("-"), let month = digits.number(2),
            (1...12).contains(month)
        else { return nil }
        self.init(year: year)
        self.month = month
        if digits.isAtEnd { return }
        guard digits.skip("-"), let day = digits.number(2),
            day >= 1, day <= Calendar.days(inMonth: month, of: year)
        else { return nil }
        self.day = day
        if digits.isAtEnd { return }
        let hasTime = digits.skip("T") || digits.skip("t") || digits.skip(" ")
        guard hasTime, readTime(&digits), readZone(&digits), digits.isAtEnd else { return nil }
    }

    private mutating func readTime(_ digits: inout DigitReader) -> Bool {
        guard let hour = digits.number(2), hour < 24, digits.skip(":"),
            let minute = digits.number(2), minute < 60
        else { return false }
        secondOfDay = (hour * 60 + minute) * 60
        precisionSeconds = 60
        guard digits.skip(":") else { return true }
        guard let second = digits.number(2), second < 60 else { return false }
        secondOfDay = (hour * 60 + minute) * 60 + second
        precisionSeconds = 1
        guard digits.skip(".") else { return true }
        guard let fraction = digits.fraction() else { return false }
        nanoseconds = fraction
        precisionSeconds = 0
        return true
    }

    private mutating func readZone(_ digits: inout DigitReader) -> Bool {
        if digits.skip("Z") || digits.skip("z") {
            zone = 0
            return true
        }
        guard let sign = digits.skip("+") ? 1 : digits.skip("-") ? -1 : nil else { return true }
        guard let hours = digits.number(2), hours < 24 else { return false }
        _ = digits.skip(":")
        guard let minutes = digits.number(2), minutes < 60 else { return false }
        zone = sign * (hours * 60 + minutes) * 60
        return true
    }

    /// The span that was named, without a zone as if it were UTC.
    public var interval: Interval { interval { seconds in seconds } }

    /// The span that was named; `instant` turns the wall clock's seconds into those of UTC, and is
    /// asked only where no zone was named.
    func interval(instant: (Int64) -> Int64) -> Interval {
        let (first, next) = bounds
        let (start, end) =
            zone.map { (first - Int64($0), next - Int64($0)) } ?? (instant(first), instant(next))
        var span = Interval(startSeconds: start, endSeconds: end)
        if precisionSeconds == 0 {
            span.start = span.start.addingClamped(nanoseconds)
            span.end = span.start.addingClamped(1)
        }
        return span
    }

    /// Where the span starts and ends on the wall clock, in seconds.
    private var bounds: (first: Int64, next: Int64) {
        guard let month else {
            return (Calendar.seconds(year, 1, 1), Calendar.seconds(year + 1, 1, 1))
        }
        guard let day else {
            let (nextYear, nextMonth) = month == 12 ? (year + 1, 1) : (year, month + 1)
            return (Calendar.seconds(year, month, 1), Calendar.seconds(nextYear, nextMonth, 1))
        }
        let midnight = Calendar.seconds(year, month, day)
        guard let secondOfDay else { return (midnight, midnight + Calendar.secondsPerDay) }
        let first = midnight + Int64(secondOfDay)
        return (first, first + Int64(max(precisionSeconds, 1)))
    }
}

extension CivilTime: CustomStringConvertible {
    /// The same date as text that reads back as itself.
    public var description: String {
        var text = Self.padded(year, 4)
        guard let month else { return text }
        text += "-" + Self.padded(month, 2)
        guard let day else { return text }
        text += "-" + Self.padded(day, 2)
        guard let secondOfDay else { return text }
        text += "T" + Self.padded(secondOfDay / 3600, 2)
        text += ":" + Self.padded(secondOfDay / 60 % 60, 2)
        if precisionSeconds < 60 { text += ":" + Self.padded(secondOfDay % 60, 2) }
        if precisionSeconds == 0 { text += "." + Self.padded(Int(nanoseconds), 9) }
        guard let zone else { return text }
        let minutes = abs(zone) / 60
        let sign = zone < 0 ? "-" : "+"
        return text + sign + Self.padded(minutes / 60, 2) + ":" + Self.padded(minutes % 60, 2)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

/// Reads runs of digits from the front of a text.
private struct DigitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard !isAtEnd, UInt32(bytes[position]) == character.value else { return false }
        position += 1
        return true
    }

    /// Exactly `count` digits.
    mutating func number(_ count: Int) -> Int? {
        guard position + count <= bytes.count else { return nil }
        var number = 0
        for byte in bytes[position..<position + count] {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            number = number * 10 + Int(byte - 0x30)
        }
        position += count
        return number
    }

    /// One to nine digits after the point, as nanoseconds.
    mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var count = 0
        while let digit = number(1) {
            count += 1
            guard count <= 9 else { return nil }
            value = value * 10 + Int64(digit)
        }
        guard count > 0 else { return nil }
        for _ in count..<9 { value *= 10 }
        return value
    }
}
