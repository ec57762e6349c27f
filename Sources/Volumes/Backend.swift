public import Base
import Metadata
public import Stores
import Synchronization

/// A store to be shown below `/backends`.
public struct BackendDescription: Sendable {
    public var name: Name
    public var store: any Store
    public var isReadOnly: Bool
    /// How long a directory's listing is taken for granted.
    public var directorySeconds: Double
    /// What kind of store it is and where, for people.
    public var type: String
    public var place: String
    /// What people call it, besides its name.
    public var label: String?
    /// It was set up at run time, and does not stand in the configuration.
    public var isProvisioned: Bool

    public init(
        name: Name,
        store: any Store,
        isReadOnly: Bool,
        directorySeconds: Double,
        type: String = "",
        place: String = "",
        label: String? = nil,
        isProvisioned: Bool = false
    ) {
        self.name = name
        self.store = store
        self.isReadOnly = isReadOnly
        self.directorySeconds = directorySeconds
        self.type = type
        self.place = place
        self.label = label
        self.isProvisioned = isProvisioned
    }
}

/// How a backend is doing.
public enum BackendState: String, Sendable {
    /// It is new, and has not answered its first questions yet.
    case provisioning
    case ready
    /// It cannot be reached.
    case offline
    /// It refuses what it is asked, or has not taken what it should.
    case error
}

/// A store as the volume knows it.
final class Backend: Sendable {
    let number: Int64
    let root: FileID
    let name: Name
    /// The threads that may be busy with the store, or wait for it.
    let bulkhead = Bulkhead()
    /// Fetch pages of listings, so that one does not take all of the store's attention.
    let listers = Workers("list", limit: Backend.listerCount)
    /// Off once the store's listings were not in the order that they claim.
    let trustsOrder = Atomic(true)
    /// The last listing could have been asked for in ranges of keys.
    let listsInRanges = Atomic(false)
    /// On once it was asked what it can do before anybody needed to know.
    let isProbedAhead = Atomic(false)
    let trust = Monitor(GuessTrust())
    private let shape: Monitor<BackendDescription>
    private let isLeaving = Atomic(false)
    private let isNew = Atomic(false)
    private let health = Monitor(Health())
    private let prober = Workers("probe", limit: 1)
    private let spaceAsker = Workers("space", limit: 1)

    static let listerCount = 8

    private struct Health {
        var breaker = Breaker()
        var strange: String?
        /// Why the last request was refused, if it was, by a store that can be reached.
        var refusal: String?
        var space: Space?
        var isAskingSpace = false
        var isStopping = false
        /// Called on a thread of the backend's own when the store is back.
        var whenBack: (@Sendable () -> Void)?
    }

    private static let leaving = "GoSync has done with it"
    /// Seconds between two probes.
    private static let probePauseSeconds: Double = 1

    init(_ description: BackendDescription, number: Int64, root: FileID) {
        self.number = number
        self.root = root
        name = description.name
        shape = Monitor(description)
    }

    /// As it was described; may be described anew while requests run (`change`).
    var description: BackendDescription { shape.withLock { $0 } }
    var store: any Store { shape.withLock { $0.store } }
    var isReadOnly: Bool {
        isLeaving.load(ordering: .relaxed) || shape.withLock { $0.isReadOnly }
    }
    var directorySeconds: Double { shape.withLock { $0.directorySeconds } }

    /// Takes a new description of the same store; requests under way end with the old one.
    func change(to description: BackendDescription) {
        shape.update { $0 = description }
        trustsOrder.store(true, ordering: .relaxed)
        listsInRanges.store(false, ordering: .relaxed)
        health.update { health in
            health.breaker = Breaker()
            health.refusal = nil
            health.strange = nil
        }
    }

    /// Nothing can be changed in it while it is being taken away.
    func setLeaving(_ value: Bool) { isLeaving.store(value, ordering: .relaxed) }

    /// Nobody has seen yet what it holds.
    func setNew(_ value: Bool) { isNew.store(value, ordering: .relaxed) }

    /// Takes note of what an operator should look at, though the store works, until the next start.
    func noteStrange(_ what: String) {
        let isNews = health.update { health in
            defer { health.strange = what }
            return health.strange != what
        }
        if isNews { Log.warning("backend \(name): \(what)") }
    }

    /// Whether the store was looked for in vain, or that is in doubt.
    var isOutOfReach: Bool { health.withLock { $0.breaker.problem != nil } }

    /// Why nothing is sent to the store, while it is known to be out of reach, or is being taken away.
    var refusal: String? {
        health.withLock { $0.isStopping ? Self.leaving : $0.breaker.refusal }
    }

    /// How it is doing, and what is wrong, or strange, if anything.
    var state: (state: BackendState, problem: String?) {
        let (problem, refusal, strange) = health.withLock {
            ($0.breaker.problem, $0.refusal, $0.strange)
        }
        if let problem { return (.offline, problem) }
        if let refusal { return (.error, refusal) }
        return (isNew.load(ordering: .relaxed) ? .provisioning : .ready, strange)
    }

    func whenBack(_ body: @escaping @Sendable () -> Void) { health.update { $0.whenBack = body } }

    /// Asks the store, on a thread of its own, how it is.
    func look() {
        bulkhead.uploaders.run { [self] in
            try? request { (store) throws(StoreError) in try store.check() }
        }
    }

    /// Talks to the store, unless it is known to be out of reach.
    ///
    /// - Throws: `.aborted(.wouldWait)` on a thread that must not wait.
    func request<R: ~Copyable>(_ body: (any Store) throws(StoreError) -> R) throws(StoreError) -> R
    {
        if let refusal { throw .unavailable(refusal) }
        do throws(Errno) { try bulkhead.admit() } catch { throw .aborted(error) }
        do throws(StoreError) {
            let result = try body(store)
            noteAnswer()
            return result
        } catch {
            note(error)
            throw error
        }
    }

    /// Ends requests under way within a second, and fails all others; nobody blames the store for that.
    func breakOff() {
        health.update { $0.isStopping = true }
        store.close()
    }

    /// Ends the backend's threads, after `breakOff`.
    func stop() {
        bulkhead.stop()
        prober.stop()
        spaceAsker.stop()
    }

    /// Ends the backend's threads, after `breakOff`, while others may still be about to use it.
    func finish() {
        bulkhead.finish()
        for workers in [listers, prober, spaceAsker] { workers.finish() }
    }

    private func note(_ error: StoreError) {
        if health.withLock({ $0.isStopping }) { return }
        switch error {
        case .aborted: break
        case .unavailable(let reason):
            Log.debug("backend \(name): \(reason)")
            if health.update({ $0.breaker.fail(reason) }) { prober.run { [self] in probe() } }
        case .denied, .noBucket: noteAnswer(refusal: "\(error)")
        default: noteAnswer()
        }
    }

    private func noteAnswer(refusal: String? = nil) {
        let (isNews, whenBack) = health.update { health in
            health.refusal = refusal
            return (health.breaker.succeed(), health.whenBack)
        }
        guard isNews else { return }
        Log.info("backend \(name): reachable again")
        whenBack?()
    }

    /// Looks for the store until it answers.
    private func probe() {
        while health.update({ !$0.isStopping && $0.breaker.needsProbe() }) {
            do throws(StoreError) {
                try store.check()
                noteAnswer()
            } catch {
                guard case .unavailable(let reason) = error else {
                    note(error)
                    continue
                }
                if health.update({ $0.breaker.probeFailed(reason) }) {
                    Log.warning("backend \(name): \(reason)")
                }
                health.wait(atMost: Self.probePauseSeconds) { $0.isStopping ? true : nil }
            }
        }
    }
}

extension Backend {
    /// Bytes free in the store, as far as it tells; what was known before if that takes a while.
    func space() -> Space? {
        let isFirst = health.update { health in
            defer { health.isAskingSpace = true }
            return !health.isAskingSpace
        }
        // Somebody else's question is on its way, and may never come back.
        guard isFirst else { return health.withLock { $0.space } }
        spaceAsker.run { [self] in
            let space = store.space()
            health.update { health in
                health.space = space
                health.isAskingSpace = false
            }
        }
        health.wait(atMost: Self.spaceSeconds) { $0.isAskingSpace ? nil : true }
        return health.withLock { $0.space }
    }

    private static let spaceSeconds: Double = 0.02
}
