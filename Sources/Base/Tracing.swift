import CLinux
import Synchronization

/// Spans of time for a collector of traces: what a file operation asked of a store, and how long it took.
///
/// Which operation a thread works for is a property of the thread, as `Patience` is, and goes along with
/// the jobs that it hands to `Workers`. Off, which is usual, it costs one load per operation.
public enum Tracing {
    private static let isRunning = Atomic<Bool>(false)
    private static let sink = Mutex<(@Sendable (Span) -> Void)?>(nil)

    /// Spans that nobody took.
    public static let dropped = Counter()

    /// Whether anybody collects spans.
    public static var isOn: Bool { isRunning.load(ordering: .relaxed) }

    /// From here on, spans that have ended go to `sink`, which must neither wait nor fail.
    public static func start(_ sink: @escaping @Sendable (Span) -> Void) {
        self.sink.withLock { $0 = sink }
        isRunning.store(true, ordering: .relaxed)
    }

    public static func stop() {
        isRunning.store(false, ordering: .relaxed)
        sink.withLock { $0 = nil }
    }

    static func emit(_ span: Span) {
        let sink = sink.withLock { $0 }
        sink?(span)
    }

    /// What the calling thread works for.
    public static var current: TracedOperation? {
        guard let pointer = gosync_thread_operation().pointee else { return nil }
        return Unmanaged<TracedOperation>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Runs `body` for an operation.
    @inlinable
    public static func working<R>(for operation: TracedOperation?, _ body: () -> R) -> R {
        guard let operation else { return body() }
        let before = exchange(operation)
        defer { restore(before) }
        return body()
    }

    /// Runs `body` for the operation that the thread works for already or, without one, for a new one.
    public static func operation<R, E>(
        _ name: @autoclosure () -> String,
        _ body: () throws(E) -> R
    ) throws(E) -> R {
        guard isOn, current == nil else { return try body() }
        let operation = TracedOperation(name())
        let before = exchange(operation)
        defer {
            restore(before)
            operation.end()
        }
        return try body()
    }

    @usableFromInline
    static func exchange(_ operation: TracedOperation) -> UnsafeMutableRawPointer? {
        let place = gosync_thread_operation()!
        defer { place.pointee = Unmanaged.passRetained(operation).toOpaque() }
        return place.pointee
    }

    @usableFromInline
    static func restore(_ before: UnsafeMutableRawPointer?) {
        let place = gosync_thread_operation()!
        if let pointer = place.pointee {
            Unmanaged<TracedOperation>.fromOpaque(pointer).release()
        }
        place.pointee = before
    }
}

/// Something that took time, as OpenTelemetry has it.
public struct Span: Sendable {
    public enum Attribute: Equatable, Sendable {
        case text(String)
        case number(Int64)
    }

    public var trace: TraceID
    public var id: UInt64
    public var parent: UInt64?
    public var name: String
    /// A request to somebody else, not an operation of our own.
    public var isRequest: Bool
    public var start: Timestamp
    public var end: Timestamp
    public var attributes: [(name: String, value: Attribute)] = []
    /// Why it failed, if it did.
    public var failure: String?
}

/// What the spans of one operation have in common: 128 bits by chance.
public struct TraceID: Hashable, Sendable {
    public let high: UInt64
    public let low: UInt64

    init() {
        var random = SystemRandomNumberGenerator()
        high = random.next()
        low = random.next()
    }
}

/// An operation under way, which becomes a span if it comes to ask a store for something.
public final class TracedOperation: Sendable {
    private struct State {
        var asksStore = false
        var end: Timestamp?
        var failure: String?
    }

    let trace = TraceID()
    let id = UInt64.random(in: 1...UInt64.max)
    private let name: String
    private let start = Timestamp.now()
    private let state = Mutex(State())

    public init(_ name: String) { self.name = name }

    /// The operation ends; what it began may go on, such as reading ahead.
    public func end(failure: String? = nil) {
        let now = Timestamp.now()
        let asksStore = state.withLock { state in
            state.end = now
            state.failure = failure
            return state.asksStore
        }
        if asksStore { emit() }
    }

    /// Says that the operation asks a store for something; one that had ended is told of now.
    fileprivate func noteRequest() {
        let isLate = state.withLock { state in
            defer { state.asksStore = true }
            return !state.asksStore && state.end != nil
        }
        if isLate { emit() }
    }

    private func emit() {
        let (end, failure) = state.withLock { ($0.end, $0.failure) }
        Tracing.emit(
            Span(
                trace: trace,
                id: id,
                parent: nil,
                name: name,
                isRequest: false,
                start: start,
                end: end ?? start,
                failure: failure
            )
        )
    }
}

/// A request to a store, made for the operation that the thread works for.
public struct TracedRequest: ~Copyable {
    private let operation: TracedOperation
    private let name: String
    private let start = Timestamp.now()

    /// `nil` where nobody collects spans, or the thread works for no operation.
    public init?(_ name: @autoclosure () -> String) {
        guard Tracing.isOn, let current = Tracing.current else { return nil }
        operation = current
        self.name = name()
        operation.noteRequest()
    }

    public consuming func end(
        _ attributes: [(name: String, value: Span.Attribute)],
        failure: String?
    ) {
        Tracing.emit(
            Span(
                trace: operation.trace,
                id: UInt64.random(in: 1...UInt64.max),
                parent: operation.id,
                name: name,
                isRequest: true,
                start: start,
                end: .now(),
                attributes: attributes,
                failure: failure
            )
        )
    }
}
