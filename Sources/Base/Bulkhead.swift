/// The threads that may be busy with, or wait for, one store: if it dies, these are all that it takes.
///
/// The threads are started as they are needed. A job of an upper row may wait for one of a lower row,
/// never the other way round.
public final class Bulkhead: Sendable {
    /// Requests of programs, for as long as they wait; more of them queue, which the kernel bounds.
    public let waiters = Workers("wait", limit: 32)
    /// Deliveries that a program waits for; it may leave, they go on.
    public let deliverers = Workers("deliver", limit: 32)
    /// Deliveries that nobody waits for.
    public let uploaders = Workers("upload", limit: 16)
    /// Looks at objects side by side, for one program that comes to each of them.
    public let lookers = Workers("look", limit: 32)
    /// Fetches for the cache, each for any number of readers.
    public let fetchers = Workers("fetch", limit: 24)

    public init() {}

    /// Runs `body` on a thread of its own and waits for it; who does not want the result any more leaves
    /// with EINTR, and `body` goes on.
    public func deliver<R: Sendable>(_ body: @escaping @Sendable () -> R) throws(Errno) -> R {
        try admit()
        let outcome = Monitor<R?>(nil)
        deliverers.run {
            let result = body()
            outcome.update { $0 = result }
        }
        return try outcome.wait(in: self) { $0 }
    }

    /// Ends the threads, those first that wait for others; what runs is finished.
    public func stop() { for workers in all { workers.stop() } }

    /// Ends the threads while others may still come.
    ///
    /// What is queued is finished as well, and what comes later runs on the threads that bring it. The
    /// store must answer all of it soon, if only by a refusal.
    public func finish() { for workers in all { workers.finish() } }

    private var all: [Workers] { [waiters, deliverers, uploaders, lookers, fetchers] }
}
