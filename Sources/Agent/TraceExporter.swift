import Base
import HTTP
import Wire

/// Sends spans to a collector of traces: OTLP over HTTP, in JSON.
///
/// Spans wait in a queue that is bounded, and go out in batches on a thread of its own. A collector that
/// is slow or dead holds nothing up: what it does not take in time is dropped, and counted.
public final class TraceExporter: Sendable {
    private struct State {
        var spans: [Span] = []
        /// The last batch was taken, as far as is known.
        var isAnswered = true
        var isStopping = false
    }

    private let url: String
    private let client = HTTPClient(connections: 1)
    private let sender = Workers("traces", limit: 1)
    private let state = Monitor(State())

    /// How many spans wait at most, and go out together.
    private static let queued = 4096
    private static let batch = 512
    /// How long a span waits for others to go with it.
    private static let pauseSeconds = 2.0
    private static let limits = HTTPLimits(connectSeconds: 3, stallSeconds: 5, totalSeconds: 10)
    private static let farewellSeconds = 2.0

    /// Begins to collect spans.
    ///
    /// - Parameter endpoint: such as `http://localhost:4318`, to which `/v1/traces` is added if missing.
    public init(endpoint: String) {
        let path = "/v1/traces"
        let base = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        url = base.hasSuffix(path) ? base : base + path
        Tracing.start { [weak self] in self?.take($0) }
        sender.run { [self] in
            while let spans = nextBatch() { send(spans) }
        }
    }

    /// Sends what waits, if that is quick, and collects no more; must be called once.
    public func stop() {
        Tracing.stop()
        let isAnswered = state.update { state in
            state.isStopping = true
            return state.isAnswered
        }
        if !isAnswered { client.close() }
        sender.stop()
        client.close()
    }

    private func take(_ span: Span) {
        let isTaken = state.update { state in
            guard state.spans.count < Self.queued else { return false }
            state.spans.append(span)
            return true
        }
        if !isTaken { Tracing.dropped.add() }
    }

    /// `nil` when all is sent and no more will come.
    private func nextBatch() -> [Span]? {
        state.wait(atMost: Self.pauseSeconds) { state in
            state.isStopping || state.spans.count >= Self.batch ? true : nil
        }
        return state.withLock { state in
            let next = Array(state.spans.prefix(Self.batch))
            state.spans.removeFirst(next.count)
            return next.isEmpty && state.isStopping ? nil : next
        }
    }

    private func send(_ spans: [Span]) {
        guard !spans.isEmpty else { return }
        var limits = Self.limits
        if state.withLock({ $0.isStopping }) { limits.totalSeconds = Self.farewellSeconds }
        let request = HTTPRequest(
            "POST",
            url,
            headers: ["Content-Type": "application/json"],
            body: .bytes(TraceDocument(spans).json()),
            limits: limits
        )
        do throws(HTTPError) {
            let status = try client.send(request).status
            if 200..<300 ~= status {
                return state.update { $0.isAnswered = true }
            }
            note("it answers \(status)")
        } catch {
            note("\(error)")
        }
        Tracing.dropped.add(spans.count)
    }

    /// Told once, until the collector has answered again.
    private func note(_ problem: String) {
        let isNews = state.update { state in
            defer { state.isAnswered = false }
            return state.isAnswered
        }
        if isNews { Log.warning("the collector of traces at \(url) takes nothing: \(problem)") }
    }
}
