import Testing
import WebServer
import Wire

@testable import Agent

/// Ranges and the items of `/v1/content`.
struct ContentTests {
    @Test(
        arguments: [
            (nil, 10, nil), ("bytes=0-3", 10, 0..<4), ("bytes=4-", 10, 4..<10),
            ("bytes=-3", 10, 7..<10),
            ("bytes=-30", 10, 0..<10), ("bytes=9-99", 10, 9..<10), ("bytes=5-2", 10, nil),
            ("bytes=0-1,4-5", 10, nil), ("lines=0-3", 10, nil), ("bytes=-", 10, nil),
            ("bytes=+1-2", 10, nil), ("bytes=0-99999999999999999999", 10, nil),
        ] as [(String?, Int64, Range<Int64>?)]
    )
    func aRangeIsRead(header: String?, size: Int64, range: Range<Int64>?) throws {
        #expect(try ByteRange.read(header, size: size) == range)
    }

    @Test(arguments: [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=-5", 0)])
    func aRangeBeyondTheEndIsRefused(header: String, size: Int64) {
        #expect(throws: ByteRange.Unsatisfiable.self) { try ByteRange.read(header, size: size) }
    }

    @Test(arguments: [
        ["mode": "888"], ["mode": "1777"], ["modified": "now"], ["attributes": "maybe"],
        ["from": "x"], ["size": "1"],
    ])
    func whatMakesNoSenseIsRefusedBeforeTheBody(items: [String: String]) throws {
        let router = Router(daemon: .shelf, control: ShelfControl(), backends: ShelfControl())
        let all = items.merging(["path": "/backends/a/x"]) { $1 }
        let request = Request(method: .put, path: Endpoint.content.rawValue, query: all)
        let upload = try #require(router.upload(for: request))
        #expect(upload.take([1])?.status == 400)
        #expect(upload.finish().status == 400)
    }

    @Test func onlyContentIsTakenPieceByPiece() throws {
        let router = Router(daemon: .shelf, control: ShelfControl(), backends: ShelfControl())
        #expect(router.upload(for: Request(method: .put, path: Endpoint.tags.rawValue)) == nil)
        #expect(router.upload(for: Request(method: .get, path: Endpoint.content.rawValue)) == nil)
    }
}

extension Status.Daemon {
    fileprivate static let shelf = Status.Daemon(
        version: "1",
        pid: 1,
        started: ShelfControl.moment,
        configuration: nil,
        dataDirectory: "/d",
        mountPoints: [],
        warnings: []
    )
}
