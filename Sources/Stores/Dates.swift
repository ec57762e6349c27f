import Base

/// Calendar arithmetic for the ways in which HTTP and S3 write a moment, all in UTC.
///
/// The civil calendar is reckoned in eras of 400 years, which have 146,097 days each.
struct CivilTime: Equatable {
    var year: Int64
    var month: Int64
    var day: Int64
    var secondOfDay: Int64

    init(_ time: Timestamp) {
        let days = (time.seconds - (time.seconds % 86_400 + 86_400) % 86_400) / 86_400
        secondOfDay = time.seconds - days * 86_400
        // Days since 0000-03-01, so that the leap day is the last of its year.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// `nil` if a part is out of its range.
    init?(year: Int64, month: Int64, day: Int64, hour: Int64, minute: Int64, second: Int64) {
        guard
            0...9999 ~= year, 1...12 ~= month, 1...31 ~= day, 0...23 ~= hour, 0...59 ~= minute,
            0...60 ~= second
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
        secondOfDay = hour * 3600 + minute * 60 + second
    }

    var timestamp: Timestamp {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Timestamp(seconds: (era * 146_097 + dayOfEra - 719_468) * 86_400 + secondOfDay)
    }
}

extension Timestamp {
    /// `20150830T123600Z`, as signatures want it.
    var basicISO8601: String {
        let time = CivilTime(self)
        let second = time.secondOfDay
        let date = padded(time.year * 10_000 + time.month * 100 + time.day, 8)
        let clock = padded(second / 3600 * 10_000 + second / 60 % 60 * 100 + second % 60, 6)
        return "\(date)T\(clock)Z"
    }

    /// `2015-08-30 12:36:00`, as radosgw wants it.
    var plainISO8601: String {
        let time = CivilTime(self)
        let hour = time.secondOfDay / 3600
        let minute = time.secondOfDay / 60 % 60
        let date = [padded(time.year, 4), padded(time.month, 2), padded(time.day, 2)]
        let clock = [padded(hour, 2), padded(minute, 2), padded(time.secondOfDay % 60, 2)]
        return date.joined(separator: "-") + " " + clock.joined(separator: ":")
    }

    /// Reads `2026-11-20T20:34:40.123456789Z`, with any number of digits, `Z` or an offset.
    init?(iso8601 text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[10] == UInt8(ascii: "T") else { return nil }
        let parts = [0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19].compactMap {
            number(bytes[$0])
        }
        guard
            parts.count == 6,
            let civil = CivilTime(
                year: parts[0],
                month: parts[1],
                day: parts[2],
                hour: parts[3],
                minute: parts[4],
                second: parts[5]
            )
        else { return nil }
        var rest = bytes[19...]
        var fraction: Int64 = 0
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { isDigit($0) }
            fraction = fractionNanoseconds(digits)
            rest = rest.dropFirst(1 + digits.count)
        }
        guard let offset = offsetSeconds(rest) else { return nil }
        self.init(seconds: civil.timestamp.seconds - offset, nanoseconds: fraction)
    }

    /// Reads `Fri, 20 Nov 2026 20:34:40 GMT`, the only form that HTTP servers may send.
    init?(httpDate text: String) {
        let months =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]
            + ["Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let words = text.split(separator: " ").map { String($0) }
        guard words.count == 6, let month = months.firstIndex(of: words[2]) else { return nil }
        let numbers = ([words[1], words[3]] + words[4].split(separator: ":").map { String($0) })
            .compactMap { number(Array($0.utf8)[...]) }
        guard
            numbers.count == 5,
            let civil = CivilTime(
                year: numbers[1],
                month: Int64(month) + 1,
                day: numbers[0],
                hour: numbers[2],
                minute: numbers[3],
                second: numbers[4]
            )
        else { return nil }
        self = civil.timestamp
    }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

/// The first nine digits after a decimal point, as nanoseconds.
func fractionNanoseconds(_ digits: ArraySlice<UInt8>) -> Int64 {
    var value: Int64 = 0
    let kept = digits.prefix(9)
    for digit in kept { value = value * 10 + Int64(digit - UInt8(ascii: "0")) }
    for _ in kept.count..<9 { value *= 10 }
    return value
}

private func number(_ bytes: ArraySlice<UInt8>) -> Int64? {
    guard bytes.allSatisfy(isDigit), 1...18 ~= bytes.count else { return nil }
    return bytes.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
}

private func offsetSeconds(_ bytes: ArraySlice<UInt8>) -> Int64? {
    if bytes.elementsEqual("Z".utf8) { return 0 }
    let parts = bytes.dropFirst().split(separator: UInt8(ascii: ":"))
    guard let sign = bytes.first, parts.count == 2, let hours = number(parts[0]),
        let minutes = number(parts[1])
    else { return nil }
    let seconds = hours * 3600 + minutes * 60
    switch sign {
    case UInt8(ascii: "+"): return seconds
    case UInt8(ascii: "-"): return -seconds
    default: return nil
    }
}

func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
