public import Glibc

/// A moment, in nanoseconds since 1970-01-01 00:00 UTC; reaches from 1677 to 2262.
public struct Timestamp: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Saturates at the ends of the range rather than overflow.
    public init(seconds: Int64, nanoseconds: Int64 = 0) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carried) = product.addingReportingOverflow(nanoseconds)
        self.nanoseconds = overflow || carried ? (seconds < 0 ? .min : .max) : sum
    }

    public init(_ time: Glibc.timespec) {
        self.init(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }

    public static func now() -> Timestamp {
        var time = Glibc.timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(time)
    }

    public static func < (one: Timestamp, other: Timestamp) -> Bool {
        one.nanoseconds < other.nanoseconds
    }

    /// Whole seconds, rounded down, also before 1970.
    public var seconds: Int64 {
        (nanoseconds - fraction) / 1_000_000_000
    }

    /// The nanoseconds within the second, 0 to 999,999,999.
    public var fraction: Int64 {
        let rest = nanoseconds % 1_000_000_000
        return rest < 0 ? rest + 1_000_000_000 : rest
    }

    public var timespec: Glibc.timespec {
        Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(fraction))
    }

    public func adding(seconds: Double) -> Timestamp {
        Timestamp(nanoseconds: nanoseconds &+ Int64(seconds * 1e9))
    }

    public func secondsSince(_ other: Timestamp) -> Double {
        (Double(nanoseconds) - Double(other.nanoseconds)) / 1e9
    }
}

/// Seconds on a clock that never jumps, for deadlines and durations.
public func monotonicSeconds() -> Double {
    var time = Glibc.timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
