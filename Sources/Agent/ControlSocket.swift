import Base
public import WebServer
public import Wire

/// The control API on its Unix socket, for as long as this object is not stopped.
public final class ControlSocket: Sendable {
    private let server: Server

    /// Starts to answer; requests are carried out on threads of the server.
    ///
    /// Fails if another daemon answers there, or the socket cannot be made.
    public init(
        path: String,
        port: LocalPort? = nil,
        daemon: Status.Daemon,
        control: any Control
    ) throws(ServerError) {
        let router = Router(daemon: daemon, control: control)
        server = try Server(path: path, port: port) { request in
            router.upload(for: request)
        } upgrades: { request in
            router.refusal(ofUpgrade: request)
        } handler: { request in
            // Events are told for as long as somebody listens, and ask no store.
            Tracing.operation("\(request.method) \(request.path)") { router.respond(to: request) }
        }
    }

    /// Whether clients would be answered within a time; not after `stop()`.
    public func isAlive(within seconds: Double) -> Bool { server.isAlive(within: seconds) }

    /// Finishes what runs and closes the socket; must be called once, and before the volume stops.
    public func stop() { server.stop() }
}
