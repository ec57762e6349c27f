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

    private let file: SocketFile
    let limits: Limits
    let uploads: Server.Uploads
    let handler: Server.Handler
    let workers: Workers
    let contentWorkers = Workers("control-content", limit: Limits.contentWorkers)
    let streamers: Workers
    let shared = Mutex(Shared())
    private let protocols: UnsafeMutablePointer<lws_protocols>
    /// Kept, because the library reads it again when it stops.
    private let socketPath: UnsafeMutablePointer<CChar>?
    /// A chunk to send, with the room in front that the library asks for.
    let scratch: UnsafeMutablePointer<UInt8>
    var context: OpaquePointer?
    var connections = 0
    var exchanges: [OpaquePointer: Exchange] = [:]
    var handling: [UInt64: OpaquePointer] = [:]
    var lastNumber: UInt64 = 0

    init(
        file: SocketFile,
        limits: Limits,
        uploads: @escaping Server.Uploads,
        handler: @escaping Server.Handler
    ) throws(ServerError) {
        self.file = file
        self.limits = limits
        self.uploads = uploads
        self.handler = handler
        workers = Workers("control-work", limit: limits.handlers)
        streamers = Workers("control-stream", limit: limits.streams)
        socketPath = strdup(file.path)
        scratch = .allocate(capacity: roomBefore + Limits.chunkBytes)
        protocols = .allocate(capacity: 2)
        protocols.initialize(repeating: lws_protocols(), count: 2)
        context = nil
        quietLogging()
        try listen()
        do throws(ServerError) {
            try file.protect()
        } catch {
            close()
            throw error
        }
    }

    deinit {
        free(socketPath)
        protocols.deallocate()
        scratch.deallocate()
    }

    /// Serves until `stop()`; the only thread that touches connections.
    func run() {
        while !isOver() { lws_service(context, 0) }
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
}

/// Lives as long as the program, as the library expects.
private let staticName: StaticString = "localhost"

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
