import Glibc

/// What a service says to the manager that started it, such as systemd.
public enum ServiceManager {
    /// Sends a state such as `READY=1` to the datagram socket of `$NOTIFY_SOCKET`; nothing without one.
    ///
    /// A manager that cannot be told is no reason to end: it will notice by itself.
    public static func tell(_ state: String) {
        guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }) else { return }
        do throws(Errno) {
            try send(state, to: path)
        } catch {
            Log.warning("cannot tell the service manager '\(state)' at \(path): \(error)")
        }
    }

    private static func send(_ state: String, to path: String) throws(Errno) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        // A name that lies in no directory is written with @ in place of its zero byte.
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        let count = bytes.count
        guard count > 0, count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .invalid
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let own = FileDescriptor(owning: try retrying { socket(AF_UNIX, type, 0) })
        let number = own.rawValue
        let length = socklen_t(MemoryLayout<sa_family_t>.size + count)
        let text = Array(state.utf8)
        try withUnsafePointer(to: &address) { pointer throws(Errno) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { place throws(Errno) in
                _ = try retrying {
                    sendto(number, text, text.count, CInt(MSG_NOSIGNAL), place, length)
                }
            }
        }
        _ = consume own
    }
}
