import Testing

@testable import Volumes

struct DeliveryMeterTests {
    private static let mebibyte: Int64 = 1 << 20

    @Test func theRateIsTheMeanOfTheLastSeconds() {
        var meter = DeliveryMeter()
        #expect(meter.rate(at: 5) == .init())
        meter.begin(at: 100)
        for second in 0..<10 { meter.add(objects: 2, bytes: 100, at: 100 + Double(second)) }
        #expect(meter.rate(at: 110) == .init(objectsPerSecond: 2, bytesPerSecond: 100))
        // What is long over counts no more.
        meter.end(at: 110)
        meter.begin(at: 200)
        meter.add(objects: 60, bytes: 0, at: 209)
        #expect(meter.rate(at: 210) == .init(objectsPerSecond: 6, bytesPerSecond: 0))
    }

    @Test func whatNothingWasUnderWayInIsNotSlow() {
        var meter = DeliveryMeter()
        // Two at once for a quarter of a second, half a second after each other, and then a pause.
        meter.begin(at: 100.75)
        meter.begin(at: 100.875)
        meter.add(objects: 20, bytes: 20, at: 100.9)
        meter.end(at: 100.9375)
        meter.end(at: 101.25)
        #expect(meter.rate(at: 106) == .init(objectsPerSecond: 40, bytesPerSecond: 40))
        // What has not delivered anything yet counts.
        meter.begin(at: 110)
        #expect(meter.rate(at: 111.5) == .init(objectsPerSecond: 10, bytesPerSecond: 10))
        // What lasts longer than the window is slow.
        #expect(meter.rate(at: 300) == .init())
    }

    @Test func bytesOfTinyFilesAreNoSpeed() throws {
        let tiny = DeliveryMeter.Rate(objectsPerSecond: 4, bytesPerSecond: 8)
        // Two thousand small files take as long as two thousand tiny ones.
        let small = try #require(tiny.seconds(forObjects: 2000, bytes: 2000 * 4096))
        #expect(small > 400 && small < 1000)
        // Of large ones, nothing is known.
        #expect(tiny.seconds(forObjects: 20, bytes: 29 * Self.mebibyte) == nil)
    }

    @Test(arguments: [
        // Much of the same.
        (2.0, 2.0, 20, 20, 9.0...11.0),
        (300, 1.2, 3000, 12, 9...11),
        // Larger ones by bytes, as far as bytes were what took the time.
        (1, 8, 1, 1024, 110...130),
        // Removals by number.
        (50, 0, 1000, 0, 19...21),
    ])
    func anEstimateIsOfTheRightOrder(
        objectsPerSecond: Double,
        mebibytesPerSecond: Double,
        objects: Int64,
        mebibytes: Int64,
        expected: ClosedRange<Double>
    ) throws {
        let rate = DeliveryMeter.Rate(
            objectsPerSecond: objectsPerSecond,
            bytesPerSecond: mebibytesPerSecond * Double(Self.mebibyte)
        )
        let bytes = mebibytes * Self.mebibyte
        let seconds = try #require(rate.seconds(forObjects: objects, bytes: bytes))
        #expect(expected.contains(seconds), "\(seconds)")
    }

    @Test func nothingIsSaidOfWhatIsNotKnown() {
        #expect(DeliveryMeter.Rate().seconds(forObjects: 0, bytes: 0) == 0)
        #expect(DeliveryMeter.Rate().seconds(forObjects: 1, bytes: 0) == nil)
        // Removals tell nothing of uploads, nor a large upload of removals.
        let removals = DeliveryMeter.Rate(objectsPerSecond: 1000, bytesPerSecond: 0)
        #expect(removals.seconds(forObjects: 1, bytes: 1 << 30) == nil)
        let large = DeliveryMeter.Rate(objectsPerSecond: 0.1, bytesPerSecond: 100e6)
        #expect(large.seconds(forObjects: 1000, bytes: 0) == nil)
    }
}
