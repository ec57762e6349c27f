import Glibc

/// What a service says to the manager that started it, such as systemd.
public enum ServiceManager {
    /// Sends a state such as `READY=1` to the datagram socket of `$NOTIFY_SOCKET`; nothing without one.
    ///
    /// A manager that cannot be told is no reason to end: it will notice by itself.
    public static func tell(_ state: String) {
        guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }) else { return }
        do throws(Errno) {
            try DatagramSocket(to: path).send(Array(state.utf8), waits: true)
        } catch {
            Log.warning("cannot tell the service manager '\(state)' at \(path): \(error)")
        }
    }

    /// How often the manager wants to be told that this process is alive; `nil` if it does not ask.
    public static var watchdogSeconds: Double? {
        guard let text = getenv("WATCHDOG_USEC").map({ String(cString: $0) }),
            let microseconds = Double(text), microseconds > 0
        else { return nil }
        // A process that this one was started by may be meant.
        if let owner = getenv("WATCHDOG_PID").map({ String(cString: $0) }), owner != "\(getpid())" {
            return nil
        }
        return microseconds / 1e6
    }
}
