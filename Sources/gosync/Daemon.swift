import Base
import FoundationEssentials
import HTTP
import Settings
import Wire

/// The running GoSync, asked over its control socket.
struct Daemon {
    let socketPath: String
    let client: HTTPClient

    /// Finds the socket: `--socket`, `$GOSYNC_SOCKET`, else the data directory of the configuration.
    init(_ invocation: Invocation) throws {
        let environment = ProcessInfo.processInfo.environment
        if let path = invocation.options["socket"] {
            socketPath = path
        } else if let path = environment["GOSYNC_SOCKET"], !path.isEmpty, !invocation.has("config")
        {
            socketPath = path
        } else {
            do throws(SettingsError) {
                let explicit = invocation.options["config"]
                socketPath = try Configuration.socketPath(explicit: explicit)
            } catch {
                throw Failure(.failed, "\(error)")
            }
        }
        client = HTTPClient(unixSocket: socketPath, connections: 1)
    }

    func get<M: Message>(_ endpoint: Endpoint, _ items: QueryItems = QueryItems()) throws -> M {
        try ask("GET", endpoint, items, nil)
    }

    func delete<M: Message>(_ endpoint: Endpoint, _ items: QueryItems) throws -> M {
        try ask("DELETE", endpoint, items, nil)
    }

    func post<M: Message>(_ endpoint: Endpoint, _ body: some Message) throws -> M {
        try ask("POST", endpoint, QueryItems(), body.json())
    }

    func patch<M: Message>(
        _ endpoint: Endpoint,
        _ items: QueryItems,
        _ body: some Message
    ) throws -> M {
        try ask("PATCH", endpoint, items, body.json())
    }

    /// Hands on each line of an answer as it comes; the body may take as long as what it tells of.
    func follow(
        _ method: String,
        _ endpoint: Endpoint,
        _ items: QueryItems = QueryItems(),
        body: [UInt8]? = nil,
        _ take: ([UInt8]) throws -> Void
    ) throws {
        var rest: [UInt8] = []
        var failure: (any Error)?
        let response = try sending { () throws(HTTPError) in
            let request = request(method, endpoint.rawValue + items.encoded, body)
            return try client.send(request) { head in
                head.status < 400 ? .stream : .collect
            } sink: { bytes throws(Errno) in
                unsafe bytes.withUnsafeBytes { unsafe rest.append(contentsOf: $0) }
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = Array(rest[..<end])
                    rest.removeFirst(line.count + 1)
                    do { try take(line) } catch {
                        failure = error
                        throw .interrupted
                    }
                }
            }
        }
        if let failure { throw failure }
        try check(response)
    }

    /// The file of the volume that `path` means, whether it is typed so or as a path in the mount.
    func file(_ path: String?) throws -> String {
        try resolver(for: path).file(path)
    }

    /// The place below `/filters` that `path` means.
    func filter(_ path: String) throws -> String {
        try resolver(for: path).filter(path)
    }

    private func resolver(for path: String?) throws -> PathResolver {
        // What is plainly a path of the volume needs no question about mounts.
        if let path, PathResolver.isVirtual(path) {
            return PathResolver(mountPoints: [], backends: [])
        }
        let status: Status = try get(.status)
        return PathResolver(
            mountPoints: status.daemon.mountPoints,
            backends: status.volume.backends.map(\.id)
        )
    }

    private func ask<M: Message>(
        _ method: String,
        _ endpoint: Endpoint,
        _ items: QueryItems,
        _ body: [UInt8]?
    ) throws -> M {
        let response = try sending { () throws(HTTPError) in
            try client.send(request(method, endpoint.rawValue + items.encoded, body))
        }
        return try message(in: response)
    }

    func message<M: Message>(in response: HTTPResponse) throws(Failure) -> M {
        try check(response)
        do throws(MessageError) {
            return try M(json: response.body)
        } catch {
            let advice = "are gosync and gosync-mount of one version?"
            throw Failure(
                .failed,
                "the daemon's answer makes no sense (\(error.reason)); \(advice)"
            )
        }
    }

    /// Throws what the daemon says if it is a problem.
    func check(_ response: HTTPResponse) throws(Failure) {
        guard response.status >= 400 else { return }
        let problem = try? Problem(json: response.body)
        var failure = Failure(.failed, problem?.detail ?? "the daemon answered \(response.status)")
        failure.isAbsence = response.status == 404
        throw failure
    }

    private func request(_ method: String, _ path: String, _ body: [UInt8]?) -> HTTPRequest {
        var headers = HTTPHeaders()
        if body != nil { headers["Content-Type"] = "application/json" }
        return HTTPRequest(
            method,
            "http://localhost\(path)",
            headers: headers,
            body: body.map { .bytes($0) } ?? .none,
            // The daemon itself answers after a minute, whatever happens.
            limits: HTTPLimits(connectSeconds: 5, stallSeconds: 70, collectedBytes: 64 << 20)
        )
    }

    private func sending(
        _ send: () throws(HTTPError) -> HTTPResponse
    ) throws(Failure) -> HTTPResponse {
        do throws(HTTPError) {
            return try send()
        } catch {
            throw failure(error)
        }
    }

    func failure(_ error: HTTPError) -> Failure {
        guard case .unreachable = error else {
            return Failure(.failed, "no answer from GoSync at \(socketPath): \(error)")
        }
        return isNotRunning
    }

    var isNotRunning: Failure {
        let advice = "start it with 'gosync-mount MOUNTPOINT'"
        return Failure(
            .noDaemon,
            "GoSync is not running: nothing answers at \(socketPath); \(advice)"
        )
    }
}
