import TestSupport
import Testing

@testable import Volumes

struct BreakerTests {
    @Test func oneFailureIsADoubtAndAFailedProbeOpens() {
        var breaker = Breaker()
        let beginsProbing = breaker.fail("gone")
        #expect(beginsProbing && breaker.refusal == nil && breaker.problem == "gone")
        let isNews = breaker.probeFailed("still gone")
        #expect(isNews && breaker.refusal == "still gone")
        let isNewsAgain = breaker.probeFailed("still gone")
        let goesOn = breaker.needsProbe()
        #expect(!isNewsAgain && goesOn)
        let wasHeldBack = breaker.succeed()
        let goesOnAfterwards = breaker.needsProbe()
        #expect(wasHeldBack && breaker.problem == nil && !goesOnAfterwards)
    }

    /// Events in any order, against what must hold: requests are refused from the first failed probe on
    /// until the next answer, and one probes for as long as there is a problem.
    @Test(arguments: 0..<300 as Range<UInt64>)
    func itHoldsBackExactlyWhileProbesFail(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var breaker = Breaker()
        var (isOpen, isDoubtful, probers) = (false, false, 0)
        for _ in 0..<200 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where !isOpen:
                if breaker.fail("request") { probers += 1 }
                isDoubtful = true
            case 1:
                let wasHeldBack = breaker.succeed()
                #expect(wasHeldBack == isOpen)
                (isOpen, isDoubtful) = (false, false)
            case 2 where probers > 0:
                // Before it sends another probe, the prober looks whether that is needed.
                let isNeeded = breaker.needsProbe()
                #expect(isNeeded == isDoubtful)
                if !isNeeded { probers -= 1 }
            case 3 where probers > 0:
                // The probe fails; where an answer has overtaken it, that is of the past.
                let isNews = breaker.probeFailed("probe")
                #expect(isNews == (isDoubtful && !isOpen))
                isOpen = isDoubtful
            default: break
            }
            #expect((breaker.refusal != nil) == isOpen)
            #expect((breaker.problem != nil) == isDoubtful)
            #expect(probers <= 1 && (!isDoubtful || probers == 1))
        }
    }
}
