/// A port of this machine at which a server listens besides its socket.
public struct LocalPort: Sendable {
    /// Such as `127.0.0.1` or `::1`.
    public var address: String
    public var number: UInt16
    /// What a client has to show, as `Authorization: Bearer` has it.
    public var token: String

    public init(address: String, number: UInt16, token: String) {
        self.address = address
        self.number = number
        self.token = token
    }
}
