import Base
import HTTP
import Synchronization
import TestSupport
import Testing

@Suite struct HTTPClientTests {
    @Test(arguments: [0, 1, 70_000, 3_000_000])
    func bytesGoOutAndComeBack(size: Int) throws {
        let server = try ScriptedServer { request in .ok(request.body) }
        let client = HTTPClient()
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let answer = try client.send(
            HTTPRequest("PUT", server.url + "/echo", body: .bytes(body))
        )
        #expect(answer.status == 200)
        #expect(answer.body == body)
    }

    @Test func aStreamedBodyIsReadInOrder() throws {
        let server = try ScriptedServer { request in .ok(request.body) }
        let answer = try HTTPClient().send(
            HTTPRequest(
                "POST",
                server.url + "/",
                body: .stream(size: 100_000) { output, offset throws(Errno) in
                    let count = min(999, 100_000 - Int(offset), output.freeCapacity)
                    for i in 0..<count { output.append(UInt8(truncatingIfNeeded: Int(offset) + i)) }
                }
            )
        )
        #expect(answer.body == (0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
    }

    @Test func theHeadDecidesWhatBecomesOfTheBody() throws {
        let server = try ScriptedServer { _ in .ok([UInt8](repeating: 7, count: 500_000)) }
        let client = HTTPClient()
        var count = 0
        let streamed = try client.send(HTTPRequest("GET", server.url + "/")) { head in
            #expect(head.headers["content-LENGTH"] == "500000")
            return .stream
        } sink: { bytes throws(Errno) in
            count += bytes.byteCount
        }
        #expect(count == 500_000 && streamed.body.isEmpty)
        let refused = try client.send(HTTPRequest("GET", server.url + "/")) { _ in
            .refuse
        } sink: { _ throws(Errno) in
            Issue.record("a refused body reached the sink")
        }
        #expect(refused.status == 200 && refused.body.isEmpty)
    }

    @Test func aSinkThatThrowsEndsTheTransfer() throws {
        let server = try ScriptedServer { _ in .ok([UInt8](repeating: 7, count: 500_000)) }
        #expect(throws: HTTPError.aborted(.noSpace)) {
            try HTTPClient().send(HTTPRequest("GET", server.url + "/")) { _ in
                .stream
            } sink: { _ throws(Errno) in
                throw .noSpace
            }
        }
    }

    @Test func aRedirectIsAnAnswer() throws {
        let server = try ScriptedServer { _ in
            .raw("HTTP/1.1 307 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n")
        }
        #expect(try HTTPClient().send(HTTPRequest("GET", server.url + "/")).status == 307)
        #expect(server.requests.count == 1)
    }

    @Test func aCutOrResetAnswerIsBroken() throws {
        for answer: ScriptedServer.Answer in [
            .raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), .reset(after: ""),
            .raw("nonsense\r\n\r\n"),
        ] {
            let server = try ScriptedServer { _ in answer }
            let error = #expect(throws: HTTPError.self) {
                try HTTPClient().send(HTTPRequest("GET", server.url + "/"))
            }
            guard case .broken = error else {
                Issue.record("\(answer): \(String(describing: error))")
                continue
            }
        }
    }

    @Test func aStalledAnswerTimesOut() throws {
        let server = try ScriptedServer { _ in .stall("HTTP/1.1 200 OK\r\n", seconds: 20) }
        let start = monotonicSeconds()
        let error = #expect(throws: HTTPError.self) {
            try HTTPClient().send(
                HTTPRequest("GET", server.url + "/", limits: HTTPLimits(stallSeconds: 1))
            )
        }
        guard case .timedOut = error else { return #expect(Bool(false), "\(error!)") }
        #expect(monotonicSeconds() - start < 10)
    }

    @Test func theWholeRequestHasADeadline() throws {
        let server = try ScriptedServer { _ in .stall("HTTP/1.1 200 OK\r\n", seconds: 20) }
        let error = #expect(throws: HTTPError.self) {
            try HTTPClient().send(
                HTTPRequest("GET", server.url + "/", limits: HTTPLimits(totalSeconds: 0.5))
            )
        }
        guard case .timedOut = error else { return #expect(Bool(false), "\(error!)") }
    }

    @Test func nobodyThereIsUnreachable() throws {
        let error = #expect(throws: HTTPError.self) {
            try HTTPClient().send(HTTPRequest("GET", "http://127.0.0.1:1/"))
        }
        guard case .unreachable = error else { return #expect(Bool(false), "\(error!)") }
    }

    @Test func aLongBodyIsNotCollected() throws {
        let server = try ScriptedServer { _ in .ok([UInt8](repeating: 7, count: 5000)) }
        #expect(throws: HTTPError.tooLarge) {
            try HTTPClient().send(
                HTTPRequest("GET", server.url + "/", limits: HTTPLimits(collectedBytes: 4000))
            )
        }
    }

    @Test(arguments: ["a\r\nX-Evil: 1", "a\nb", "a\u{0}b"])
    func aHeaderCannotSmuggleAnother(value: String) {
        #expect(throws: HTTPError.invalid("header x-name")) {
            try HTTPClient().send(
                HTTPRequest("GET", "http://127.0.0.1:1/", headers: ["x-name": value])
            )
        }
    }

    @Test(arguments: ["ftp://127.0.0.1/", "file:///etc/passwd", "http://a b/"])
    func otherProtocolsAreRefused(url: String) {
        let error = #expect(throws: HTTPError.self) {
            try HTTPClient().send(HTTPRequest("GET", url))
        }
        guard case .invalid = error else { return #expect(Bool(false), "\(error!)") }
    }

    @Test func aUnixSocketCarriesARequest() throws {
        let server = try ScriptedServer(onUnixSocket: true) { request in
            .ok(Array("\(request.method) \(request.target) ".utf8) + request.body)
        }
        let client = HTTPClient(unixSocket: server.socketPath)
        let answer = try client.request("POST", "/v1/tags?x=1", body: Array("{}".utf8))
        #expect(answer.text == "POST /v1/tags?x=1 {}")
    }

    @Test func closingEndsWhatIsUnderWay() throws {
        let server = try ScriptedServer { _ in .stall("HTTP/1.1 200 OK\r\n", seconds: 20) }
        let client = HTTPClient()
        let closer = Workers("closer", limit: 1)
        closer.run {
            while server.requests.isEmpty {}
            client.close()
        }
        #expect(throws: HTTPError.closed) {
            try client.send(HTTPRequest("GET", server.url + "/"))
        }
        closer.stop()
    }

    @Test func aConnectionIsUsedAgain() throws {
        let server = try ScriptedServer { request in .ok(Array("\(request.connection)".utf8)) }
        let client = HTTPClient()
        let answers = try (0..<5).map { _ in
            try client.send(HTTPRequest("GET", server.url + "/")).text
        }
        #expect(Set(answers).count == 1)
    }

    /// Who waits for an answer, or for a connection, and is not wanted any more leaves soon.
    @Test(arguments: [1, 0])
    func aTransferNobodyWantsEnds(connections: Int) throws {
        let server = try ScriptedServer { _ in .stall("HTTP/1.1 200 OK\r\n", seconds: 20) }
        let client = HTTPClient(connections: connections)
        let end = Monitor(monotonicSeconds() + 0.3)
        let start = monotonicSeconds()
        Patience.whileWanted(
            unless: { context in
                let end = Unmanaged<Monitor<Double>>.fromOpaque(context!).takeUnretainedValue()
                return end.withLock { $0 } < monotonicSeconds() ? 1 : 0
            },
            Unmanaged.passUnretained(end).toOpaque()
        ) {
            #expect(throws: HTTPError.aborted(.interrupted)) {
                try client.send(HTTPRequest("GET", server.url + "/"))
            }
        }
        #expect(monotonicSeconds() - start < 10)
    }

    @Test func afterALossOfContactNoKeptConnectionIsTrusted() throws {
        let isStalling = Mutex(false)
        let server = try ScriptedServer { request in
            isStalling.withLock { $0 }
                ? .stall("", seconds: 20) : .ok(Array("\(request.connection)".utf8))
        }
        let client = HTTPClient()
        let first = try client.send(HTTPRequest("GET", server.url + "/")).text
        isStalling.withLock { $0 = true }
        #expect(throws: HTTPError.self) {
            let limits = HTTPLimits(totalSeconds: 0.3)
            _ = try client.send(HTTPRequest("GET", server.url + "/", limits: limits))
        }
        isStalling.withLock { $0 = false }
        #expect(try client.send(HTTPRequest("GET", server.url + "/")).text != first)
    }
}
