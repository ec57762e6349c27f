import Foundation

/// Bodies that run side by side, each on a thread of its own: they may block, and none waits for a core.
public final class Threads: Sendable {
    private let group = DispatchGroup()

    public init() {}

    public func start(_ body: @escaping @Sendable () -> Void) {
        group.enter()
        Thread { [group] in
            body()
            group.leave()
        }.start()
    }

    /// Returns when all have ended.
    public func wait() { group.wait() }
}
