import CLinux

/// How the calling thread waits for a store: a property of the thread, as `errno` is.
///
/// - A thread of our own waits for as long as it takes.
/// - A thread that must answer others meanwhile (`withoutWaiting`) does not wait at all: what would wait
///   throws `Errno.wouldWait` before anything has changed, and the whole request is repeated on a
///   thread of the store's `Bulkhead`.
/// - There (`whileWanted`), every wait looks from time to time whether anybody still wants the result,
///   and throws EINTR if not.
///
/// So code that may wait looks the same for all three, and only the waits themselves know.
public enum Patience {
    /// Seconds between two looks whether a result is still wanted.
    public static let pollSeconds = 0.1

    /// Runs `body`, in which nothing may wait for a store.
    ///
    /// Returns where to repeat it, if it left its request unanswered (`leaveUnanswered`).
    public static func withoutWaiting(_ body: () -> Void) -> Bulkhead? {
        let own = gosync_thread_patience()!
        precondition(own.pointee.must_not_wait == 0 && own.pointee.is_over == nil)
        own.pointee.must_not_wait = 1
        defer { own.pointee = gosync_patience() }
        body()
        let bulkhead = Bulkhead.taken(from: own)
        return own.pointee.is_unanswered != 0 ? bulkhead : nil
    }

    /// Runs `body`, whose waits end with EINTR once `isOver` answers anything but 0.
    ///
    /// `isOver` is called on this thread, about ten times a second, also under locks.
    public static func whileWanted(
        unless isOver: @convention(c) (UnsafeMutableRawPointer?) -> CInt,
        _ context: UnsafeMutableRawPointer?,
        _ body: () -> Void
    ) {
        let own = gosync_thread_patience()!
        precondition(own.pointee.must_not_wait == 0 && own.pointee.is_over == nil)
        own.pointee.is_over = isOver
        own.pointee.context = context
        defer { own.pointee = gosync_patience() }
        body()
    }

    /// Takes note that a request met `Errno.wouldWait` and has had no answer; `false` on a thread that
    /// may wait, where that must not happen.
    public static func leaveUnanswered() -> Bool {
        let own = gosync_thread_patience()!
        guard own.pointee.must_not_wait != 0, own.pointee.bulkhead != nil else { return false }
        own.pointee.is_unanswered = 1
        return true
    }

    /// - Throws: EINTR if nobody wants the result of what this thread does any more.
    public static func check() throws(Errno) {
        let own = gosync_thread_patience()!
        if let isOver = own.pointee.is_over, isOver(own.pointee.context) != 0 {
            throw .interrupted
        }
    }

    /// Whether somebody may lose interest in what this thread does.
    public static var isAsked: Bool { gosync_thread_patience()!.pointee.is_over != nil }
}

extension Errno {
    /// Says nothing of a store: the wait for it ended, or was not to begin.
    public var isUnfinished: Bool { self == .wouldWait || self == .interrupted }
}

extension Bulkhead {
    /// Called where a thread is about to wait for the store.
    ///
    /// - Throws: `wouldWait` on a thread that must not.
    public func admit() throws(Errno) {
        let own = gosync_thread_patience()!
        guard own.pointee.must_not_wait != 0 else { return }
        _ = Self.taken(from: own)
        // Its store may be taken away before the request is repeated.
        own.pointee.bulkhead = UnsafeRawPointer(Unmanaged.passRetained(self).toOpaque())
        throw .wouldWait
    }

    /// The one that a thread was last to wait in; forgotten there.
    fileprivate static func taken(
        from own: UnsafeMutablePointer<gosync_patience>
    ) -> Bulkhead? {
        defer { own.pointee.bulkhead = nil }
        return own.pointee.bulkhead.map { Unmanaged<Bulkhead>.fromOpaque($0).takeRetainedValue() }
    }
}
