import Synchronization

/// Lines for the operator, from any thread, to wherever `start` said; to standard error until then.
///
/// A message names the file or backend it is about and never holds a key, token or signature. Where its
/// level is off, it is not even made: the price is one load.
public enum Log {
    public enum Level: Int, Comparable, Sendable, CaseIterable {
        case error, warning, info, debug

        public static func < (one: Level, other: Level) -> Bool { one.rawValue < other.rawValue }
    }

    private struct State {
        var levels = LogLevels()
        var sink: any LogSink = StandardErrorSink(format: .text)
    }

    private static let state = Mutex(State())
    /// The level of the module that tells most.
    private static let loudest = Atomic<Int>(Level.info.rawValue)
    /// Lines written so far, by level.
    private static let counts: [Counter] = Level.allCases.map { _ in Counter() }

    public static var levels: LogLevels {
        get { state.withLock { $0.levels } }
        set {
            state.withLock { $0.levels = newValue }
            loudest.store(newValue.loudest.rawValue, ordering: .relaxed)
        }
    }

    /// From here on, lines go to `sink`.
    public static func start(_ sink: any LogSink) { state.withLock { $0.sink = sink } }

    /// How many lines were written at a level.
    public static func count(_ level: Level) -> Int { counts[level.rawValue].value }

    public static func error(
        _ message: @autoclosure () -> String,
        request: String? = nil,
        file: StaticString = #fileID
    ) {
        write(.error, message, request, file)
    }

    public static func warning(
        _ message: @autoclosure () -> String,
        request: String? = nil,
        file: StaticString = #fileID
    ) {
        write(.warning, message, request, file)
    }

    public static func info(
        _ message: @autoclosure () -> String,
        request: String? = nil,
        file: StaticString = #fileID
    ) {
        write(.info, message, request, file)
    }

    /// - Parameter request: the id that a store gave to its request, under which its own log has it.
    public static func debug(
        _ message: @autoclosure () -> String,
        request: @autoclosure () -> String? = nil,
        file: StaticString = #fileID
    ) {
        guard Level.debug.rawValue <= loudest.load(ordering: .relaxed) else { return }
        write(.debug, message, request(), file)
    }

    private static func write(
        _ level: Level,
        _ message: () -> String,
        _ request: String?,
        _ file: StaticString
    ) {
        guard level.rawValue <= loudest.load(ordering: .relaxed) else { return }
        let module = LogLevels.module(of: file)
        let sink = state.withLock { level <= $0.levels[module] ? $0.sink : nil }
        guard let sink else { return }
        counts[level.rawValue].add()
        sink.write(
            LogLine(
                time: .now(),
                level: level,
                module: module,
                message: message(),
                request: request
            )
        )
    }
}
