import Base
import Foundation
import TestSupport
import Testing
import WebServer

struct WebServerLimitTests {
    @Test func aBodyThatIsTooLargeIsRefusedAtOnce() throws {
        let fixture = try ServerFixture()
        let client = try fixture.client()
        client.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.status == 413)
        #expect(answer.headers["content-type"] == "application/problem+json")
        #expect(client.rest().isEmpty)
    }

    @Test func aBodyOfTheLargestSizeArrives() throws {
        let fixture = try ServerFixture { request in
            let text = "\(request.body.count)"
            return Response(status: 200, contentType: "text/plain", body: Array(text.utf8))
        }
        let client = try fixture.client()
        client.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n")
        client.send([UInt8](repeating: 0x61, count: 1 << 20))
        #expect(client.answer()?.text == "1048576")
    }

    @Test(arguments: [
        "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET /x?a=1&a=2 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /x?a=%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /x?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET\r\n\r\n", "\r\n\r\n\r\n", "nonsense\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "GET /x HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET /" + String(repeating: "a", count: 100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: x\r\nX: " + String(repeating: "a", count: 100_000) + "\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ])
    func aRequestThatMakesNoSenseEndsInAnErrorAndHarmsNoOther(text: String) throws {
        var limits = Limits()
        limits.transferSeconds = 1
        let fixture = try ServerFixture(limits: limits) { request in
            Response(status: request.path == "/well" ? 200 : 499, contentType: "x", body: [])
        }
        let client = try fixture.client()
        client.send(text)
        // What is not at all like HTTP is cut off; the rest is told what is wrong with it.
        if let answer = client.answer() {
            #expect((400..<500).contains(answer.status))
            #expect(answer.headers["content-type"] == "application/problem+json")
            let problem = try JSONSerialization.jsonObject(with: Data(answer.body))
            #expect((problem as? [String: Any])?["status"] as? Int == answer.status)
        }
        let other = try fixture.client()
        other.send("GET /well HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(other.answer()?.status == 200)
    }

    /// The library would answer by itself, and with a page.
    @Test(arguments: [
        "GET /x?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n", "BREW /x HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET x HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: y\r\nConnection: Upgrade\r\n\r\n",
    ])
    func whatTheLibraryRefusesIsAProblemToo(text: String) throws {
        let fixture = try ServerFixture()
        let client = try fixture.client()
        client.send(text)
        let answer = try #require(client.answer())
        #expect(answer.status == 400)
        #expect(answer.headers["content-type"] == "application/problem+json")
        #expect(answer.text.contains(#""title":"The request makes no sense""#))
    }

    @Test(arguments: [
        "G", "GET /x HTTP/1.1\r\nHost:", "POST /x HTTP/1.1\r\nContent-Length: 9\r\n\r\nab", "",
    ])
    func aHalfSentRequestIsGivenUp(text: String) throws {
        var limits = Limits()
        limits.transferSeconds = 1
        let fixture = try ServerFixture(limits: limits)
        let client = try fixture.client()
        client.send(text)
        let start = monotonicSeconds()
        _ = client.rest()
        #expect(monotonicSeconds() - start < 8)
    }

    @Test func aBodyThatTricklesIsGivenUp() throws {
        var limits = Limits()
        limits.transferSeconds = 1
        let fixture = try ServerFixture(limits: limits)
        let client = try fixture.client()
        client.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        let start = monotonicSeconds()
        while client.send("a"), monotonicSeconds() - start < 8 { usleep(100_000) }
        #expect(monotonicSeconds() - start < 8)
    }

    @Test func aHandlerThatTakesTooLongIsAnsweredFor() throws {
        var limits = Limits()
        limits.handlerSeconds = 0.2
        let gate = Monitor(false)
        let fixture = try ServerFixture(limits: limits) { request in
            gate.wait { $0 ? true : nil }
            return ServerFixture.echo(request)
        }
        let client = try fixture.client()
        client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(client.answer()?.status == 504)
        gate.update { $0 = true }
        let other = try fixture.client()
        other.send("GET /y HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(other.answer()?.text == "get /y  ")
    }

    @Test func aClientThatLeavesEarlyHarmsNobody() throws {
        let gate = Monitor(false)
        let fixture = try ServerFixture { request in
            if request.path == "/wait" { gate.wait { $0 ? true : nil } }
            return ServerFixture.echo(request)
        }
        for _ in 0..<4 {
            let client = try fixture.client()
            client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
            usleep(5000)
        }
        gate.update { $0 = true }
        let other = try fixture.client()
        other.send("GET /y HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(other.answer()?.text == "get /y  ")
    }

    @Test func tooManyConnectionsAreTurnedAway() throws {
        var limits = Limits()
        limits.connections = 8
        let fixture = try ServerFixture(limits: limits)
        let many = try (0..<30).map { _ in try fixture.client() }
        for client in many { client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n") }
        #expect(many.compactMap { $0.answer() }.count >= 1)
        withExtendedLifetime(many) {}
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func noInputDoesHarm(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let fixture = try ServerFixture()
        let pieces = [
            "GET ", "POST ", "/x", "?a=b", "%2", "%00", "&", " HTTP/1.1", "\r\n", "\n", "\r\n\r\n",
            "Host: x", "Content-Length: 3", "Content-Length: 0", "Transfer-Encoding: chunked",
            "Upgrade: websocket", "Connection: Upgrade", "Expect: 100-continue", "abc", ": ", "\0",
        ]
        for _ in 0..<10 {
            let client = try fixture.client()
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<20, using: &random) {
                bytes += pieces.randomElement(using: &random).map { Array($0.utf8) } ?? []
                if Int.random(in: 0..<10, using: &random) == 0 {
                    bytes.append(UInt8.random(in: 0...255, using: &random))
                }
            }
            client.send(bytes)
        }
        let client = try fixture.client()
        client.send("GET /still?x=there HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(client.answer()?.text == "get /still x=there ")
    }
}
