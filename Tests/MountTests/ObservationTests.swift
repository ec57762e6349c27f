import Base
import Foundation
import TestSupport
import Testing

/// What the daemon tells of itself: numbers, traces, lines of its log.
struct ObservationTests {
    private func metrics(_ mount: Mount) throws -> PrometheusText {
        let client = try RawClient(mount.dataDirectory + "/gosync.sock")
        client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        let answer = try #require(client.answer())
        #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        try checkWithPromtool(answer.text)
        return try PrometheusText(answer.text)
    }

    /// Prometheus itself reads them, where it is installed.
    private func checkWithPromtool(_ text: String) throws {
        guard access("/usr/bin/promtool", X_OK) == 0 else { return }
        let scratch = try TemporaryDirectory()
        try writeFile(scratch.path + "/metrics", text)
        try shell("/usr/bin/promtool check metrics < '\(scratch.path)/metrics'")
    }

    @Test func theNumbersCountWhatWasDone() throws {
        let bucket = try Bucket(.radosgw)
        try bucket.put(String(repeating: "x", count: 3_000_000), at: "a")
        let mount = try bucket.mount(settings: "close = sync\ndirectory_ttl = 1h")
        let before = try metrics(mount)
        for _ in 0..<5 { #expect(try readFile(mount.folder + "/a").count == 3_000_000) }
        try writeFile(mount.folder + "/b", "12345")
        #expect(throws: (any Error).self) { try shell("getfattr -n user.none '\(mount.folder)/a'") }
        // The mount has answered when the caller goes on, and counts just after.
        let isCounted = try eventually {
            let now = try metrics(mount)
            let created = now.sum(
                "gosync_operation_duration_seconds_count",
                ["operation": "create"]
            )
            return created == 1 && now.sum("gosync_cache_dirty_bytes") == 0
        }
        #expect(isCounted)
        let after = try metrics(mount)
        let grew = { (name: String, labels: [String: String]) in
            (after.sum(name, labels) ?? 0) - (before.sum(name, labels) ?? 0)
        }
        #expect(grew("gosync_operation_duration_seconds_count", ["operation": "open"]) >= 5)
        #expect(grew("gosync_operation_duration_seconds_sum", [:]) > 0)
        #expect(grew("gosync_operation_errors_total", ["error": "ENODATA"]) >= 1)
        #expect(grew("gosync_cache_fetched_bytes_total", [:]) >= 3_000_000)
        #expect(grew("gosync_cache_reads_total", ["result": "miss"]) >= 1)
        let store = ["backend": "store"]
        let puts = store.merging(["method": "PUT", "status": "200"]) { $1 }
        #expect(grew("gosync_store_requests_total", puts) >= 1)
        #expect(grew("gosync_store_sent_bytes_total", store) >= 5)
        #expect(grew("gosync_store_received_bytes_total", store) >= 3_000_000)
        #expect(grew("gosync_store_request_duration_seconds_count", store) >= 2)
        #expect(after.sum("gosync_backend_reachable", store) == 1)
        #expect(after.sum("gosync_cache_dirty_bytes") == 0)
        #expect(after.sum("gosync_files") == 2)
        #expect(after.sum("gosync_queue_depth", store) == 0)
    }

    /// One span for an operation that touched the network, and below it what it asked of the store.
    @Test func aCollectorIsToldWhatOperationsAskedOfTheStore() throws {
        let collector = try ScriptedServer { _ in .ok(Array("{}".utf8)) }
        let bucket = try Bucket(.radosgw)
        try bucket.put(String(repeating: "x", count: 3_000_000), at: "a")
        let mount = try Mount(
            backend: "store",
            sections: bucket.section() + "\n[telemetry]\notlp_endpoint = \(collector.url)\n",
            settings: "directory_ttl = 1h"
        )
        #expect(try readFile(mount.folder + "/a").count == 3_000_000)
        try writeFile(mount.folder + "/b", "12345")
        try mount.unmount()
        let posts = collector.requests
        #expect(posts.allSatisfy { $0.method == "POST" && $0.target == "/v1/traces" })
        #expect(posts.allSatisfy { $0.headers["content-type"] == "application/json" })
        let spans = try posts.flatMap { post -> [[String: Any]] in
            let object = try JSONSerialization.jsonObject(with: Data(post.body))
            let document = object as? [String: Any]
            let resources = document?["resourceSpans"] as? [[String: Any]] ?? []
            let scopes = resources.flatMap { $0["scopeSpans"] as? [[String: Any]] ?? [] }
            return scopes.flatMap { $0["spans"] as? [[String: Any]] ?? [] }
        }
        let text = { (span: [String: Any], name: String) in span[name] as? String ?? "" }
        let requests = spans.filter { !text($0, "parentSpanId").isEmpty }
        let operations = spans.filter { text($0, "parentSpanId").isEmpty }
        #expect(operations.contains { text($0, "name") == "read" })
        #expect(requests.contains { text($0, "name") == "S3 PUT" })
        for request in requests {
            let above = operations.filter { text($0, "spanId") == text(request, "parentSpanId") }
            #expect(above.count == 1, "\(request)")
            #expect(above.map { text($0, "traceId") } == [text(request, "traceId")])
            let times = ["startTimeUnixNano", "endTimeUnixNano"].compactMap {
                Int64(text(request, $0))
            }
            #expect(
                times.count == 2 && times[0] <= times[1] && times[0] > 1_700_000_000_000_000_000
            )
            #expect(text(request, "traceId").count == 32 && text(request, "spanId").count == 16)
            let attributes = request["attributes"] as? [[String: Any]] ?? []
            let keys = attributes.map { text($0, "key") }
            let isAnswered = keys.contains("http.response.status_code")
            #expect(keys.contains("aws.request_id") == isAnswered)
        }
        // No operation is told that asked nothing of the store.
        let parents = Set(requests.map { text($0, "parentSpanId") })
        #expect(operations.allSatisfy { parents.contains(text($0, "spanId")) })
    }

    @Test func aCollectorThatIsDeadOrHangsHoldsNothingUp() throws {
        for answers in [false, true] {
            let collector = try ScriptedServer { _ in .stall("", seconds: 60) }
            let url = answers ? collector.url : "http://127.0.0.1:9"
            let bucket = try Bucket(.radosgw)
            let mount = try Mount(
                backend: "store",
                sections: bucket.section() + "\n[telemetry]\notlp_endpoint = \(url)\n"
            )
            for number in 0..<50 { try writeFile(mount.folder + "/\(number)", "\(number)") }
            #expect(try names(in: mount.folder).count == 50)
            try mount.unmount()
            #expect(mount.log.contains("the collector of traces at"))
        }
    }

    /// A line of the log names the store's own id of the request that it speaks of.
    @Test func theLogIsJSONAndNamesTheRequestsOfTheStore() throws {
        let bucket = try Bucket(.radosgw)
        let scratch = try TemporaryDirectory()
        let log = scratch.path + "/logs/gosync.log"
        let sections =
            bucket.section() + "\n[log]\nlevel = info, Stores=debug\nformat = json\nfile = \(log)\n"
        let mount = try Mount(backend: "store", sections: sections)
        try writeFile(mount.folder + "/a", "12345")
        try mount.unmount()
        let lines = try readFile(log).split(separator: "\n").map { line in
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String] ?? [:]
        }
        #expect(
            lines.allSatisfy { $0["time"] != nil && $0["level"] != nil && $0["message"] != nil }
        )
        let requests = lines.filter { $0["module"] == "Stores" && $0["level"] == "debug" }
        #expect(requests.contains { $0["request"]?.hasPrefix("tx") == true })
        #expect(lines.contains { $0["message"]?.hasPrefix("mounted on ") == true })
        #expect(!lines.contains { $0["module"] != "Stores" && $0["level"] == "debug" })
        #expect(try readFile(log).contains(bucket.server.secretKey) == false)
        #expect(mount.log.isEmpty)
    }
}
