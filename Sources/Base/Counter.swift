import Synchronization

/// A number that many threads count up, without a lock.
public final class Counter: Sendable {
    private let count: Atomic<Int>

    public init() { count = Atomic(0) }

    public var value: Int { count.load(ordering: .relaxed) }

    public func add(_ number: Int = 1) { count.wrappingAdd(number, ordering: .relaxed) }
}
