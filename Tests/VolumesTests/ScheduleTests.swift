import Base
import Testing

@testable import Volumes

struct ScheduleTests {
    private func moment(_ seconds: Int64) -> Timestamp { Timestamp(nanoseconds: seconds * 1_000_000_000) }

    /// To look for each of thousands of renames a second would cost more than these.
    @Test func whatIsDueLaterWakesNobody() {
        var schedule = Schedule()
        schedule.isAwake = true
        schedule.look()
        for second in [50, 40, 60] { schedule.sleep(until: moment(Int64(second))) }
        #expect(schedule.sleepsUntil == moment(40) && !schedule.isAwake)
    }

    @Test func whatIsToldDuringALookIsNotForgottenAfterIt() {
        var schedule = Schedule()
        schedule.look()
        schedule.sleep(until: moment(10))
        // The look has found something that is due later.
        schedule.sleep(until: moment(30))
        #expect(schedule.sleepsUntil == moment(10))
        schedule.look()
        schedule.sleep(until: moment(30))
        #expect(schedule.sleepsUntil == moment(30))
    }
}
