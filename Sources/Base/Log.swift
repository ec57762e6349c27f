import Glibc
import Synchronization

/// Lines for the operator, on standard error, from any thread.
///
/// A message names the file or backend it is about and never holds a key, token or signature.
public enum Log {
    public enum Level: Int, Comparable, Sendable, CaseIterable {
        case error, warning, info, debug

        public static func < (one: Level, other: Level) -> Bool { one.rawValue < other.rawValue }
    }

    private static let threshold = Atomic<Int>(Level.info.rawValue)

    /// Messages above this level are not even made.
    public static var level: Level {
        get { Level(rawValue: threshold.load(ordering: .relaxed)) ?? .info }
        set { threshold.store(newValue.rawValue, ordering: .relaxed) }
    }

    public static func error(_ message: @autoclosure () -> String) { write(.error, message) }
    public static func warning(_ message: @autoclosure () -> String) { write(.warning, message) }
    public static func info(_ message: @autoclosure () -> String) { write(.info, message) }
    public static func debug(_ message: @autoclosure () -> String) { write(.debug, message) }

    private static func write(_ level: Level, _ message: () -> String) {
        guard level <= self.level else { return }
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec]
            .map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
        // One write(2) per line, so that lines of different threads do not mix.
        var line = "\(clock) \(level): \(message())\n"
        line.withUTF8 { _ = Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
