import Base
import Synchronization
import Testing

/// The collector is one for the process, so these take turns, and know their own by name.
@Suite(.serialized)
struct TracingTests {
    private final class Kept: Sendable {
        private let spans = Mutex<[Span]>([])

        init() {
            Tracing.start { [self] span in spans.withLock { $0.append(span) } }
        }

        func named(_ prefix: String) -> [Span] {
            spans.withLock { $0.filter { $0.name.hasPrefix(prefix) } }
        }
    }

    @Test func anOperationIsToldOnlyIfItAsksAStore() {
        let kept = Kept()
        defer { Tracing.stop() }
        Tracing.operation("test-a quiet") {}
        Tracing.operation("test-a loud") {
            TracedRequest("test-a GET")?.end([("status", .number(200))], failure: nil)
        }
        if let stray = TracedRequest("test-a nobody's") {
            stray.end([], failure: nil)
            Issue.record("a request without an operation")
        }
        let spans = kept.named("test-a")
        #expect(spans.map(\.name) == ["test-a GET", "test-a loud"])
        #expect(spans[0].parent == spans[1].id && spans[0].trace == spans[1].trace)
        #expect(spans[1].parent == nil && spans[0].isRequest && !spans[1].isRequest)
    }

    @Test func jobsWorkForTheOperationThatQueuedThem() {
        let kept = Kept()
        defer { Tracing.stop() }
        let workers = Workers("test", limit: 2)
        let mayRun = Monitor(false)
        let done = Monitor(0)
        for number in 0..<4 {
            Tracing.operation("test-b \(number)") {
                workers.run {
                    mayRun.wait { $0 ? true : nil }
                    TracedRequest("test-b GET")?.end([], failure: "late")
                    done.update { $0 += 1 }
                }
            }
        }
        workers.run { done.update { $0 += Tracing.current == nil ? 1 : 0 } }
        // They have ended by now; what they began is told of all the same, and they with it.
        mayRun.update { $0 = true }
        #expect(done.wait(atMost: 30) { $0 == 5 ? true : nil } == true)
        workers.stop()
        let spans = kept.named("test-b")
        let operations = spans.filter { $0.parent == nil }
        #expect(Set(operations.map(\.name)) == Set((0..<4).map { "test-b \($0)" }))
        #expect(Set(spans.compactMap(\.parent)) == Set(operations.map(\.id)))
    }
}

struct HistogramTests {
    @Test func eachDurationIsCountedUnderTheFirstBoundThatHoldsIt() {
        let durations =
            [0, 1e-9, 1e-6, 1.001e-6, 4e-6, 5e-6, 0.001, 1, 16, 17, 1000]
            + Histogram.bounds + Histogram.bounds.map { $0 * 1.01 }
        for seconds in durations {
            let histogram = Histogram()
            histogram.add(seconds: seconds)
            let expected = Histogram.bounds.firstIndex { seconds <= $0 * 1.000_001 }
            let found = histogram.snapshot.counts.firstIndex(of: 1)
            #expect(found == expected ?? Histogram.bounds.count, "\(seconds)")
        }
    }
}
