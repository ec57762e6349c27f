import Base
import Foundation
import Synchronization
import TestSupport
import WebServer

/// A server in a directory of its own, which says what it was asked.
final class ServerFixture: Sendable {
    let folder: String
    let path: String
    private let server: Server
    private let isStopped = Atomic(false)

    init(
        port: LocalPort? = nil,
        limits: Limits = Limits(),
        handler: @escaping Server.Handler = ServerFixture.echo
    ) throws {
        folder = Self.newFolder()
        path = folder + "/x.sock"
        server = try Server(
            path: path,
            port: port,
            limits: limits,
            handler: handler
        )
    }

    init(upgrades: @escaping Server.Upgrades, handler: @escaping Server.Handler) throws {
        folder = Self.newFolder()
        path = folder + "/x.sock"
        server = try Server(path: path, upgrades: upgrades, handler: handler)
    }

    private static func newFolder() -> String {
        NSTemporaryDirectory() + "gosync-\(UUID().uuidString.prefix(8))"
    }

    /// Once; letting go of the fixture is enough.
    func stop() {
        if isStopped.exchange(true, ordering: .relaxed) { return }
        server.stop()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func client() throws -> RawClient { try RawClient(path) }

    static let echo: Server.Handler = { request in
        let query = request.query.sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value)" }.joined(separator: "|")
        let body = String(decoding: request.body, as: UTF8.self)
        let text = "\(request.method) \(request.path) \(query) \(body)"
        return Response(status: 200, contentType: "text/plain", body: Array(text.utf8))
    }
}
