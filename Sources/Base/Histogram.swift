import Synchronization

/// How long things took, counted in steps of four from a microsecond to a minute, without a lock.
///
/// What is counted at the same moment as it is read may be in one of the numbers and not yet in another.
public final class Histogram: Sendable {
    /// What was counted up to a moment.
    public struct Snapshot: Equatable, Sendable {
        /// By upper bound, each without those below; the last is of what took longer than any bound.
        public var counts: [Int]
        public var sumSeconds: Double

        public var count: Int { counts.reduce(0, +) }
    }

    private static let steps = 14

    /// In seconds, each included.
    public static let bounds = (0..<steps - 1).map { Double(1 << (2 * $0)) / 1e6 }

    private let counts: InlineArray<14, Atomic<Int>>
    private let nanoseconds = Atomic<Int>(0)

    public init() { counts = InlineArray { _ in Atomic(0) } }

    public func add(seconds: Double) {
        let taken = max(0, Int(seconds * 1e9))
        counts[Self.step(taken)].wrappingAdd(1, ordering: .relaxed)
        nanoseconds.wrappingAdd(taken, ordering: .relaxed)
    }

    public var snapshot: Snapshot {
        let all = (0..<Self.steps).map { counts[$0].load(ordering: .relaxed) }
        return Snapshot(counts: all, sumSeconds: Double(nanoseconds.load(ordering: .relaxed)) / 1e9)
    }

    /// The first step whose bound is at least so long.
    static func step(_ nanoseconds: Int) -> Int {
        let microseconds = (nanoseconds + 999) / 1000
        guard microseconds > 1 else { return 0 }
        let bits = Int.bitWidth - (microseconds - 1).leadingZeroBitCount
        return min((bits + 1) / 2, steps - 1)
    }
}
