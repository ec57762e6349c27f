import Synchronization

/// The bytes that may be on their way at once, over all files.
///
/// What a reader waits for is always let through, and counts; what is only fetched ahead of need has
/// to find room. Without locks, so that it may be asked while one is held.
final class Budget: Sendable {
    let limitBytes: Int64
    private let taken = Atomic<Int64>(0)
    private let requests = Atomic<Int>(0)

    /// Requests ahead of need at once: some fetchers are always left for what is needed.
    static let requestsAhead = 20

    init(limitBytes: Int64) { self.limitBytes = limitBytes }

    var takenBytes: Int64 { taken.load(ordering: .relaxed) }

    /// Takes note of a request for bytes that a reader needs.
    func takeNeeded(_ bytes: Int64) { taken.add(bytes, ordering: .relaxed) }

    /// Takes room for one request ahead of need, if there is any.
    func takeAhead(_ bytes: Int64) -> Bool {
        guard requests.add(1, ordering: .relaxed).newValue <= Self.requestsAhead else {
            requests.subtract(1, ordering: .relaxed)
            return false
        }
        guard taken.add(bytes, ordering: .relaxed).newValue <= limitBytes else {
            taken.subtract(bytes, ordering: .relaxed)
            requests.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Bytes have arrived, or will not.
    func giveBack(_ bytes: Int64) { taken.subtract(bytes, ordering: .relaxed) }

    func endAhead() { requests.subtract(1, ordering: .relaxed) }
}
