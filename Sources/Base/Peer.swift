import CLinux

/// The user who connected a Unix socket, as the kernel noted it; `nil` if it is no such socket.
public func userAtOtherEnd(of connection: CInt) -> UInt32? {
    var user: uid_t = 0
    return gosync_peer_user(connection, &user) == 0 ? user : nil
}
