import Base
import Testing

@testable import Queries

struct TimeTests {
    /// Wednesday 2024-05-15 13:30:20.5 in a zone two hours east.
    private let present = Present(
        now: Timestamp(seconds: 1_715_772_620, nanoseconds: 500_000_000)
    ) { _ in 7200 }

    /// The span each word means, as seconds on the wall clock's calendar.
    @Test(arguments: [
        ("2024", 1_704_067_200, 1_735_689_600),
        ("2024-02", 1_706_745_600, 1_709_251_200),
        ("2024-05-01", 1_714_521_600, 1_714_608_000),
        ("2024-05-01T10:30", 1_714_559_400, 1_714_559_460),
        ("2024-05-01 10:30:05", 1_714_559_405, 1_714_559_406),
        ("today", 1_715_731_200, 1_715_817_600),
        ("yesterday", 1_715_644_800, 1_715_731_200),
        ("tomorrow", 1_715_817_600, 1_715_904_000),
        ("thisweek", 1_715_558_400, 1_716_163_200),
        ("lastweek", 1_714_953_600, 1_715_558_400),
        ("thismonth", 1_714_521_600, 1_717_200_000),
        ("lastmonth", 1_711_929_600, 1_714_521_600),
        ("thisyear", 1_704_067_200, 1_735_689_600),
        ("lastyear", 1_672_531_200, 1_704_067_200),
        ("today-7d", 1_715_126_400, 1_715_212_800),
        ("thismonth-1y", 1_682_899_200, 1_685_577_600),
    ])
    func calendarWordsAreSpans(word: String, first: Int64, next: Int64) throws {
        let moment = try #require(Moment(word) ?? Moment(year: word))
        let local = Interval(startSeconds: first - 7200, endSeconds: next - 7200)
        #expect(present.interval(moment) == local)
        let floating = Interval(startSeconds: first, endSeconds: next)
        #expect(present.floatingInterval(moment) == floating)
    }

    @Test func nowIsExactAndMovesByTheCalendar() throws {
        let now = try #require(Moment("now"))
        #expect(present.interval(now).start == present.now.nanoseconds)
        let lastYear = try #require(Moment("now-1y"))
        #expect(present.interval(lastYear).start == 1_684_150_220_500_000_000)
    }

    @Test func aNamedZoneIsHeeded() throws {
        let moment = try #require(Moment("2024-05-01T10:30:00+02:00"))
        let expected = Interval(startSeconds: 1_714_552_200, endSeconds: 1_714_552_201)
        #expect(present.interval(moment) == expected)
        #expect(present.floatingInterval(moment) == expected)
    }

    @Test(arguments: [
        "2024-13", "2024-00", "2023-02-29", "2024-5-1", "24-05-01", "2024-05-01T25:00",
        "2024-05-01T",
        "2024-05-01T10", "now-", "now-7", "now-7x", "later", "", "2024-05-01T10:00+2",
    ])
    func someTextIsNoDate(text: String) {
        #expect(Moment(text) == nil)
    }

    /// Every day of eight centuries, there and back.
    @Test func theCalendarCountsDays() {
        var seconds = Calendar.seconds(1600, 1, 1)
        for year in 1600..<2400 {
            for month in 1...12 {
                for day in 1...Calendar.days(inMonth: month, of: year) {
                    let found = Calendar.date(seconds)
                    guard Calendar.seconds(year, month, day) == seconds, found == (year, month, day)
                    else {
                        Issue.record("\(year)-\(month)-\(day)")
                        return
                    }
                    seconds += Calendar.secondsPerDay
                }
            }
        }
    }
}
