import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// The change log, as `gosync events` and `GET /v1/events` tell it.
@Suite(.serialized)
struct EventTests {
    private func events(_ mount: Mount, since: Int64) throws -> [Event] {
        let outcome = try mount.gosync("events", "--since", "\(since)", "--json")
        guard outcome.status == 0 else { throw MountFailure(description: outcome.complaint) }
        return try outcome.output.split(separator: "\n").map { try Event(json: Array($0.utf8)) }
    }

    /// What is told of a path, in order.
    private func told(_ events: [Event]) -> [String] {
        events.map { event in
            let rest = [
                event.from.map { "from \($0)" }, event.size.map { "\($0)" },
                event.keys.map { $0.joined(separator: ",") }, event.query,
                event.count.map { "\($0) names" },
            ]
            let words = [event.kind, event.path ?? ""] + rest.compactMap { $0 }
            return words.joined(separator: " ").replacingOccurrences(
                of: "/backends/local/",
                with: ""
            )
        }
    }

    @Test func everyChangeIsToldInItsOrder() throws {
        let mount = try Mount()
        #expect(try names(in: mount.folder).isEmpty)
        let start = try events(mount, since: 0).last?.seq ?? 0
        let quote = "a \"b\"\\\u{1}\u{e9}"
        try shell(
            """
            mkdir d; echo text > d/f; mv d/f d/g; ln d/g d/h; chmod 600 d/g; rm d/h
            setfattr -n user.tag.colour -v red d/g; mv d e; rm e/g; rmdir e
            """,
            in: mount.folder
        )
        try writeFile(mount.folder + "/" + quote, "")
        try mount.done("filter", "create", "reds", "tag:colour=red")
        try mount.done("filter", "delete", "reds")
        let all = try events(mount, since: start)
        #expect(
            told(all) == [
                "created d", "created d/f", "written d/f 5", "renamed d/g from d/f",
                "created d/h", "attributes d/g", "removed d/h", "tagged d/g colour",
                "renamed e from d", "removed e/g", "removed e", "created \(quote)",
                "filter /filters/reds tag:colour=red", "unfiltered /filters/reds",
            ]
        )
        #expect(all.map(\.seq) == (1...Int64(all.count)).map { $0 + start })
        // From the middle, also after a crash.
        mount.crash()
        try mount.start()
        #expect(try events(mount, since: start + 5).prefix(all.count - 5) == all.dropFirst(5))
        #expect(try mount.gosync("events", "--since", "999999").status == 1)
        #expect(try mount.gosync("events").status == 2)
    }

    @Test func whatOthersDoIsToldOnceItIsSeen() throws {
        let bucket = try Bucket(.radosgw)
        for name in ["a", "b"] { try bucket.put("1", at: name) }
        let mount = try bucket.mount()
        #expect(try names(in: mount.folder) == ["a", "b"])
        let first = try events(mount, since: 0)
        #expect(told(first) == ["appeared /backends/store 2 names"])
        try bucket.put("changed", at: "a")
        try bucket.rclone("deletefile", "other:/b")
        try bucket.put("new", at: "c")
        #expect(try eventually { try names(in: mount.folder) == ["a", "c"] })
        let told = told(try events(mount, since: try #require(first.last).seq))
        #expect(
            Set(told) == [
                "changed /backends/store/a 7", "vanished /backends/store/b",
                "appeared /backends/store/c",
            ]
        )
    }

    /// Server-sent events: each is told when it happens, and a connection that broke is taken up again.
    @Test func whoeverFollowsIsToldAtOnceAndGoesOnWhereItWas() throws {
        let mount = try Mount()
        #expect(try names(in: mount.folder).isEmpty)
        let log = mount.scratch.path + "/events"
        let socket = mount.dataDirectory + "/gosync.sock"
        let curl = "curl -sN --unix-socket '\(socket)'"
        let follower = try Caller("/bin/sh", "-c", "exec \(curl) http://x/v1/events > '\(log)'")
        #expect(eventually { (try? readFile(log))?.hasPrefix(": from ") == true })
        try writeFile(mount.folder + "/one", "1")
        #expect(eventually { (try? readFile(log))?.contains("event: written\n") == true })
        follower.end()
        let text = try readFile(log)
        let ids = text.split(separator: "\n").filter { $0.hasPrefix("id: ") }
        let last = try #require(ids.last).dropFirst(4)
        try writeFile(mount.folder + "/two", "2")
        let rest = try shell(
            "\(curl) -H 'Last-Event-ID: \(last)' 'http://x/v1/events?since=0&follow=no'"
        )
        let data = rest.split(separator: "\n").filter { $0.hasPrefix("data: ") }
        let events = try data.map { try Event(json: Array($0.dropFirst(6).utf8)) }
        #expect(told(events) == ["created two", "written two 1"])
        #expect(events.first?.seq == Int64(last)! + 1)
        let wrong = try shell("\(curl) -w '%{http_code}' 'http://x/v1/events?since=x'")
        #expect(wrong.hasSuffix("400"))
    }
}
