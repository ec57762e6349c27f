import Glibc

/// Sends datagrams to one Unix address, whoever listens there at the time.
struct DatagramSocket: ~Copyable, Sendable {
    private let descriptor: FileDescriptor
    private let address: sockaddr_un
    private let addressBytes: socklen_t

    /// - Parameter path: of the receiver; a name that lies in no directory is written with @ in place of
    ///   its zero byte.
    init(to path: String) throws(Errno) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        let count = bytes.count
        guard count > 0, count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .invalid
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        descriptor = FileDescriptor(owning: try retrying { socket(AF_UNIX, type, 0) })
        self.address = address
        addressBytes = socklen_t(MemoryLayout<sa_family_t>.size + count)
    }

    /// - Parameter waits: for room, where the receiver is slow; else that is `EAGAIN`.
    func send(_ bytes: [UInt8], waits: Bool) throws(Errno) {
        let number = descriptor.rawValue
        let flags = CInt(MSG_NOSIGNAL) | (waits ? 0 : CInt(MSG_DONTWAIT))
        try withUnsafePointer(to: address) { pointer throws(Errno) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { place throws(Errno) in
                _ = try retrying {
                    sendto(number, bytes, bytes.count, flags, place, addressBytes)
                }
            }
        }
    }
}
