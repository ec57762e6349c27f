/// The Gregorian calendar on the wall clock, in seconds since 1970-01-01 00:00 of the same clock.
enum Calendar {
    static let secondsPerDay: Int64 = 86_400

    static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Midnight at the start of a day.
    static func seconds(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        Int64(daysSince1970(year, month, day)) * secondsPerDay
    }

    /// Years counted from March put the leap day at the end; 400 years are 146,097 days.
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The day that holds a moment.
    static func date(_ seconds: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = Int(floorDivide(seconds, secondsPerDay)) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    static func startOfDay(_ seconds: Int64) -> Int64 {
        floorDivide(seconds, secondsPerDay) * secondsPerDay
    }

    /// Midnight at the start of the Monday on or before a moment.
    static func startOfWeek(_ seconds: Int64) -> Int64 {
        let day = floorDivide(seconds, secondsPerDay)
        // 1970-01-01 was a Thursday.
        let weekday = day + 3 - floorDivide(day + 3, 7) * 7
        return (day - weekday) * secondsPerDay
    }

    /// The same time of day, so many months on; the 31st becomes the last day of a shorter month.
    static func adding(months: Int, to seconds: Int64) -> Int64 {
        let (year, month, day) = date(seconds)
        let total = year * 12 + month - 1 + months
        let newYear = Int(floorDivide(Int64(total), 12))
        let newMonth = total - newYear * 12 + 1
        let newDay = min(day, days(inMonth: newMonth, of: newYear))
        return Self.seconds(newYear, newMonth, newDay) + seconds - startOfDay(seconds)
    }

    static func floorDivide(_ number: Int64, _ divisor: Int64) -> Int64 {
        let quotient = number / divisor
        return number % divisor < 0 ? quotient - 1 : quotient
    }
}
