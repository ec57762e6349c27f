import Base
import Foundation
import Synchronization
import TestSupport
import Testing
import WebServer

struct WebServerTests {
    @Test func aRequestIsAnswered() throws {
        let fixture = try ServerFixture()
        let client = try fixture.client()
        client.send("GET /v1/list?path=/a&limit=7 HTTP/1.1\r\nHost: x\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.status == 200)
        #expect(answer.headers["content-type"] == "text/plain")
        #expect(answer.text == "get /v1/list limit=7|path=/a ")
    }

    @Test(arguments: ["POST", "PATCH", "PUT", "DELETE"])
    func aMethodWithABodyArrivesWhole(method: String) throws {
        let fixture = try ServerFixture()
        let client = try fixture.client()
        client.send("\(method) /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")
        usleep(20_000)
        client.send("cde")
        #expect(client.answer()?.text == "\(method.lowercased()) /x  abcde")
    }

    @Test(arguments: [
        "a b", "a+b", "a%b", "a&b=c", "a#b?c", "../../x", "//a//b/", "/a/./b", "\u{e9}", "e\u{301}",
        "\u{1f600}", "a\tb", "a\u{1}b", "a\u{7f}b", "\"'\\", "=",
        String(repeating: "\u{e9}", count: 2000),
    ])
    func aPathInTheQueryArrivesAsItIs(path: String) throws {
        let fixture = try ServerFixture()
        let client = try fixture.client()
        let escaped = path.utf8.map {
            "%" + String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
        }
        client.send("GET /v1/list?path=\(escaped.joined()) HTTP/1.1\r\nHost: x\r\n\r\n")
        let text = try #require(client.answer()?.text)
        #expect(Array(text.utf8) == Array("get /v1/list path=\(path) ".utf8))
    }

    /// The library takes an escaped line break for a real one: better no answer than a wrong one.
    @Test(arguments: ["%0a", "%0d", "%0D%0A", "%00", "%0aHTTP/1.1%0d%0a"])
    func anEscapedLineBreakIsRefused(escape: String) throws {
        let fixture = try ServerFixture()
        let client = try fixture.client()
        client.send("GET /v1/list?path=a\(escape)b HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect((400..<500).contains(client.answer()?.status ?? 400))
    }

    @Test func oneConnectionServesManyRequests() throws {
        let fixture = try ServerFixture()
        let client = try fixture.client()
        for number in 0..<50 {
            if number % 2 == 0 {
                client.send("GET /\(number) HTTP/1.1\r\nHost: x\r\n\r\n")
            } else {
                client.send("POST /\(number) HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
            }
            #expect(client.answer()?.text.contains("/\(number) ") == true)
        }
    }

    @Test func requestsSentAheadAreAnsweredInOrder() throws {
        let fixture = try ServerFixture { request in
            usleep(request.path == "/0" ? 50_000 : 0)
            return ServerFixture.echo(request)
        }
        let client = try fixture.client()
        client.send((0..<5).map { "GET /\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
        client.send("GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        let text = String(decoding: client.rest(), as: UTF8.self)
        let order = ["/0", "/1", "/2", "/3", "/4", "/last"].map { text.range(of: "get \($0) ") }
        #expect(order.allSatisfy { $0 != nil }, "\(text)")
        #expect(order.compactMap { $0?.lowerBound } == order.compactMap { $0?.lowerBound }.sorted())
    }

    @Test func aLargeAnswerReachesASlowReaderWhileOthersAreServed() throws {
        let large = [UInt8](unsafeUninitializedCapacity: 5_000_000) { buffer, count in
            for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: index / 1000) }
            count = buffer.count
        }
        let fixture = try ServerFixture { request in
            request.path == "/large"
                ? Response(status: 200, contentType: "text/plain", body: large)
                : ServerFixture.echo(request)
        }
        let slow = try fixture.client()
        slow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        usleep(50_000)
        for _ in 0..<20 {
            let quick = try fixture.client()
            quick.send("GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(quick.answer()?.status == 200)
        }
        #expect(slow.answer()?.body == large)
        slow.send("GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(slow.answer()?.text == "get /next  ")
    }

    @Test func sixtyFourClientsAtOnceAreAllAnswered() throws {
        let fixture = try ServerFixture { request in
            usleep(2000)
            return ServerFixture.echo(request)
        }
        let answered = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 64) { index in
            guard let client = try? fixture.client() else { return }
            for round in 0..<5 {
                let path = "/\(index)/\(round)"
                client.send("POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
                if client.answer()?.text == "post \(path)  abc" { answered.withLock { $0 += 1 } }
            }
        }
        #expect(answered.withLock { $0 } == 320)
    }

    /// The daemon holds thousands of files open, so a connection's number says nothing of their count.
    @Test func manyOpenFilesLeaveRoomForConnections() throws {
        var limits = Limits()
        limits.connections = 16
        let fixture = try ServerFixture(limits: limits)
        let files = try (0..<500).map { _ in
            try retrying { open("/dev/null", O_RDONLY | O_CLOEXEC) }
        }
        defer { for file in files { close(file) } }
        let client = try fixture.client()
        client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(client.answer()?.status == 200)
    }

    @Test func moreClientsThanRequestsAllowedWaitForTheirTurn() throws {
        var limits = Limits()
        limits.requests = 4
        let fixture = try ServerFixture(limits: limits)
        let clients = try (0..<40).map { _ in try fixture.client() }
        for client in clients {
            client.send("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        }
        for client in clients { #expect(client.answer()?.status == 200) }
    }
}
