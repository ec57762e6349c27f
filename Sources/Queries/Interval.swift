/// A span of time from `start` to just before `end`, in nanoseconds since 1970.
///
/// It saturates at the ends of `Int64`, which are in 1677 and 2262.
public struct Interval: Equatable, Sendable {
    public var start: Int64
    public var end: Int64

    static let nanosecondsPerSecond: Int64 = 1_000_000_000

    init(start: Int64, end: Int64) {
        self.start = start
        self.end = end
    }

    init(startSeconds: Int64, endSeconds: Int64) {
        start = Self.nanoseconds(startSeconds)
        end = Self.nanoseconds(endSeconds)
    }

    static func nanoseconds(_ seconds: Int64) -> Int64 {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: nanosecondsPerSecond)
        return overflow ? (seconds < 0 ? .min : .max) : product
    }
}

extension Int64 {
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
