import Base

/// What the uploader's threads share about when to work: a plain value.
struct Schedule: Equatable, Sendable {
    /// Entries handed to a thread and not finished, with their backends.
    var running: [Int64: Int64] = [:]
    /// Something became due earlier than was known.
    var isAwake = false
    /// When it will look again by itself.
    var sleepsUntil = Timestamp(nanoseconds: 0)
    var stopping = false
    /// When the change log was last looked through for what is too old.
    private var forgotAt = -Double.infinity

    /// Takes an entry as handed to a thread; `false` if it is already.
    mutating func begin(_ entry: Int64, on backend: Int64) -> Bool {
        guard running[entry] == nil else { return false }
        running[entry] = backend
        return true
    }

    /// Whether it is time again to shorten the change log.
    mutating func admitForgetting(at now: Double, every seconds: Double) -> Bool {
        guard now - forgotAt >= seconds else { return false }
        forgotAt = now
        return true
    }

    /// The backends that have so much to do that more would only queue.
    func backends(withAtLeast count: Int) -> Set<Int64> {
        let counts = running.values.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        return Set(counts.filter { $0.value >= count }.keys)
    }

    /// How long to wait before trying again what has failed `attempts` times, in seconds: from one
    /// second, doubling, to a minute, spread by up to a quarter so that clients do not come in step.
    static func pause(afterAttempts attempts: Int64) -> Double {
        let base = min(60, Double(1 << min(attempts, 6)))
        return base * Double.random(in: 0.75...1.0)
    }
}
