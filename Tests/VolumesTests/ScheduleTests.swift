import Base
import Testing

@testable import Volumes

struct ScheduleTests {
    @Test func pausesGrowToAMinuteAndNoFurther() {
        for attempts in 0..<100 as Range<Int64> {
            let pause = Schedule.pause(afterAttempts: attempts)
            #expect(pause >= 0.75 && pause <= 60)
        }
        #expect(Schedule.pause(afterAttempts: 50) >= 45)
    }

    @Test func anEntryIsHandedOutOnce() {
        var schedule = Schedule()
        let taken = [schedule.begin(1, on: 1), schedule.begin(2, on: 2), schedule.begin(1, on: 1)]
        #expect(taken == [true, true, false])
        let hasRoom = schedule.end([1, 1])
        #expect(!hasRoom, "it was never full")
        let isTakenAgain = schedule.begin(1, on: 1)
        #expect(isTakenAgain)
    }

    @Test func aBackendIsFullAtItsLimitAndGivenMoreOnceWhenHalfOfThatIsDone() {
        var schedule = Schedule()
        let plenty = Int64(Schedule.plenty)
        for entry in 0..<plenty { _ = schedule.begin(entry, on: 1) }
        _ = schedule.begin(plenty, on: 2)
        let full = schedule.fullBackends()
        #expect(full == [1])
        let calls = (0..<plenty).filter { schedule.end([$0]) }
        #expect(calls == [plenty / 2])
        let fullAfter = schedule.fullBackends()
        #expect(fullAfter.isEmpty)
        #expect(schedule.running == [plenty: 2])
    }

    @Test func whatIsForgottenOfABackendMakesRoom() {
        var schedule = Schedule()
        for entry in 0..<Int64(Schedule.plenty) { _ = schedule.begin(entry, on: 1) }
        schedule.forget(backend: 1)
        let full = schedule.fullBackends()
        #expect(full.isEmpty && schedule.running.isEmpty)
    }

    private func moment(_ seconds: Int64) -> Timestamp {
        Timestamp(nanoseconds: seconds * 1_000_000_000)
    }

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
