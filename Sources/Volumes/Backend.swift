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

    public init(
        name: Name,
        store: any Store,
        isReadOnly: Bool,
        directorySeconds: Double,
        type: String = "",
        place: String = ""
    ) {
        self.name = name
        self.store = store
        self.isReadOnly = isReadOnly
        self.directorySeconds = directorySeconds
        self.type = type
        self.place = place
    }
}

/// A store as the volume knows it.
final class Backend: Sendable {
    let number: Int64
    let root: FileID
    let name: Name
    let store: any Store
    let isReadOnly: Bool
    let directorySeconds: Double
    let type: String
    let place: String
    /// The threads that may be busy with the store, or wait for it.
    let bulkhead = Bulkhead()
    /// Fetch pages of listings, so that one does not take all of the store's attention.
    let listers = Workers("list", limit: Backend.listerCount)
    /// Off once the store's listings were not in the order that they claim.
    let trustsOrder = Atomic(true)
    /// The last listing could have been asked for in ranges of keys.
    let listsInRanges = Atomic(false)
    private let health = Monitor(Health())
    private let prober = Workers("probe", limit: 1)
    private let spaceAsker = Workers("space", limit: 1)

    static let listerCount = 8

    private struct Health {
        var breaker = Breaker()
        var strange: String?
        var space: Space?
        var isAskingSpace = false
        var isStopping = false
        /// Called on a thread of the backend's own when the store is back.
        var whenBack: (@Sendable () -> Void)?
    }

    /// Seconds between two probes.
    private static let probePauseSeconds: Double = 1

    init(_ description: BackendDescription, number: Int64, root: FileID) {
        self.number = number
        self.root = root
        name = description.name
        store = description.store
        isReadOnly = description.isReadOnly
        directorySeconds = description.directorySeconds
        type = description.type
        place = description.place
    }

    /// What is wrong with the store, while it cannot be reached; else what is strange about it.
    var problem: String? { health.withLock { $0.breaker.problem ?? $0.strange } }

    /// Takes note of what an operator should look at, though the store works; told once in the log.
    func noteStrange(_ what: String?) {
        let isNews = health.update { health in
            defer { health.strange = what }
            return health.strange != what
        }
        if isNews, let what { Log.warning("backend \(name): \(what)") }
    }

    /// Whether the store was looked for in vain, or that is in doubt.
    var isOutOfReach: Bool { health.withLock { $0.breaker.problem != nil } }

    /// Why nothing is sent to the store, while it is known to be out of reach.
    var refusal: String? { health.withLock { $0.breaker.refusal } }

    func whenBack(_ body: @escaping @Sendable () -> Void) { health.update { $0.whenBack = body } }

    /// Talks to the store, unless it is known to be out of reach.
    ///
    /// - Throws: `.aborted(.wouldWait)` on a thread that must not wait.
    func request<R: ~Copyable>(_ body: (any Store) throws(StoreError) -> R) throws(StoreError) -> R
    {
        if let reason = refusal { throw .unavailable(reason) }
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

    private func note(_ error: StoreError) {
        if health.withLock({ $0.isStopping }) { return }
        switch error {
        case .aborted: break
        case .unavailable(let reason):
            Log.debug("backend \(name): \(reason)")
            if health.update({ $0.breaker.fail(reason) }) { prober.run { [self] in probe() } }
        default: noteAnswer()
        }
    }

    private func noteAnswer() {
        let (isNews, whenBack) = health.update { ($0.breaker.succeed(), $0.whenBack) }
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
                    noteAnswer()
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
