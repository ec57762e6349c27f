import Base
import Stores
import Synchronization

/// The pages of one listing, fetched ahead of whoever takes them and in several parts at once.
///
/// The first page is fetched by the thread that asks for it, because most listings have no second; the
/// others by the backend's listers. One thread takes the pages.
final class ListingPages: Sendable {
    private struct State {
        var plan: ListingPlan
        /// How often the listing was begun anew, because the store turned out to keep no order.
        var restarts = 0
        var arrived: [ListingPlan.Piece] = []
        var failure: StoreError?
        var asked = 0
        var isFirst = true
    }

    private let prefix: Key
    private let isDelimited: Bool
    private let backend: Backend
    private let tick: @Sendable () -> Timestamp
    private let state: Monitor<State>

    /// Requests on their way and pages waiting to be taken, together.
    private static let limit = Backend.listerCount

    init(
        of prefix: Key,
        isDelimited: Bool,
        after lower: Key? = nil,
        on backend: Backend,
        tick: @escaping @Sendable () -> Timestamp
    ) {
        self.prefix = prefix
        self.isDelimited = isDelimited
        self.backend = backend
        self.tick = tick
        let plan = ListingPlan(
            prefix: prefix,
            isDelimited: isDelimited,
            after: lower,
            trustsOrder: backend.trustsOrder.load(ordering: .relaxed),
            start: tick()
        )
        state = Monitor(State(plan: plan))
    }

    /// The next page, in any order; `nil` after all of them.
    func next() throws(StoreError) -> ListingPlan.Piece? {
        let first = state.withLock { state in
            defer { state.isFirst = false }
            return state.isFirst ? state.plan.next() : nil
        }
        if let first { fetch(first, restarts: 0) }
        fetchAhead()
        let result: Result<ListingPlan.Piece?, StoreError>
        do throws(Errno) {
            result = try state.wait(in: backend.bulkhead) { state in
                if let failure = state.failure { return .failure(failure) }
                if !state.arrived.isEmpty { return .success(state.arrived.removeFirst()) }
                return state.plan.isDone ? .success(nil) : nil
            }
        } catch {
            throw .aborted(error)
        }
        fetchAhead()
        return try result.get()
    }

    /// Asks for nothing more; what is on its way is dropped when it comes.
    func stop() { state.update { $0.failure = $0.failure ?? .aborted(.interrupted) } }

    private func fetchAhead() {
        while true {
            let next = state.withLock { state -> (ListingPlan.Request, restarts: Int)? in
                guard state.failure == nil, state.asked + state.arrived.count < Self.limit,
                    let request = state.plan.next()
                else { return nil }
                state.asked += 1
                return (request, state.restarts)
            }
            guard let next else { return }
            backend.listers.run { [self] in
                fetch(next.0, restarts: next.restarts)
                state.update { $0.asked -= 1 }
                fetchAhead()
            }
        }
    }

    private func fetch(_ request: ListingPlan.Request, restarts: Int) {
        guard state.withLock({ $0.failure == nil && $0.restarts == restarts }) else { return }
        let asked = tick()
        do throws(StoreError) {
            let page = try backend.request { (store) throws(StoreError) in
                try store.list(prefix: prefix, delimited: isDelimited, after: request.after)
            }
            try state.update { state throws(StoreError) in
                guard state.restarts == restarts else { return }
                state.arrived.append(try state.plan.answer(request, page, askedAt: asked))
            }
        } catch {
            state.update { state in
                guard state.restarts == restarts else { return }
                if error == ListingPlan.disorder { return restart(&state) }
                state.failure = state.failure ?? error
            }
        }
    }

    /// Begins anew, one page after the other.
    private func restart(_ state: inout State) {
        backend.trustsOrder.store(false, ordering: .relaxed)
        state.restarts += 1
        state.arrived = []
        state.plan = ListingPlan(
            prefix: prefix,
            isDelimited: isDelimited,
            trustsOrder: false,
            start: tick()
        )
    }
}
