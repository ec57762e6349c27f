import Base
import CWebSockets
import Glibc
import Synchronization

/// The side of the server that libwebsockets sees: contexts, callbacks, connections.
///
/// @unchecked: `context` and `exchanges` belong to the thread in `run()`, except that
/// `lws_cancel_service` may be called from any; `shared` has a lock.
final class Service: @unchecked Sendable {
    struct Shared {
        var finished: [(number: UInt64, response: Response)] = []
        var content: [(number: UInt64, event: ContentEvent)] = []
        /// Answers that are being written piece by piece.
        var streams: [UInt64: ResponseStream] = [:]
        var isStopping = false
        var stopsAt: Double?
    }

    /// Who answers.
    struct Questions: Sendable {
        let uploads: Server.Uploads
        let upgrades: Server.Upgrades
        let handler: Server.Handler
    }

    private let file: SocketFile
    let port: LocalPort?
    let limits: Limits
    let asking: Questions
    let workers: Workers
    let contentWorkers = Workers("control-content", limit: Limits.contentWorkers)
    let streamers: Workers
    let shared = Mutex(Shared())
    /// Moves whenever the thread that speaks to clients looks up.
    let pulse = Monitor(0)
    private let protocols: UnsafeMutablePointer<lws_protocols>
    /// Kept, because the library reads it again when it stops.
    private let socketPath: UnsafeMutablePointer<CChar>?
    private let portAddress: UnsafeMutablePointer<CChar>?
    /// A chunk to send, with the room in front that the library asks for.
    let scratch: UnsafeMutablePointer<UInt8>
    var context: OpaquePointer?
    var connections = 0
    /// Something came of the library's last look.
    var hasWorked = false
    var remoteConnections: Set<OpaquePointer> = []
    var exchanges: [OpaquePointer: Exchange] = [:]
    var handling: [UInt64: OpaquePointer] = [:]
    var lastNumber: UInt64 = 0

    init(
        file: SocketFile,
        port: LocalPort?,
        limits: Limits,
        asking: Questions
    ) throws(ServerError) {
        self.file = file
        self.port = port
        self.limits = limits
        self.asking = asking
        workers = Workers("control-work", limit: limits.handlers)
        streamers = Workers("control-stream", limit: limits.streams)
        socketPath = strdup(file.path)
        portAddress = port.flatMap { strdup($0.address) }
        scratch = .allocate(capacity: roomBefore + Limits.chunkBytes)
        protocols = .allocate(capacity: 2)
        protocols.initialize(repeating: lws_protocols(), count: 2)
        context = nil
        quietLogging()
        try listen()
        do throws(ServerError) {
            try file.protect()
            if let port { try listen(at: port) }
        } catch {
            close()
            throw error
        }
    }

    deinit {
        free(socketPath)
        free(portAddress)
        protocols.deallocate()
        scratch.deallocate()
    }

    /// Serves until `stop()`; the only thread that touches connections.
    func run() {
        var idleTurns = 0
        while !isOver() {
            hasWorked = false
            lws_service(context, 0)
            idleTurns = hasWorked ? 0 : idleTurns + 1
            // Bytes behind a request whose answer is on its way have the library come back to them again and
            // again, for nothing: it does so a thousand times a second then, and not a million.
            if idleTurns > Limits.idleTurns { usleep(Limits.idleMicroseconds) }
        }
    }

    /// Ends `run()`, once running handlers are done and their answers taken.
    func stop() {
        let streams = shared.withLock { shared in
            shared.isStopping = true
            return shared.streams.values
        }
        for stream in streams { stream.abandon() }
        // Joins those who answer, so that nobody wakes the service once it is gone.
        workers.stop()
        contentWorkers.stop()
        streamers.stop()
        shared.withLock { $0.stopsAt = monotonicSeconds() + Limits.farewellSeconds }
        lws_cancel_service(context)
    }

    /// Whether the thread that speaks to clients looks up within a time.
    func isAlive(within seconds: Double) -> Bool {
        let before = pulse.withLock { $0 }
        lws_cancel_service(context)
        return pulse.wait(atMost: seconds) { $0 != before ? true : nil } ?? false
    }

    /// Closes every connection, after `run()` has returned or if it never began.
    func close() {
        lws_context_destroy(context)
        context = nil
        file.remove()
    }

    private func isOver() -> Bool {
        let (end, isAllSent) = shared.withLock {
            ($0.stopsAt, $0.finished.isEmpty && $0.content.isEmpty)
        }
        guard let end else { return false }
        let isIdle = isAllSent && exchanges.values.allSatisfy { $0.answer == nil }
        return isIdle || monotonicSeconds() > end
    }

    private func listen() throws(ServerError) {
        var info = lws_context_creation_info()
        let name = UnsafeRawPointer(staticName.utf8Start).assumingMemoryBound(to: CChar.self)
        protocols[0].name = name
        protocols[0].callback = callback
        info.protocols = UnsafePointer(protocols)
        info.options =
            UInt64(LWS_SERVER_OPTION_UNIX_SOCK) | UInt64(LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND)
        info.iface = UnsafePointer(socketPath)
        info.vhost_name = name
        info.user = Unmanaged.passUnretained(self).toOpaque()
        info.max_http_header_data = UInt16(Limits.headerBytes)
        info.max_http_header_pool = UInt16(limits.requests)
        info.pt_serv_buf_size = UInt32(Limits.chunkBytes)
        info.fd_limit_per_thread = UInt32(limits.connections + 8)
        // It counts what a store takes its time for as the client's; the timers here know better.
        info.timeout_secs = UInt32(Limits.storeSeconds)
        context = lws_create_context(&info)
        guard context != nil else {
            throw ServerError(description: "cannot listen at \(file.path): \(Errno.current)")
        }
    }

    private func listen(at port: LocalPort) throws(ServerError) {
        var info = lws_context_creation_info()
        info.protocols = UnsafePointer(protocols)
        info.options = UInt64(LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND)
        if !port.address.contains(":") {
            info.options |= UInt64(LWS_SERVER_OPTION_DISABLE_IPV6)
        }
        info.port = CInt(port.number)
        info.iface = UnsafePointer(portAddress)
        info.vhost_name = UnsafeRawPointer(remoteName.utf8Start).assumingMemoryBound(to: CChar.self)
        info.timeout_secs = UInt32(Limits.storeSeconds)
        guard lws_create_vhost(context, &info) != nil else {
            let place = "\(port.address) port \(port.number)"
            let advice = "is another program there? Choose another [control] listen"
            throw ServerError(description: "cannot listen at \(place): \(Errno.current); \(advice)")
        }
    }

    /// Asked of the connection itself: what a client says of its host must not matter.
    func isRemote(_ wsi: OpaquePointer) -> Bool {
        port != nil && !SocketFile.isUnixSocket(lws_get_socket_fd(wsi))
    }
}

/// These live as long as the program, as the library expects.
private let staticName: StaticString = "localhost"
private let remoteName: StaticString = "port"

private func callback(
    _ wsi: OpaquePointer?,
    _ reason: lws_callback_reasons,
    _ user: UnsafeMutableRawPointer?,
    _ input: UnsafeMutableRawPointer?,
    _ count: Int
) -> CInt {
    guard let wsi, let context = lws_get_context(wsi), let user = lws_context_user(context) else {
        return 0
    }
    let service = Unmanaged<Service>.fromOpaque(user).takeUnretainedValue()
    return service.handle(wsi, reason, input, count)
}

/// The library writes to standard error unless told otherwise.
private func quietLogging() {
    lws_set_log_level(LLL_ERR | LLL_WARN) { _, line in
        guard let line else { return }
        let text = String(cString: line)
        Log.debug("libwebsockets: \(text.prefix { $0 != "\n" })")
    }
}
