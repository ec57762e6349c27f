public import Base

/// A length of time such as `7d`, as it was written; negative where it is taken from a moment.
public struct Duration: Hashable, Sendable {
    public enum Unit: String, CaseIterable, Sendable {
        case seconds = "s"
        case minutes = "min"
        case hours = "h"
        case days = "d"
        case weeks = "w"
        case months = "mo"
        case years = "y"
    }

    public var count: Int
    public var unit: Unit

    /// No duration is longer than this many of its unit.
    static let mostUnits = 1_000_000

    public init(_ count: Int, _ unit: Unit) {
        self.count = count
        self.unit = unit
    }

    /// Reads digits and a unit, in either case: `30s`, `15m` or `15min`, `2h`, `7d`, `3w`, `6mo`, `1y`.
    init?(_ text: some StringProtocol) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int(digits), count <= Self.mostUnits else { return nil }
        let name = text.dropFirst(digits.count).lowercased()
        guard let unit = name == "m" ? .minutes : Unit(rawValue: name) else { return nil }
        self.init(count, unit)
    }

    var text: String { "\(count)\(unit.rawValue)" }

    /// A moment on a clock, moved by this length; months and years go by the calendar.
    func adding(to seconds: Int64) -> Int64 {
        switch unit {
        case .seconds: seconds + Int64(count)
        case .minutes: seconds + Int64(count) * 60
        case .hours: seconds + Int64(count) * 3600
        case .days: seconds + Int64(count) * Calendar.secondsPerDay
        case .weeks: seconds + Int64(count) * Calendar.secondsPerDay * 7
        case .months: Calendar.adding(months: count, to: seconds)
        case .years: Calendar.adding(months: count * 12, to: seconds)
        }
    }
}

/// A date in a query: one on the calendar, or one that moves with `now`.
public enum Moment: Hashable, Sendable {
    case date(CivilTime)
    /// Such as `today`, or `now-7d`, where the duration counts -7 days.
    case relative(Relative, Duration?)

    public enum Relative: String, CaseIterable, Sendable {
        case now, today, yesterday, tomorrow
        case thisWeek = "thisweek"
        case lastWeek = "lastweek"
        case thisMonth = "thismonth"
        case lastMonth = "lastmonth"
        case thisYear = "thisyear"
        case lastYear = "lastyear"
    }

    /// Reads a date, or one of `Relative` with a duration after `+` or `-`.
    public init?(_ text: String) {
        if let date = CivilTime(text) {
            self = .date(date)
            return
        }
        let name = text.prefix { $0 != "-" && $0 != "+" }
        guard let relative = Relative(rawValue: name.lowercased()) else { return nil }
        guard name.endIndex < text.endIndex else {
            self = .relative(relative, nil)
            return
        }
        let rest = text[text.index(after: name.endIndex)...]
        guard var shift = Duration(rest) else { return nil }
        if text[name.endIndex] == "-" { shift.count.negate() }
        self = .relative(relative, shift)
    }

    /// A year by itself, where nothing but a date is meant.
    init?(year text: String) {
        guard text.utf8.count == 4, let year = Int(text), year > 0 else { return nil }
        self = .date(CivilTime(year: year))
    }

    var text: String {
        switch self {
        case .date(let date): date.description
        case .relative(let relative, nil): relative.rawValue
        case .relative(let relative, let shift?):
            relative.rawValue + (shift.count < 0 ? "" : "+") + shift.text
        }
    }

    var isRelative: Bool {
        guard case .relative = self else { return false }
        return true
    }
}

/// The moment a query is evaluated for: what `now` and `today` mean.
public struct Present: Sendable {
    public let now: Timestamp
    /// Seconds east of UTC at a moment, in seconds since 1970.
    let offset: @Sendable (Int64) -> Int

    public init(now: Timestamp, offset: @escaping @Sendable (Int64) -> Int) {
        self.now = now
        self.offset = offset
    }

    /// With the calendar of UTC.
    public static func utc(_ now: Timestamp) -> Present { Present(now: now) { _ in 0 } }

    /// Wall-clock seconds as seconds of UTC.
    func instant(_ wall: Int64) -> Int64 {
        let guess = wall - Int64(offset(wall))
        return wall - Int64(offset(guess))
    }

    func wall(_ instant: Int64) -> Int64 { instant + Int64(offset(instant)) }

    /// The span a literal means for a file's time.
    func interval(_ moment: Moment) -> Interval { interval(moment, floating: false) }

    /// The span a literal means for a tag's time, where a date without a zone counts as UTC.
    func floatingInterval(_ moment: Moment) -> Interval { interval(moment, floating: true) }

    private func interval(_ moment: Moment, floating: Bool) -> Interval {
        let instant: (Int64) -> Int64 = { floating ? $0 : self.instant($0) }
        switch moment {
        case .date(let date): return date.interval(instant: instant)
        case .relative(.now, let shift): return interval(ofNow: shift, floating: floating)
        case .relative(let relative, let shift):
            let (first, next) = bounds(relative)
            return Interval(
                startSeconds: instant(shift?.adding(to: first) ?? first),
                endSeconds: instant(shift?.adding(to: next) ?? next)
            )
        }
    }

    /// One nanosecond; `now-7d` keeps the time of day on the wall clock.
    private func interval(ofNow shift: Duration?, floating: Bool) -> Interval {
        let wall = wall(now.seconds)
        let moved = shift?.adding(to: wall) ?? wall
        let seconds = floating ? moved : shift == nil ? now.seconds : instant(moved)
        let start = Interval.nanoseconds(seconds).addingClamped(now.fraction)
        return Interval(start: start, end: start.addingClamped(1))
    }

    /// Where a span of the calendar starts and ends on the wall clock.
    private func bounds(_ relative: Moment.Relative) -> (Int64, Int64) {
        let today = Calendar.startOfDay(wall(now.seconds))
        let day = Calendar.secondsPerDay
        let week = Calendar.startOfWeek(today)
        let (year, month, _) = Calendar.date(today)
        let monthStart = Calendar.seconds(year, month, 1)
        let yearStart = Calendar.seconds(year, 1, 1)
        return switch relative {
        case .now, .today: (today, today + day)
        case .yesterday: (today - day, today)
        case .tomorrow: (today + day, today + 2 * day)
        case .thisWeek: (week, week + 7 * day)
        case .lastWeek: (week - 7 * day, week)
        case .thisMonth: (monthStart, Calendar.adding(months: 1, to: monthStart))
        case .lastMonth: (Calendar.adding(months: -1, to: monthStart), monthStart)
        case .thisYear: (yearStart, Calendar.adding(months: 12, to: yearStart))
        case .lastYear: (Calendar.adding(months: -12, to: yearStart), yearStart)
        }
    }
}
