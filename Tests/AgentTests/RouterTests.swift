import Base
import Testing
import WebServer
import Wire

@testable import Agent

struct RouterTests {
    let router = Router(
        daemon: Status.Daemon(
            version: "1",
            pid: 1,
            started: ShelfControl.moment,
            configuration: nil,
            dataDirectory: "/d",
            mountPoints: ["/mnt"],
            warnings: []
        ),
        control: ShelfControl(),
        backends: ShelfControl()
    )

    func ask(
        _ method: Request.Method,
        _ path: String,
        _ query: [String: String] = [:],
        _ body: String = ""
    ) -> Response {
        let body = Array(body.utf8)
        return router.respond(to: Request(method: method, path: path, query: query, body: body))
    }

    @Test func statusTellsOfDaemonAndVolume() throws {
        let answer = ask(.get, "/v1/status")
        let status = try Status(json: answer.body)
        #expect(status.daemon.mountPoints == ["/mnt"])
        #expect(status.volume.files == 2)
        #expect(try Version(json: ask(.get, "/v1/version").body).version == Release.version)
    }

    @Test func listsComeInPages() throws {
        let first = try Listing(
            json: ask(.get, "/v1/list", ["path": "/backends/a", "limit": "3"]).body
        )
        #expect(first.entries.map(\.name) == ["0", "1", "2"])
        let next = ["path": "/backends/a", "limit": "1", "after": first.next ?? ""]
        #expect(try Listing(json: ask(.get, "/v1/list", next).body).entries.map(\.name) == ["20"])
        let usual = try Listing(json: ask(.get, "/v1/list", ["path": "/backends/a"]).body)
        #expect(usual.entries.count == Router.usualPage)
    }

    @Test func tagsChangeInOneRequest() throws {
        let body = #"{"path":"/backends/a/x","set":[{"key":"k","values":["v","w"]}]}"#
        let changed = try FileTags(json: ask(.post, "/v1/tags", [:], body).body)
        #expect(changed.tags == [Tag(key: "k", values: ["v", "w"])])
        #expect(
            try FileTags(json: ask(.get, "/v1/tags", ["path": "/backends/a/x"]).body) == changed
        )
    }

    @Test func aPathWithALineBreakComesAsBase64() throws {
        var items = QueryItems()
        items["path"] = "/backends/a/new\nline"
        #expect(items.encoded == "?path_base64=L2JhY2tlbmRzL2EvbmV3CmxpbmU%3D")
        let answer = ask(.get, "/v1/tags", ["path_base64": "L2JhY2tlbmRzL2EvbmV3CmxpbmU="])
        #expect(try FileTags(json: answer.body).path == "/backends/a/new\nline")
    }

    @Test func aFilterIsMadeChangedAndRemoved() throws {
        let made = ask(.post, "/v1/filters", [:], #"{"path":"photos/red","query":"tag:a=b"}"#)
        #expect(made.status == 201)
        let expected = Filter(path: "photos/red", query: "tag:a=b", source: .stored)
        #expect(try Filter(json: made.body) == expected)
        #expect(try Filters(json: ask(.get, "/v1/filters").body).filters == [expected])
        let path = ["path": "photos/red"]
        let changed = ask(.patch, "/v1/filter", path, #"{"names":"always"}"#)
        #expect(try Filter(json: changed.body).names == .always)
        #expect(ask(.delete, "/v1/filter", path).status == 200)
        #expect(ask(.get, "/v1/filter", path).status == 404)
        let test = ask(.get, "/v1/filters/test", ["query": "*", "limit": "9"])
        #expect(try FilterTest(json: test.body).count == 9)
    }

    struct Mistake: Sendable {
        let method: Request.Method
        let path: String
        var query: [String: String] = [:]
        var body = ""
        let status: Int
        let detail: String
    }

    @Test(arguments: [
        Mistake(
            method: .get,
            path: "/v1/stauts",
            status: 404,
            detail: "There is nothing at /v1/stauts; did you mean '/v1/status'?"
        ),
        Mistake(
            method: .put,
            path: "/v1/tags",
            status: 405,
            detail: "/v1/tags does not understand this method."
        ),
        Mistake(
            method: .get,
            path: "/v1/list",
            query: ["pth": "/"],
            status: 400,
            detail: "/v1/list has no item 'pth'; did you mean 'path'?"
        ),
        Mistake(
            method: .get,
            path: "/v1/list",
            status: 400,
            detail: "The query item 'path' is missing."
        ),
        Mistake(
            method: .get,
            path: "/v1/list",
            query: ["path": "a"],
            status: 400,
            detail: "'a' is not an absolute path, such as /backends/selfhosted/a.txt."
        ),
        Mistake(
            method: .get,
            path: "/v1/list",
            query: ["path": "/a", "limit": "0"],
            status: 400,
            detail: "'limit' is a number from 1 to 1000, not '0'."
        ),
        Mistake(
            method: .get,
            path: "/v1/list",
            query: ["path": "/b"],
            status: 404,
            detail: "/b: there is no such file or directory"
        ),
        Mistake(
            method: .get,
            path: "/v1/list",
            query: ["path": "/b", "path_base64": "L2I="],
            status: 400,
            detail: "The query of /v1/list cannot be read: 'path' is given twice."
        ),
        Mistake(
            method: .post,
            path: "/v1/tags",
            body: "{",
            status: 400,
            detail: "The body cannot be read: it is not JSON."
        ),
        Mistake(
            method: .post,
            path: "/v1/tags",
            body: #"{"path":"/backends/a/x","add":[{"key":"k","values":["a\nb"]}]}"#,
            status: 422,
            detail: "A value of the tag 'k' has two lines; a line break separates values."
        ),
        Mistake(
            method: .post,
            path: "/v1/tags",
            body: #"{"path":"/backends/a/x","add":[{"key":"","values":["a"]}]}"#,
            status: 422,
            detail: "The tag key '' cannot be used: it has 1 to 246 bytes without a line break."
        ),
        Mistake(
            method: .post,
            path: "/v1/filters",
            body: #"{"path":"a"}"#,
            status: 400,
            detail: "A new filter needs a 'path' and a 'query'."
        ),
        Mistake(
            method: .post,
            path: "/v1/filters",
            body: #"{"path":"../a","query":"*"}"#,
            status: 422,
            detail: "The filter path '../a' has a '..' in it."
        ),
        Mistake(
            method: .patch,
            path: "/v1/filter",
            query: ["path": "a"],
            body: "{}",
            status: 400,
            detail: "Nothing of a is to be changed."
        ),
    ])
    func aMistakeIsExplained(mistake: Mistake) throws {
        let answer = ask(mistake.method, mistake.path, mistake.query, mistake.body)
        #expect(answer.status == mistake.status)
        #expect(answer.contentType == "application/problem+json")
        let problem = try Problem(json: answer.body)
        #expect(problem.detail == mistake.detail)
        #expect(problem.status == mistake.status)
    }
}
