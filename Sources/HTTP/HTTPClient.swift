public import Base

/// Sends HTTP/1.1 requests over a bounded pool of connections that are kept alive.
///
/// Redirects are answers like any other. Every request runs on its caller's thread; when all
/// connections are busy, the thread waits for one. Any number of threads may send at once. A thread whose
/// result nobody wants any more (`Patience`) leaves with `HTTPError.aborted(.interrupted)`.
public final class HTTPClient: Sendable {
    private struct Pool {
        var idle: [Connection] = []
        var busy = 0
        var closed = false
    }

    private let pool = Monitor(Pool())
    private let limit: Int
    private let unixSocket: String?
    private let closing = ClosingFlag()

    /// Speaks to any host, with at most `connections` requests under way at once.
    public init(connections: Int = 64) {
        limit = connections
        unixSocket = nil
    }

    /// Speaks to a server on a Unix socket instead; the host in a URL is then only a name.
    public init(unixSocket: String, connections: Int = 4) {
        limit = connections
        self.unixSocket = unixSocket
    }

    deinit { close() }

    /// Sends a small request and collects the answer, for `init(unixSocket:)` with no host to name.
    ///
    /// `path` is absolute, percent-encoded, and may carry a query.
    public func request(
        _ method: String,
        _ path: String,
        headers: HTTPHeaders = HTTPHeaders(),
        body: [UInt8]? = nil,
        limits: HTTPLimits = HTTPLimits()
    ) throws(HTTPError) -> HTTPResponse {
        let body = body.map { HTTPBody.bytes($0) } ?? .none
        return try send(
            HTTPRequest(
                method,
                "http://localhost\(path)",
                headers: headers,
                body: body,
                limits: limits
            )
        )
    }

    /// Sends a request, and collects the body of the answer.
    public func send(_ request: HTTPRequest) throws(HTTPError) -> HTTPResponse {
        try send(request) { _ in
            .collect
        } sink: { _ throws(Errno) in
        }
    }

    /// Sends a request; once the head is here, `use` says what becomes of the body.
    ///
    /// Both closures run on the calling thread. `sink` gets the body in pieces as they arrive, if it
    /// is streamed; what it throws ends the transfer as `HTTPError.aborted`.
    public func send(
        _ request: HTTPRequest,
        use: (HTTPHead) -> HTTPBodyUse,
        sink: (RawSpan) throws(Errno) -> Void
    ) throws(HTTPError) -> HTTPResponse {
        let connection = try take()
        defer { giveBack(connection) }
        do throws(HTTPError) {
            return try withoutActuallyEscaping(use) { use throws(HTTPError) in
                try withoutActuallyEscaping(sink) { sink throws(HTTPError) in
                    let transfer = Transfer(request, use: use, sink: sink, closing: closing)
                    return try connection.perform(transfer)
                }
            }
        } catch {
            if error.isLossOfContact { forgetConnections() }
            throw error
        }
    }

    /// What was kept from before a loss of contact may be as dead: each one would cost its own timeout.
    private func forgetConnections() { pool.update { $0.idle = [] } }

    /// Drops idle connections, and ends within a second what is under way, as `HTTPError.closed`.
    public func close() {
        closing.raise()
        pool.update { pool in
            pool.closed = true
            pool.idle = []
        }
    }

    /// That others are busy says nothing of the server, so this has a limit of its own.
    private static let turnSeconds = 60.0

    private func take() throws(HTTPError) -> Connection {
        let found: Result<Connection?, HTTPError>?
        do throws(Errno) {
            found = try pool.wait(whileWantedAtMost: Self.turnSeconds) { pool in
                if pool.closed { return .failure(.closed) }
                guard pool.busy < limit else { return nil }
                pool.busy += 1
                // The one used last is the one most likely still connected.
                return .success(pool.idle.popLast())
            }
        } catch {
            throw .aborted(error)
        }
        guard let found else { throw .timedOut("all \(limit) connections are busy") }
        return try found.get() ?? Connection(unixSocket: unixSocket)
    }

    private func giveBack(_ connection: Connection) {
        pool.update { pool in
            pool.busy -= 1
            if !pool.closed { pool.idle.append(connection) }
        }
    }
}
