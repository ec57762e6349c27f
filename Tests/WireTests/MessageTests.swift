import Base
import TestSupport
import Testing
import Wire

struct MessageTests {
    static let moment = Moment(Timestamp(nanoseconds: 1_714_557_600_000_000_001))
    static let match = Match(
        path: "/backends/a/e\u{301} \"\\\n/\u{1f600}",
        sizeBytes: .max,
        modified: moment
    )

    static let messages: [any Message] = [
        Version(version: "1.2.3"),
        Problem(.notFound, "there is no file /backends/a/b"),
        Status(
            daemon: .init(
                version: "1",
                pid: 7,
                started: moment,
                configuration: nil,
                dataDirectory: "/d",
                mountPoints: ["/mnt/a"],
                warnings: ["w"]
            ),
            volume: VolumeStatus(
                backends: [.init(id: "a", type: "s3", place: "p", readOnly: true, error: "e")],
                cache: .init(usedBytes: 1, sizeBytes: 2),
                pendingUploads: 3,
                pendingBytes: 4,
                files: 5,
                tags: 6,
                filters: 7
            )
        ),
        Listing(
            path: "/",
            entries: Entry.Kind.allCases.map {
                Entry(
                    name: "n",
                    kind: $0,
                    inode: .max,
                    sizeBytes: -1,
                    mode: 0o755,
                    owner: 1,
                    group: 2,
                    modified: moment,
                    target: "../x"
                )
            },
            next: "n"
        ),
        FileTags(path: "/a", tags: [Tag(key: "k", values: ["", "v"])]),
        TagChange(
            path: "/a",
            set: [Tag(key: "k", values: [])],
            remove: [Tag(key: "x", values: [])]
        ),
        Matches(files: [match], warnings: ["w"], next: "17"),
        Filters(filters: [Filter(path: "a/b", query: "*", source: .stored, error: "e")]),
        FilterDraft(path: "a", query: "*", layout: .flat, names: .always),
        FilterTest(query: "*", count: 1, files: [match]),
    ]

    @Test(arguments: messages.indices)
    func aMessageComesBackAsItWasSent(index: Int) throws {
        func check<M: Message>(_ message: M) throws {
            #expect(try M(json: message.json()) == message)
            #expect(try M(json: message.json(isPretty: true)) == message)
        }
        try check(Self.messages[index])
    }

    @Test func spellingsOfOneLetterStayApart() throws {
        for name in ["\u{e9}", "e\u{301}"] {
            let sent = FileTags(path: name, tags: [])
            let path = try FileTags(json: sent.json()).path
            #expect(Array(path.utf8) == Array(name.utf8))
        }
    }

    @Test(arguments: [
        ("", "it is not JSON"), ("{", "it is not JSON"),
        ("[]", "there is a value of the wrong type"),
        ("{}", "'path' is missing"), (#"{"path":7}"#, "there is a value of the wrong type at path"),
        (#"{"path":"a","add":[{"key":"k"}]}"#, "'values' is missing at add.[0]"),
    ])
    func whatIsWrongWithAMessageIsSaid(json: String, reason: String) {
        #expect(throws: MessageError(reason: reason)) { try TagChange(json: Array(json.utf8)) }
    }

    @Test func aChangeMayLeaveOutEmptyLists() throws {
        #expect(try TagChange(json: Array(#"{"path":"/a"}"#.utf8)) == TagChange(path: "/a"))
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func damagedMessagesDoNoHarm(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bytes = Self.messages[Int(seed) % Self.messages.count].json()
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            bytes[index] = UInt8.random(in: 0...255, using: &random)
        }
        for message in Self.messages { _ = try? type(of: message).init(json: bytes) }
        _ = try? Status(json: Array(bytes.prefix(bytes.count / 2)))
    }
}

struct MomentTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (1_714_557_600_000_000_001, "2024-05-01T10:00:00.000000001Z"),
        (1_500_000_000, "1970-01-01T00:00:01.5Z"), (-500_000_000, "1969-12-31T23:59:59.5Z"),
        (-86_400_000_000_000, "1969-12-31T00:00:00Z"),
    ])
    func aMomentIsWrittenInUTC(nanoseconds: Int64, text: String) {
        let moment = Moment(Timestamp(nanoseconds: nanoseconds))
        #expect(moment.description == text)
        #expect(Moment(text) == moment)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func everyMomentComesBack(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let range: ClosedRange<Int64> = Int64.min / 2...Int64.max
        let moment = Moment(Timestamp(nanoseconds: .random(in: range, using: &random)))
        #expect(Moment(moment.description) == moment)
    }

    @Test(arguments: ["", "now", "2024-05-01", "2024-05-01T10:00:00.Z", "2024-05-01T10:00:00.5"])
    func whatIsNoTimeIsRefused(text: String) { #expect(Moment(text) == nil) }
}
