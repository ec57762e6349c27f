import Base
import Foundation
import HTTP
import Synchronization
import TestSupport
import Testing
import WebServer

/// Bodies that are handed on piece by piece, in both directions.
struct WebServerContentTests {
    @Test(arguments: [0, 1, 100_000, 5_000_000])
    func aLongBodyArrivesWhole(count: Int) throws {
        let fixture = try ContentFixture()
        let bytes = pattern(count)
        let response = try fixture.client().request("PUT", "/upload", body: bytes)
        #expect(response.status == 200)
        #expect(response.text == "\(count)")
        #expect(fixture.shelf.withLock { $0.last } == bytes)
    }

    @Test(arguments: [0, 1, 262_144, 262_145, 5_000_000])
    func aLongAnswerArrivesWhole(count: Int) throws {
        let fixture = try ContentFixture()
        let response = try fixture.client().request("GET", "/\(count)")
        #expect(response.status == 200)
        #expect(response.headers["x-note"] == "yes")
        #expect(response.body == pattern(count))
    }

    /// One connection does all of it in turn.
    @Test func contentsAndRequestsFollowEachOther() throws {
        let fixture = try ContentFixture()
        let client = fixture.client()
        for _ in 0..<3 {
            #expect(try client.request("PUT", "/upload", body: pattern(300_000)).text == "300000")
            #expect(try client.request("GET", "/300000").body == pattern(300_000))
            #expect(try client.request("GET", "/short").text == "short")
        }
    }

    /// Who takes nothing of an answer holds up neither others nor the threads that make answers.
    @Test func clientsThatReadNothingHoldNothingUp() throws {
        let fixture = try ContentFixture()
        let idle = try (0..<20).map { _ in try fixture.rawClient() }
        for client in idle { client.send("GET /50000000 HTTP/1.1\r\nHost: x\r\n\r\n") }
        #expect(try fixture.client().request("GET", "/1000000").body == pattern(1_000_000))
        #expect(try fixture.client().request("GET", "/short").text == "short")
        withExtendedLifetime(idle) {}
        // What is made and not taken stays small, whatever is asked for.
        #expect(fixture.shelf.withLock { $0.made } < 20 * 2_000_000 + 1_000_000)
    }

    /// A client that sends faster than its bytes are taken is stopped, and a slow one waited for.
    @Test func whoSendsTooFastHasToWait() throws {
        let fixture = try ContentFixture()
        fixture.shelf.withLock { $0.isStuck = true }
        let client = try fixture.rawClient()
        let flags = fcntl(client.connection, F_GETFL)
        client.send("PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        _ = fcntl(client.connection, F_SETFL, flags | O_NONBLOCK)
        var sent = 0
        let piece = [UInt8](repeating: 1, count: 65_536)
        var idle = 0
        while idle < 50, sent < 50_000_000 {
            let count = send(client.connection, piece, piece.count, CInt(MSG_NOSIGNAL))
            if count > 0 { sent += count } else { usleep(10_000) }
            idle = count > 0 ? 0 : idle + 1
        }
        #expect(sent < 10_000_000)
        #expect(try fixture.client().request("GET", "/short").text == "short")
        fixture.shelf.withLock { $0.isStuck = false }
    }

    /// However long a store takes, the client is not cut off for it; one that stops sending is.
    @Test func onlyTheClientsOwnTimeIsLimited() throws {
        let fixture = try ContentFixture(transferSeconds: 1)
        fixture.shelf.withLock { $0.isStuck = true }
        let done = Mutex<Int?>(nil)
        let sender = Thread {
            let response = try? fixture.client().request("PUT", "/upload", body: pattern(3_000_000))
            done.withLock { $0 = response?.status ?? 0 }
        }
        sender.start()
        usleep(3_500_000)
        #expect(done.withLock { $0 } == nil)
        fixture.shelf.withLock { $0.isStuck = false }
        #expect(eventually { done.withLock { $0 } == 200 })

        let idle = try fixture.rawClient()
        idle.send("PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        #expect(eventually { fixture.shelf.withLock { $0.open } == 1 })
        #expect(idle.rest().isEmpty)
        #expect(eventually { fixture.shelf.withLock { $0.open } == 0 })
    }

    @Test func aBodyThatBreaksOffIsLetGoOf() throws {
        let fixture = try ContentFixture()
        do {
            let client = try fixture.rawClient()
            client.send("PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            #expect(eventually { fixture.shelf.withLock { $0.taken } == 3 })
            #expect(fixture.shelf.withLock { $0.open } == 1)
        }
        #expect(eventually { fixture.shelf.withLock { $0.open } == 0 })
        #expect(fixture.shelf.withLock { $0.last } == nil)
    }

    @Test func anAnswerThatNobodyWantsIsLetGoOf() throws {
        let fixture = try ContentFixture()
        do {
            let client = try fixture.rawClient()
            client.send("GET /50000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(eventually { fixture.shelf.withLock { $0.open } == 1 })
        }
        #expect(eventually { fixture.shelf.withLock { $0.open } == 0 })
    }

    /// The answer comes though the body is not sent to its end.
    @Test func aRefusalReachesWhoIsStillSending() throws {
        let fixture = try ContentFixture()
        let response = try fixture.client().request(
            "PUT",
            "/upload/refused",
            body: [UInt8](repeating: 1, count: 20_000_000)
        )
        #expect(response.status == 403)
        #expect(response.text == "no")
        #expect(eventually { fixture.shelf.withLock { $0.open } == 0 })
    }

    /// Better no end of an answer than a wrong one.
    @Test func anAnswerThatFailsIsCutOff() throws {
        let fixture = try ContentFixture()
        #expect(throws: HTTPError.self) { try fixture.client().request("GET", "/broken") }
        #expect(try fixture.client().request("GET", "/short").text == "short")
    }

    @Test func tooManyContentsAreTurnedAway() throws {
        let fixture = try ContentFixture()
        let idle = try (0..<32).map { _ in try fixture.rawClient() }
        for client in idle { client.send("GET /50000000 HTTP/1.1\r\nHost: x\r\n\r\n") }
        #expect(eventually { fixture.shelf.withLock { $0.open } == 32 })
        #expect(try fixture.client().request("GET", "/100").status == 503)
        #expect(try fixture.client().request("PUT", "/upload", body: [1]).status == 503)
        #expect(try fixture.client().request("GET", "/short").text == "short")
        withExtendedLifetime(idle) {}
    }
}

private func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

private func eventually(_ body: () -> Bool) -> Bool {
    for _ in 0..<2000 {
        if body() { return true }
        usleep(10_000)
    }
    return false
}

private struct Shelf {
    var last: [UInt8]?
    var taken = 0
    var made = 0
    /// Uploads and answers that somebody holds.
    var open = 0
    var isStuck = false
}

private final class ContentFixture: Sendable {
    private let folder = NSTemporaryDirectory() + "gosync-\(UUID().uuidString.prefix(8))"
    private let state: Holder
    private let server: Server

    final class Holder: Sendable {
        private let shelf = Mutex(Shelf())

        func withLock<R: Sendable>(_ body: (inout sending Shelf) -> sending R) -> R {
            shelf.withLock(body)
        }
    }

    init(transferSeconds: Double = 20) throws {
        var limits = Limits()
        limits.transferSeconds = transferSeconds
        let state = Holder()
        self.state = state
        server = try Server(path: folder + "/s", limits: limits) { request in
            guard request.method == .put else { return nil }
            return ShelfUpload(state, isRefused: request.path == "/upload/refused")
        } handler: { request in
            let name = request.path.dropFirst()
            if name == "short" {
                return Response(status: 200, contentType: "text/plain", body: Array("short".utf8))
            }
            var response = Response(status: 200, contentType: "text/plain", body: [])
            response.headers["x-note"] = "yes"
            response.content = ContentFixture.content(Int(name), state)
            return response
        }
    }

    var shelf: Holder { state }

    deinit {
        state.withLock { $0.isStuck = false }
        server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func client() -> HTTPClient { HTTPClient(unixSocket: folder + "/s", connections: 1) }

    func rawClient() throws -> RawClient { try RawClient(folder + "/s") }

    /// `nil` is one that breaks off.
    private static func content(_ count: Int?, _ state: Holder) -> Content {
        let token = Token(state)
        let offset = Mutex(0)
        return Content(byteCount: Int64(count ?? 1_000_000)) { limit in
            withExtendedLifetime(token) {}
            return offset.withLock { offset in
                if count == nil, offset > 0 { return nil }
                defer { offset += limit }
                state.withLock { $0.made += limit }
                return (offset..<offset + limit).map {
                    UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8)
                }
            }
        }
    }
}

private final class Token: Sendable {
    let state: ContentFixture.Holder

    init(_ state: ContentFixture.Holder) {
        self.state = state
        state.withLock { $0.open += 1 }
    }

    deinit { state.withLock { $0.open -= 1 } }
}

private final class ShelfUpload: Upload {
    private let state: ContentFixture.Holder
    private let isRefused: Bool
    private let bytes = Mutex<[UInt8]>([])
    private let token: Token

    init(_ state: ContentFixture.Holder, isRefused: Bool) {
        self.state = state
        self.isRefused = isRefused
        token = Token(state)
    }

    func take(_ piece: [UInt8]) -> Response? {
        while state.withLock({ $0.isStuck }) { usleep(5000) }
        state.withLock { $0.taken += piece.count }
        bytes.withLock { $0 += piece }
        return isRefused
            ? Response(status: 403, contentType: "text/plain", body: Array("no".utf8)) : nil
    }

    func finish() -> Response {
        let count = bytes.withLock { $0.count }
        state.withLock { $0.last = bytes.withLock { $0 } }
        return Response(status: 200, contentType: "text/plain", body: Array("\(count)".utf8))
    }
}
