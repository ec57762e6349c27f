import Base
import Foundation
import TestSupport
import Testing
import WebServer

/// The other ways in: WebSocket, and a port of this machine with a token.
struct WebServerDoorTests {
    private func lines(_ write: @escaping @Sendable (ResponseStream) -> Void) throws
        -> ServerFixture
    {
        try ServerFixture { request in
            request.path == "/lines" ? nil : .noWebSocket
        } handler: { request in
            guard request.path == "/lines" else { return ServerFixture.echo(request) }
            return Response(contentType: "application/jsonl", write: write)
        }
    }

    @Test func eachLineIsAMessageAndAnEmptyOneAPing() throws {
        let long = String(repeating: "x", count: 200_000)
        let fixture = try lines { stream in
            for line in ["", "one", "two", long, "", "end"] {
                _ = stream.write(Array((line + "\n").utf8))
            }
        }
        let client = try WebSocketClient(try fixture.client(), "/lines?a=b")
        #expect(client.isOpen)
        #expect(client.next() == .ping)
        #expect(client.next() == .text("one"))
        #expect(client.next() == .text("two"))
        #expect(client.next() == .text(long))
        #expect(client.next() == .ping)
        #expect(client.next() == .text("end"))
        #expect(client.next() == .close(1000))
    }

    @Test func whereNothingIsToldAWebSocketIsRefusedAsAProblem() throws {
        let fixture = try lines { _ in }
        let client = try WebSocketClient(try fixture.client(), "/other")
        #expect(client.answer.status == 400)
        #expect(client.answer.headers["content-type"] == "application/problem+json")
        let other = try fixture.client()
        other.send("GET /y HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(other.answer()?.text == "get /y  ")
    }

    @Test func whatAClientSaysHarmsNobodyAndItsLeavingEndsTheWriting() throws {
        let hasEnded = Monitor(false)
        let fixture = try lines { stream in
            while stream.pause(seconds: 0.05), stream.write(Array("still\n".utf8)) {}
            hasEnded.update { $0 = true }
        }
        let client = try WebSocketClient(try fixture.client(), "/lines")
        for number in 0..<50 { client.send(opcode: 1, [UInt8](repeating: 0x61, count: number)) }
        client.send(opcode: 9, [1, 2, 3])
        #expect(client.nextText() == "still")
        // A frame that no protocol knows, and no end of one.
        client.send(opcode: 5, [0])
        while client.next() != nil {}
        #expect(hasEnded.wait(atMost: 30) { $0 ? true : nil } == true)
    }

    @Test func byTCPTheTokenLetsIn() throws {
        let (fixture, number) = try portFixture(token: "0123456789abcdef")
        let ask = { (header: String) throws -> Answer? in
            let client = try RawClient(port: number)
            client.send("GET /x HTTP/1.1\r\nHost: localhost\r\n\(header)\r\n")
            return client.answer()
        }
        #expect(try ask("Authorization: Bearer 0123456789abcdef\r\n")?.text == "get /x  ")
        for wrong in [
            "", "Authorization: Bearer 0123456789abcdee\r\n", "Authorization: Bearer \r\n",
            "Authorization: Basic 0123456789abcdef\r\n",
            "Authorization: Bearer 0123456789abcdef0\r\n",
        ] {
            let answer = try ask(wrong)
            #expect(answer?.status == 401, "\(wrong)")
            #expect(answer?.headers["www-authenticate"] == "Bearer")
            #expect(answer?.headers["content-type"] == "application/problem+json")
        }
        let refused = try WebSocketClient(try RawClient(port: number), "/lines")
        #expect(refused.answer.status == 401)
        // The socket needs none.
        let own = try fixture.client()
        own.send("GET /y HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(own.answer()?.text == "get /y  ")
    }

    @Test func clientsWithoutATokenKeepNobodyFromTheSocket() throws {
        let (fixture, number) = try portFixture(token: "0123456789abcdef")
        let idle = (0..<300).compactMap { _ in try? RawClient(port: number) }
        for client in idle { client.send("GET /x HTTP/1.1\r\nHo") }
        let own = try fixture.client()
        own.send("GET /y HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(own.answer()?.text == "get /y  ")
        withExtendedLifetime(idle) {}
    }

    /// A server at a port that was free a moment ago.
    private func portFixture(token: String) throws -> (ServerFixture, UInt16) {
        for _ in 0..<20 {
            let number = UInt16.random(in: 20_000...32_000)
            let port = LocalPort(address: "127.0.0.1", number: number, token: token)
            if let fixture = try? ServerFixture(port: port) { return (fixture, number) }
        }
        throw Errno(EADDRINUSE)
    }

    @Test func theServerTellsWhetherItIsAlive() throws {
        let folder = try TemporaryDirectory()
        let server = try Server(path: folder.path + "/x/s", handler: ServerFixture.echo)
        #expect(server.isAlive(within: 30))
        server.stop()
    }
}
