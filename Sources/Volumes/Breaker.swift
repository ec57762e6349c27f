/// Whether a store is asked at all: a plain value, which decides and does nothing.
///
/// One request that found no store is a doubt, for that may be the trouble of one object: others go on,
/// and a probe goes out. If that finds no store either, requests fail at once, and one probe after
/// another looks whether it is back. Any answer to anything closes the circuit again.
struct Breaker: Equatable, Sendable {
    private enum State: Equatable, Sendable {
        case closed
        case doubtful(String)
        case open(String)
    }

    private var state = State.closed
    private(set) var isProbing = false

    /// Why requests are not sent, if so.
    var refusal: String? {
        guard case .open(let reason) = state else { return nil }
        return reason
    }

    /// What is wrong with the store, as far as is known.
    var problem: String? {
        switch state {
        case .closed: nil
        case .doubtful(let reason), .open(let reason): reason
        }
    }

    /// A request found no store; `true` if probing has to begin.
    mutating func fail(_ reason: String) -> Bool {
        if state == .closed { state = .doubtful(reason) }
        defer { isProbing = true }
        return !isProbing
    }

    /// The store answered; `true` if requests were held back until now.
    mutating func succeed() -> Bool {
        defer { state = .closed }
        return refusal != nil
    }

    /// A probe found no store; `true` if that is news.
    mutating func probeFailed(_ reason: String) -> Bool {
        // Another request may have been answered while the probe was out.
        guard state != .closed else { return false }
        defer { state = .open(reason) }
        return refusal == nil
    }

    /// Whether another probe is needed; if not, probing has ended.
    mutating func needsProbe() -> Bool {
        isProbing = state != .closed
        return isProbing
    }
}
