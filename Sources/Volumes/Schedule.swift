import Base

/// What the uploader's threads share about when to work: a plain value.
struct Schedule: Equatable, Sendable {
    /// Entries handed to a thread and not finished, with their backends.
    private(set) var running: [Int64: Int64] = [:]
    /// How many of these each backend has.
    private var loads: [Int64: Int] = [:]
    /// Backends that had too much to do to be given more.
    private var full: Set<Int64> = []
    /// There is something to look at now.
    var isAwake = false
    /// When it will look again by itself; as far as is known, nothing is due before.
    private(set) var sleepsUntil = Timestamp(nanoseconds: 0)
    var stopping = false
    /// When the change log was last looked through for what is too old.
    private var forgotAt = -Double.infinity

    /// A look at what is due begins: whatever is told from here on is about the next one.
    mutating func look() {
        isAwake = false
        sleepsUntil = Timestamp(nanoseconds: .max)
    }

    /// Something is due at a moment, and nobody need look before.
    mutating func sleep(until due: Timestamp) { sleepsUntil = min(sleepsUntil, due) }

    /// Takes an entry as handed to a thread; `false` if it is already.
    mutating func begin(_ entry: Int64, on backend: Int64) -> Bool {
        guard running[entry] == nil else { return false }
        running[entry] = backend
        loads[backend, default: 0] += 1
        return true
    }

    /// Takes entries as finished; `true` if their backend was full, and is to be given more.
    mutating func end(_ entries: some Sequence<Int64>) -> Bool {
        var hasRoom = false
        for entry in entries {
            guard let backend = running.removeValue(forKey: entry) else { continue }
            loads[backend, default: 1] -= 1
            guard loads[backend, default: 0] < Self.plenty / 2 else { continue }
            hasRoom = full.remove(backend) != nil || hasRoom
        }
        return hasRoom
    }

    /// Forgets what was handed out for a backend.
    mutating func forget(backend: Int64) {
        running = running.filter { $0.value != backend }
        loads[backend] = nil
        full.remove(backend)
    }

    /// Whether it is time again to shorten the change log.
    mutating func admitForgetting(at now: Double, every seconds: Double) -> Bool {
        guard now - forgotAt >= seconds else { return false }
        forgotAt = now
        return true
    }

    /// The backends that have so much to do that more would only queue; `end` tells when that is over.
    mutating func fullBackends() -> Set<Int64> {
        full = Set(loads.filter { $0.value >= Self.plenty }.keys)
        return full
    }

    /// So much for one backend keeps its threads at work until somebody looks for more.
    static let plenty = 500

    /// How long to wait before trying again what has failed `attempts` times, in seconds: from one
    /// second, doubling, to a minute, spread by up to a quarter so that clients do not come in step.
    static func pause(afterAttempts attempts: Int64) -> Double {
        let base = min(60, Double(1 << min(attempts, 6)))
        return base * Double.random(in: 0.75...1.0)
    }
}
