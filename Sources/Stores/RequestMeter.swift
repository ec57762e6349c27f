public import Base
import Synchronization

/// What was asked of a store over the network, and how it answered.
public final class RequestMeter: Sendable {
    /// Requests of one method with one answer.
    public struct Kind: Hashable, Comparable, Sendable {
        public var method: String
        /// 0 where no answer came.
        public var status: Int

        public static func < (one: Kind, other: Kind) -> Bool {
            (one.method, one.status) < (other.method, other.status)
        }
    }

    // Against a request over the network, a lock is nothing.
    private let countsByKind = Mutex<[Kind: Int]>([:])
    public let durations = Histogram()
    public let sentBytes = Counter()
    public let receivedBytes = Counter()

    public init() {}

    func add(_ kind: Kind, seconds: Double) {
        countsByKind.withLock { $0[kind, default: 0] += 1 }
        durations.add(seconds: seconds)
    }

    public var counts: [(kind: Kind, count: Int)] {
        countsByKind.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
