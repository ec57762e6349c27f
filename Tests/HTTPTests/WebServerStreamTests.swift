import Base
import Foundation
import TestSupport
import Testing
import WebServer

/// Answers that are written piece by piece: whoever reads slowly, or not at all, holds nobody up.
struct WebServerStreamTests {
    private static let request = "GET /s HTTP/1.1\r\nHost: x\r\n\r\n"

    private func fixture(
        limits: Limits = Limits(),
        _ write: @escaping @Sendable (ResponseStream) -> Void
    ) throws -> ServerFixture {
        try ServerFixture(limits: limits) { request in
            guard request.path == "/s" else { return ServerFixture.echo(request) }
            return Response(contentType: "application/jsonl", write: write)
        }
    }

    @Test func piecesArriveAsTheyAreWrittenAndTheEndIsThatOfTheConnection() throws {
        let turn = Monitor(0)
        let fixture = try fixture { stream in
            for number in 1...3 {
                turn.wait { $0 >= number ? true : nil }
                _ = stream.write(Array("line \(number)\n".utf8))
            }
        }
        let client = try fixture.client()
        client.send(Self.request)
        turn.update { $0 = 1 }
        let head = try #require(client.answer())
        #expect(head.status == 200 && head.headers["content-length"] == nil)
        #expect(head.headers["connection"] == "close")
        turn.update { $0 = 3 }
        let text = head.text + String(decoding: client.rest(), as: UTF8.self)
        #expect(text.hasSuffix("line 2\nline 3\n"))
    }

    @Test func muchIsSentWholeToAClientThatReadsSlowly() throws {
        let fixture = try fixture { stream in
            for number in 0..<200 {
                let bytes = [UInt8](repeating: UInt8(number), count: 20_000)
                guard stream.write(bytes) else { return }
            }
        }
        let client = try fixture.client()
        client.send(Self.request)
        usleep(300_000)
        let all = client.rest()
        let body = all.suffix(200 * 20_000)
        #expect(body.count == 200 * 20_000)
        #expect(body.enumerated().allSatisfy { $1 == UInt8($0 / 20_000) })
    }

    @Test func aClientThatLeavesEndsTheWriting() throws {
        let hasEnded = Monitor(false)
        let fixture = try fixture { stream in
            while stream.pause(seconds: 0.1), stream.write(Array("still\n".utf8)) {}
            hasEnded.update { $0 = true }
        }
        do {
            let client = try fixture.client()
            client.send(Self.request)
            usleep(200_000)
            withExtendedLifetime(client) {}
        }
        #expect(hasEnded.wait(atMost: 20) { $0 ? true : nil } == true)
    }

    @Test func aClientThatTakesNothingIsLetGo() throws {
        var limits = Limits()
        limits.transferSeconds = 1
        let hasEnded = Monitor(false)
        let fixture = try fixture(limits: limits) { stream in
            while stream.write([UInt8](repeating: 1, count: 60_000)) {}
            hasEnded.update { $0 = true }
        }
        let client = try fixture.client()
        client.send(Self.request)
        // Others are answered meanwhile.
        let other = try fixture.client()
        other.send("GET /y HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(other.answer()?.text == "get /y  ")
        #expect(hasEnded.wait(atMost: 30) { $0 ? true : nil } == true)
        withExtendedLifetime(client) {}
    }

    @Test func aClientThatHasNothingToTakeMayWait() throws {
        var limits = Limits()
        limits.transferSeconds = 0.5
        let fixture = try fixture(limits: limits) { stream in
            _ = stream.write(Array("first ".utf8))
            _ = stream.pause(seconds: 3)
            _ = stream.write(Array("last".utf8))
        }
        let client = try fixture.client()
        client.send(Self.request)
        #expect(String(decoding: client.rest(), as: UTF8.self).hasSuffix("first last"))
    }

    @Test func moreThanTheLimitAreRefusedAndStoppingEndsAll() throws {
        var limits = Limits()
        limits.streams = 2
        let running = Monitor(0)
        let fixture = try fixture(limits: limits) { stream in
            running.update { $0 += 1 }
            while stream.pause(seconds: 60) {}
        }
        let clients = try (0..<2).map { _ in try fixture.client() }
        for client in clients { client.send(Self.request) }
        running.wait { $0 == 2 ? true : nil }
        let third = try fixture.client()
        third.send(Self.request)
        #expect(third.answer()?.status == 503)
        fixture.stop()
        withExtendedLifetime(clients) {}
    }
}
