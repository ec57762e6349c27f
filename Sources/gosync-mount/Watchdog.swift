import Agent
import Base
import Glibc
import Synchronization

/// Tells the service manager that the daemon is alive, for as long as it is: the kernel gets answers from
/// the mount, and clients would get them from the control socket.
///
/// Where one of them hangs, nothing more is told, and the manager does what its unit says.
final class Watchdog: Sendable {
    private struct State {
        var isStopping = false
        var hasComplained = false
    }

    private let teller = Workers("watchdog", limit: 1)
    private let state = Monitor(State())
    private let isStopped = Atomic(false)

    /// - Parameters:
    ///   - path: where the mount is.
    ///   - seconds: how often the manager wants to be told at least; `nil` if it does not.
    init(path: String, socket: ControlSocket, everySeconds seconds: Double?) {
        guard let seconds else { return }
        teller.run { [self] in
            // Twice as often as asked for, so that a late one is not the last.
            while !pause(seconds / 2) { tell(path, socket, within: seconds / 4) }
        }
    }

    /// Ends the telling; while the mount is still answered, because it may just be asked.
    ///
    /// May be called more than once.
    func stop() {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        state.update { $0.isStopping = true }
        teller.stop()
    }

    /// Whether the telling ends.
    private func pause(_ seconds: Double) -> Bool {
        state.wait(atMost: seconds) { $0.isStopping ? true : nil } ?? false
    }

    private func tell(_ path: String, _ socket: ControlSocket, within seconds: Double) {
        // The kernel keeps no answer to this one: it comes from the daemon.
        var status = statvfs()
        let isMountAlive = statvfs(path, &status) == 0
        let isSocketAlive = socket.isAlive(within: seconds)
        if isMountAlive, isSocketAlive {
            state.update { $0.hasComplained = false }
            return ServiceManager.tell("WATCHDOG=1")
        }
        let isNews = state.update { state in
            defer { state.hasComplained = true }
            return !state.hasComplained
        }
        guard isNews else { return }
        let what = isMountAlive ? "the control socket" : path
        Log.error("\(what) does not answer: the service manager is not told that all is well")
    }
}
