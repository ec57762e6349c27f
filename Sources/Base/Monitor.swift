import Glibc

/// A value that threads change under a lock and wait on.
///
/// `Mutex` protects a value; `Monitor` also lets a thread sleep until another one has changed it.
/// It is the only place in the project that speaks to pthreads about locking.
public final class Monitor<State>: @unchecked Sendable {
    // @unchecked: `state` is only touched between lock and unlock.
    private var state: State
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    public init(_ state: sending State) {
        self.state = state
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(lock)
        changed.deallocate()
        lock.deallocate()
    }

    /// Changes the state, and wakes every waiting thread.
    public func update<R: ~Copyable, E>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
        pthread_mutex_lock(lock)
        // Whoever wakes up finds the lock free.
        defer {
            pthread_mutex_unlock(lock)
            pthread_cond_broadcast(changed)
        }
        return try body(&state)
    }

    /// Changes the state, and wakes one waiting thread: for where any of them will do, and no thread
    /// waits for something else.
    public func updateForOne<R: ~Copyable, E>(
        _ body: (inout State) throws(E) -> R
    ) throws(E) -> R {
        pthread_mutex_lock(lock)
        defer {
            pthread_mutex_unlock(lock)
            pthread_cond_signal(changed)
        }
        return try body(&state)
    }

    /// Looks at the state, or changes what nobody waits for, and wakes no one.
    public func withLock<R: ~Copyable, E>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&state)
    }

    /// Sleeps until `body` has something to return.
    @discardableResult
    public func wait<R>(until body: (inout State) -> R?) -> R {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while true {
            if let result = body(&state) { return result }
            pthread_cond_wait(changed, lock)
        }
    }

    /// Sleeps until `body` has something to return, or for at most `seconds`: then `nil`.
    @discardableResult
    public func wait<R>(atMost seconds: Double, until body: (inout State) -> R?) -> R? {
        let limit = Timestamp(nanoseconds: Int64((monotonicSeconds() + seconds) * 1e9)).timespec
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while true {
            if let result = body(&state) { return result }
            var limit = limit
            if pthread_cond_timedwait(changed, lock, &limit) == ETIMEDOUT { return body(&state) }
        }
    }

    /// Sleeps until `body` has something to return, which a store may hold up.
    ///
    /// - Throws: `wouldWait` on a thread that must not, EINTR once nobody wants the result (`Patience`).
    @discardableResult
    public func wait<R>(
        in bulkhead: Bulkhead,
        until body: (inout State) -> R?
    ) throws(Errno) -> R {
        if let result = withLock(body) { return result }
        try bulkhead.admit()
        while true {
            if let result = try wait(whileWantedAtMost: 60, until: body) { return result }
        }
    }

    /// Like `wait(atMost:)`, on a thread that may wait: throws EINTR once nobody wants the result.
    @discardableResult
    public func wait<R>(
        whileWantedAtMost seconds: Double,
        until body: (inout State) -> R?
    ) throws(Errno) -> R? {
        let end = monotonicSeconds() + seconds
        while true {
            try Patience.check()
            let left = end - monotonicSeconds()
            let step = Patience.isAsked ? min(left, Patience.pollSeconds) : left
            if let result = wait(atMost: step, until: body) { return result }
            if step >= left { return nil }
        }
    }
}
