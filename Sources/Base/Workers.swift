import CLinux
import Glibc

/// A bounded set of named threads that run jobs in the order they came.
///
/// Jobs may block. `stop()` lets running jobs finish, drops those not begun, and joins every thread;
/// it must not be called from a job. `finish()` runs what is queued first, and those that come too late
/// on the threads that bring them, so whoever waits for a job does not wait in vain.
///
/// A job may be queued with a question whether it is over before it began, such as a request whose
/// caller is gone. It is asked while all threads are busy, and answered jobs are run out of turn on one
/// thread more: all that is left to them is to say so.
///
/// A job works for the operation that the thread which queued it works for (`Tracing`).
public final class Workers: Sendable {
    public typealias Job = @Sendable () -> Void

    private struct Queued {
        var job: Job
        var isOver: (@Sendable () -> Bool)?
        var operation = Tracing.current
    }

    private struct State {
        var jobs: [Queued] = []
        var next = 0
        var stopping = false
        /// No job is dropped.
        var finishing = false
        var threads: [pthread_t] = []
        var idle = 0
        /// The thread that looks for jobs that are over.
        var patrol: pthread_t?

        var isQueueEmpty: Bool { next == jobs.count }

        mutating func takeOver() -> [Queued] {
            let over = jobs[next...].indices.filter { jobs[$0].isOver?() ?? false }
            let taken = over.map { jobs[$0] }
            for index in over.reversed() { jobs.remove(at: index) }
            forgetTaken()
            return taken
        }

        mutating func forgetTaken() {
            guard isQueueEmpty else { return }
            jobs.removeAll(keepingCapacity: true)
            next = 0
        }
    }

    /// What wakes the thread that looks for jobs that are over.
    private struct Call {
        var isCalled = false
        var isLast = false
    }

    private let state = Monitor(State())
    private let call = Monitor(Call())
    private let name: String
    private let limit: Int

    /// - Parameters:
    ///   - name: shown by `ps -L`; 15 bytes at most are kept.
    ///   - limit: the most threads; each is started when a job finds no idle one.
    public init(_ name: String, limit: Int) {
        self.name = name
        self.limit = limit
    }

    /// Queues a job; after `stop()` it is dropped, after `finish()` it is run here and now.
    public func run(_ job: @escaping Job) { run(Queued(job: job)) }

    /// Queues a job that may be over before it began: `isOver` is called under a lock, and must be quick.
    public func run(unless isOver: @escaping @Sendable () -> Bool, _ job: @escaping Job) {
        run(Queued(job: job, isOver: isOver))
    }

    private func run(_ queued: Queued) {
        // All would wake up for one job, and all but one for nothing.
        let (isLate, mayBeOver) = state.updateForOne { state in
            guard !state.stopping else { return (state.finishing, false) }
            state.jobs.append(queued)
            let waiting = state.jobs.count - state.next
            guard waiting > state.idle else { return (false, false) }
            if state.threads.count < limit {
                state.threads.append(startThread { [self] in work() })
                return (false, false)
            }
            if queued.isOver != nil, state.patrol == nil {
                state.patrol = startThread { [self] in patrol() }
            }
            return (false, queued.isOver != nil)
        }
        if isLate { queued.job() }
        if mayBeOver { call.update { $0.isCalled = true } }
    }

    /// How many jobs run, and how many wait for a thread.
    public var load: (running: Int, queued: Int) {
        state.withLock { ($0.threads.count - $0.idle, $0.jobs.count - $0.next) }
    }

    /// Finishes what runs, drops the rest, and joins the threads.
    public func stop() {
        end { state in
            state.finishing = false
            state.jobs = []
            state.next = 0
        }
    }

    /// Finishes what runs and what is queued, and joins the threads.
    public func finish() { end { $0.finishing = true } }

    private func end(_ body: (inout State) -> Void) {
        let threads = state.update { state in
            state.stopping = true
            body(&state)
            defer {
                state.threads = []
                state.patrol = nil
            }
            return state.threads + [state.patrol].compactMap { $0 }
        }
        call.update { $0.isLast = true }
        for thread in threads { pthread_join(thread, nil) }
    }

    private func work() {
        gosync_name_thread(name)
        while let queued = nextJob() { Tracing.working(for: queued.operation, queued.job) }
    }

    private func nextJob() -> Queued? {
        state.withLock { $0.idle += 1 }
        let job: Queued?? = state.wait { state in
            if state.stopping, state.isQueueEmpty || !state.finishing { return .some(nil) }
            if state.isQueueEmpty { return nil }
            defer {
                state.next += 1
                state.forgetTaken()
            }
            state.idle -= 1
            return .some(state.jobs[state.next])
        }
        return job ?? nil
    }

    /// Runs out of turn what is over, for as long as there is a queue to look through.
    private func patrol() {
        gosync_name_thread(name)
        while isCalled() {
            let (over, isEmpty) = state.withLock { ($0.takeOver(), $0.isQueueEmpty) }
            for queued in over { Tracing.working(for: queued.operation, queued.job) }
            if !isEmpty { call.withLock { $0.isCalled = true } }
            call.wait(atMost: Patience.pollSeconds) { $0.isLast ? true : nil }
        }
    }

    /// Waits until there may be something to look through; `false` at the end.
    private func isCalled() -> Bool {
        call.wait { call -> Bool? in
            if call.isLast { return false }
            guard call.isCalled else { return nil }
            call.isCalled = false
            return true
        }
    }
}

private func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let code = gosync_start_thread(
        &thread,
        { argument in
            Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        },
        Unmanaged.passRetained(Box(body)).toOpaque()
    )
    precondition(code == 0, "cannot start a thread: \(Errno(code))")
    return thread
}
