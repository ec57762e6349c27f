import Testing

@testable import Volumes

struct DeliveryMeterTests {
    @Test func theRateIsTheMeanOfTheLastSeconds() {
        var meter = DeliveryMeter()
        #expect(meter.rate(at: 5) == .init())
        #expect(meter.rate(at: 5).seconds(forObjects: 0, bytes: 0) == 0)
        #expect(meter.rate(at: 5).seconds(forObjects: 1, bytes: 0) == nil)
        for second in 0..<10 { meter.add(objects: 2, bytes: 100, at: 100 + Double(second)) }
        let rate = meter.rate(at: 110)
        #expect(rate == .init(objectsPerSecond: 2, bytesPerSecond: 100))
        #expect(rate.seconds(forObjects: 20, bytes: 50) == 10)
        #expect(rate.seconds(forObjects: 2, bytes: 5000) == 50)
        // What is long over counts no more.
        meter.add(objects: 60, bytes: 0, at: 200)
        #expect(meter.rate(at: 210) == .init(objectsPerSecond: 6, bytesPerSecond: 0))
    }
}
