import Base
import CFUSE
import Glibc

/// Whether requests come by io_uring.
public enum RingUse: Sendable {
    case never
    case whereSwitchedOn
    /// Also where the kernel's switch is off, which root may turn on.
    case always
}

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

    /// Threads and their rings for a session that is not mounted yet; `nil` where they are not to be used,
    /// or cannot.
    static func make(for session: OpaquePointer, _ use: RingUse) -> Rings? {
        guard use != .never else { return nil }
        // The switch may not be there before the device was used.
        if let device = try? FileDescriptor(opening: "/dev/fuse", flags: O_RDWR) {
            _ = consume device
        }
        do throws(Errno) {
            if try !isSwitchedOn() {
                guard use == .always else { return nil }
                try switchOn()
            }
        } catch {
            guard use == .always else { return nil }
            let advice =
                error == .noEntry
                ? "it needs Linux 6.14" : "\(error); as root: echo Y > \(switchPath)"
            Log.warning(
                "io_uring cannot be switched on (\(advice)): requests are read from /dev/fuse"
            )
            return nil
        }
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

    /// The kernel's switch; it is off until an administrator, or we as root, turn it on.
    private static let switchPath = "/sys/module/fuse/parameters/enable_uring"

    private static func isSwitchedOn() throws(Errno) -> Bool {
        let file = try FileDescriptor(opening: switchPath, flags: O_RDONLY)
        return try file.contents(limitBytes: 16).first == UInt8(ascii: "Y")
    }

    private static func switchOn() throws(Errno) {
        let file = try FileDescriptor(opening: switchPath, flags: O_WRONLY)
        try file.write([UInt8(ascii: "Y")].span.bytes, at: 0)
    }
}
