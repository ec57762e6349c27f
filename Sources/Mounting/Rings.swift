import Base
import CFUSE

/// Requests by io_uring instead of by read(2) from `/dev/fuse` (Linux 6.14 and later): a request is answered
/// on the processor that its program runs on, so no other has to be woken for it.
///
/// - `make`, then `start` from the thread that runs the session, then `readOthers` there; at last `end`.
/// - `stop` from any thread in between.
final class Rings: @unchecked Sendable {
    // @unchecked: only `stop` is called from other threads, and it does no more than write to a descriptor.
    private let handle: OpaquePointer
    private let session: OpaquePointer

    private init(_ handle: OpaquePointer, of session: OpaquePointer) {
        self.handle = handle
        self.session = session
    }

    /// After `end`, and when nobody answers a request any more.
    deinit { gosync_free_rings(handle) }

    /// Threads and their rings for a session that is not mounted yet; `nil`, and a warning, where there can be
    /// none.
    static func make(for session: OpaquePointer) -> Rings? {
        guard let made = gosync_make_rings(session) else {
            Log.warning(
                "io_uring cannot be used (\(Errno.current)): requests are read from /dev/fuse"
            )
            return nil
        }
        return Rings(made, of: session)
    }

    /// Answers the kernel's first request; whether all others come by rings, but for those that forget or
    /// interrupt.
    func start() -> Bool {
        let isUsed = gosync_start_rings(session, handle) != 0
        if !isUsed { Log.warning("the kernel refuses io_uring: requests are read from /dev/fuse") }
        return isUsed
    }

    func readOthers() { gosync_read_others(handle) }

    func stop() { gosync_stop_rings(handle) }

    func end() { gosync_end_rings(handle) }
}
