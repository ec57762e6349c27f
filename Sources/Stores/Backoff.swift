import Base

/// How long to pause before the next try: full jitter, doubling, until tries or time are used up.
struct Backoff {
    private let limits: S3Limits
    private let start = monotonicSeconds()
    private var tries = 1

    init(_ limits: S3Limits) {
        self.limits = limits
    }

    /// Seconds to wait before another try; `nil` if there should be none.
    ///
    /// - Parameter isUnanswered: the last try brought no answer at all, so that waiting for long is idle.
    mutating func next(isUnanswered: Bool = false) -> Double? {
        guard tries < limits.attempts else { return nil }
        let longest = min(limits.pauseSeconds, 0.1 * Double(1 << min(tries - 1, 16)))
        tries += 1
        let pause = Double.random(in: 0...longest)
        let longestTime =
            isUnanswered
            ? min(limits.unansweredSeconds, limits.retrySeconds) : limits.retrySeconds
        return monotonicSeconds() + pause < start + longestTime ? pause : nil
    }
}
