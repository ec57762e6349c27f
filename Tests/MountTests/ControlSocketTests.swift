import Base
import Foundation
import Synchronization
import TestSupport
import Testing
import Wire

/// The control API of a real daemon under clients that are many, wrong or mad.
struct ControlSocketTests {
    private func client(_ mount: Mount) throws -> RawClient {
        try RawClient(mount.dataDirectory + "/gosync.sock")
    }

    /// Processor time that the daemon has taken, in seconds.
    private func usedSeconds(_ mount: Mount) throws -> Double {
        let text = try readFile("/proc/\(mount.daemon.processIdentifier)/stat")
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return fields[11...12].reduce(0) { $0 + (Double($1) ?? 0) }
            / Double(sysconf(CInt(_SC_CLK_TCK)))
    }

    private static let ask = "GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n"

    /// Bytes that nobody asked for, behind a request that is being answered or was refused.
    @Test(arguments: [
        "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n" + ask,
        "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\nnonsense",
        "POST /v1/flush HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" + ask,
        "POST /v1/cache/clear HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n"
            + String(repeating: "y", count: 100_000),
        "PUT /v1/content?path=/backends/local/f HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"
            + String(repeating: "z", count: 9000),
    ])
    func bytesBehindARequestKeepTheDaemonNeitherBusyNorFromOthers(text: String) throws {
        let mount = try Mount()
        let mad = try client(mount)
        mad.send(text)
        usleep(300_000)
        let before = try usedSeconds(mount)
        usleep(2_000_000)
        #expect(try usedSeconds(mount) - before < 0.7)
        let other = try client(mount)
        other.send(Self.ask)
        #expect(other.answer()?.status == 200)
        withExtendedLifetime(mad) {}
    }

    /// 64 clients at once, while files are read and written: each request has its answer.
    @Test func manyClientsAtOnceLoseNoRequest() throws {
        let mount = try Mount()
        try shell("mkdir d; for i in $(seq 20); do echo $i > d/$i; done", in: mount.folder)
        let clients = 64
        let rounds = 25
        let failures = Mutex<[String]>([])
        let running = Monitor(clients + 4)
        let socket = mount.dataDirectory + "/gosync.sock"
        for number in 0..<clients {
            Thread.detachNewThread {
                let failure = Self.converse(socket, number, rounds: rounds)
                if let failure { failures.withLock { $0.append("client \(number): \(failure)") } }
                running.update { $0 -= 1 }
            }
        }
        let folder = mount.folder
        for writer in 0..<4 {
            Thread.detachNewThread {
                for round in 0..<rounds {
                    let path = "\(folder)/w\(writer)-\(round)"
                    let text = String(repeating: "\(writer)", count: 10_000)
                    let read = (try? writeFile(path, text)).flatMap { try? readFile(path) }
                    if read != text { failures.withLock { $0.append("file \(path)") } }
                }
                running.update { $0 -= 1 }
            }
        }
        #expect(running.wait(atMost: 240) { $0 == 0 ? true : nil } == true)
        #expect(failures.withLock { $0 } == [])
        // What each of them did is there.
        for number in 0..<clients {
            let tags = try mount.lines("tag", "list", "local/d/\(number % 20 + 1)")
            #expect(tags.contains { $0.contains("client\(number)") }, "\(number)")
        }
    }

    /// Returns what went wrong.
    private static func converse(_ socket: String, _ number: Int, rounds: Int) -> String? {
        guard let client = try? RawClient(socket) else { return "no connection" }
        let path = "/backends/local/d/\(number % 20 + 1)"
        for round in 0..<rounds {
            let add =
                #"{"path":"\#(path)","set":[{"key":"client\#(number)","values":["\#(round)"]}]}"#
            client.send(
                "POST /v1/tags HTTP/1.1\r\nHost: x\r\nContent-Length: \(add.utf8.count)\r\n\r\n\(add)"
            )
            // Ten seconds are what a client waits for bytes; a loaded machine may need more.
            var answer = client.answer()
            for _ in 0..<5 where answer == nil { answer = client.answer() }
            guard answer?.status == 200 else { return "\(round): \(answer?.text ?? "no answer")" }
            client.send("GET /v1/tags?path=\(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = client.answer()
            for _ in 0..<5 where answer == nil { answer = client.answer() }
            let tags = answer.flatMap { try? FileTags(json: $0.body) }?.tags ?? []
            guard tags.contains(Tag(key: "client\(number)", values: ["\(round)"])) else {
                return "\(round): not as it was set: \(answer?.text ?? "no answer")"
            }
        }
        return nil
    }

    /// Whatever arrives, an answer is one of HTTP, an error is problem details, and others are served.
    @Test(arguments: 0..<6 as Range<UInt64>)
    func whateverArrivesDoesNoHarm(seed: UInt64) throws {
        let mount = try Mount()
        try shell("echo text > a.txt; mkdir d", in: mount.folder)
        var random = SplitMix64(seed: seed)
        for _ in 0..<300 {
            let request = FuzzedRequest(using: &random)
            let client = try client(mount)
            client.send(request.bytes)
            guard request.isWhole else { continue }
            let answer = try #require(client.answer(), "\(request)")
            #expect(answer.status != 500, "\(request): \(answer.text)")
            if answer.status >= 400 {
                #expect(answer.headers["content-type"] == Problem.contentType, "\(request)")
                let problem = try Problem(json: answer.body)
                #expect(problem.status == answer.status && !problem.detail.isEmpty, "\(request)")
            }
        }
        let other = try client(mount)
        other.send(Self.ask)
        #expect(other.answer()?.status == 200)
        #expect(mount.daemon.isRunning)
    }
}

/// A request that is nearly right.
struct FuzzedRequest: CustomStringConvertible {
    var bytes: [UInt8]
    /// The server has to answer it.
    var isWhole = true

    var description: String { String(decoding: bytes.prefix(500), as: UTF8.self) }

    private static let methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]
    private static let items = [
        "path", "query", "limit", "after", "key", "since", "id", "mode", "x", "path_base64",
    ]
    private static let values = [
        "/backends/local/a.txt", "/backends/local/d", "/backends", "/", "..", "", "%00", "%2F%2F",
        "a.txt", "tag:a%3Db", "((((", "NOT", "-1", "99999999999999999999", "1", "0", "no",
        "%C3%A9", "L2E", "*", "size%3E1", "/filters/.q/*",
    ]
    private static let words = [
        #""path""#, #""/backends/local/a.txt""#, #""tags""#, #""set""#, #""add""#, #""remove""#,
        #""key""#, #""values""#, #""query""#, #""a""#, "null", "true", "1", "-1", "1e999", "{", "}",
        "[", "]", ":", ",", #""\u0000""#, #""\ud800""#, #""pinned""#, #""new""#, " ", "\u{e9}",
        #"\"#,
    ]

    init(using random: inout SplitMix64) {
        // Events go on for ever; what they take is tested elsewhere.
        let endpoint = Endpoint.allCases.filter { $0 != .events }.randomElement(using: &random)!
        let method = Self.methods.randomElement(using: &random)!
        var target = endpoint.rawValue
        for index in 0..<Int.random(in: 0...3, using: &random) {
            target += index == 0 ? "?" : "&"
            target += Self.items.randomElement(using: &random)! + "="
            target += Self.values.randomElement(using: &random)!
        }
        var body = ""
        if method != "GET" {
            if Bool.random(using: &random) { body = "{" }
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                body += Self.words.randomElement(using: &random)!
            }
        }
        var length = body.utf8.count
        var content = Array(body.utf8)
        switch Int.random(in: 0..<12, using: &random) {
        case 0:
            // Never ends.
            length += 10
            isWhole = false
        case 1 where !content.isEmpty:
            content[Int.random(in: 0..<content.count, using: &random)] = 0xff
        case 2: content += Array("more".utf8)
        default: break
        }
        // The library ends such a line there, and the connection.
        if target.contains("%00") { isWhole = false }
        var head = "\(method) \(target) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        if method != "GET" { head += "Content-Length: \(length)\r\n" }
        bytes = Array((head + "\r\n").utf8) + (method == "GET" ? [] : content)
        if Int.random(in: 0..<15, using: &random) == 0 {
            bytes = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random)))
            isWhole = false
        }
    }
}
