import Base

/// Answers HTTP/1.1 requests on a Unix socket and, if asked to, on a port of this machine.
///
/// Concurrency: one thread speaks to all clients and never waits for any of them; handlers run on a
/// few others and may block. Clients must be the user this process runs as, or root; by TCP, whoever has
/// the token.
public final class Server: Sendable {
    public typealias Handler = @Sendable (Request) -> Response
    /// Who takes the body of a request, if not the handler; called without the body, and must not block.
    public typealias Uploads = @Sendable (Request) -> (any Upload)?

    /// Whether a client may turn its connection into a WebSocket; an answer refuses.
    ///
    /// Must not block.
    public typealias Upgrades = @Sendable (Request) -> Response?

    public let path: String
    private let service: Service
    private let listener = Workers("control", limit: 1)

    /// Listens; from here on `uploads` and `handler` may be called, on several threads at once.
    ///
    /// The directory of `path` is made or closed to other users, a socket nobody answers at is
    /// replaced, and one that lives is an error.
    public init(
        path: String,
        port: LocalPort? = nil,
        limits: Limits = Limits(),
        uploads: @escaping Uploads = { _ in nil },
        upgrades: @escaping Upgrades = { _ in .noWebSocket },
        handler: @escaping Handler
    ) throws(ServerError) {
        self.path = path
        let file = SocketFile(path: path)
        try file.prepare()
        service = try Service(
            file: file,
            port: port,
            limits: limits,
            asking: Service.Questions(uploads: uploads, upgrades: upgrades, handler: handler)
        )
        listener.run { [service] in service.run() }
    }

    /// Whether clients would be answered: the thread that speaks to them is asked, and waited for so long.
    ///
    /// Must not be called after `stop()`.
    public func isAlive(within seconds: Double) -> Bool { service.isAlive(within: seconds) }

    /// Lets running handlers finish and their answers go out, then closes every connection.
    ///
    /// Must be called once before the server is let go of, and not from a handler.
    public func stop() {
        service.stop()
        listener.stop()
        service.close()
    }
}
