import Base
import Digest
import Foundation
import Stores
import TestSupport
import Testing

/// What an S3 store makes of a server that fails: never a wrong byte, never a wait without an end.
@Suite(.timeLimit(.minutes(1))) struct FaultTests {
    static let text = String((0..<50_000).map { _ in "abcdefghij" }.joined().prefix(400_000))

    enum Verb: String, CaseIterable, Sendable { case get, head, put, copy, delete, deleteTwo, list }

    private func perform(_ verb: Verb, _ store: S3Store) throws {
        let none = ObjectAttributes()
        switch verb {
        case .get: #expect(try read(store, "key") == "text")
        case .head: #expect(try store.head("key").size == 4)
        case .put: _ = try store.put("key", body: body("new"), attributes: none, condition: .none)
        case .copy: _ = try store.copy("key", to: "copy", attributes: none, ifMatch: nil)
        case .delete: #expect(try store.delete(["key"]).isEmpty)
        case .deleteTwo:
            // The fake knows no batches, so this also shows the way around them.
            #expect(try store.delete(["key", "other"]).isEmpty)
        case .list:
            #expect(try store.list(prefix: "", delimited: false, after: nil).objects.count == 1)
        }
    }

    @Test(arguments: Verb.allCases, [429, 500, 502, 503, 504])
    func aPassingFailureIsTriedAgain(verb: Verb, status: Int) throws {
        let bucket = try filled()
        bucket.breaks { _, number in
            number < 2 ? .instead(FakeBucket.error(status, "SlowDown")) : nil
        }
        try perform(verb, bucket.store())
    }

    @Test(arguments: Verb.allCases)
    func aResetConnectionIsTriedAgain(verb: Verb) throws {
        let bucket = try filled()
        bucket.breaks { _, number in number < 2 ? .instead(.reset(after: "HTTP/1.1 2")) : nil }
        try perform(verb, bucket.store())
    }

    @Test(arguments: Verb.allCases)
    func aFailureThatStaysEndsAfterAllTries(verb: Verb) throws {
        let bucket = try filled()
        bucket.breaks { _, _ in .instead(FakeBucket.error(503, "SlowDown")) }
        let error = #expect(throws: StoreError.self) { try perform(verb, bucket.store()) }
        guard case .unavailable = error else { return #expect(Bool(false), "\(error!)") }
        #expect(bucket.requests.count == 4)
    }

    @Test(arguments: Verb.allCases, [(403, "AccessDenied"), (400, "InvalidArgument"), (401, "")])
    func aRefusalIsNotTriedAgain(verb: Verb, answer: (status: Int, code: String)) throws {
        let bucket = try filled()
        bucket.breaks { _, _ in .instead(FakeBucket.error(answer.status, answer.code)) }
        let store = try bucket.store()
        if verb == .delete {
            #expect(try store.delete(["key"]).count == 1)
        } else {
            #expect(throws: StoreError.self) { try perform(verb, store) }
        }
        #expect(bucket.requests.count == 1)
    }

    @Test(arguments: [301, 302, 307, 308])
    func aRedirectIsNotFollowed(status: Int) throws {
        let bucket = try filled()
        let elsewhere = try FakeBucket()
        bucket.breaks { _, _ in
            .instead(
                .answer(
                    status,
                    headers: [
                        "Location": "http://127.0.0.1:9/", "x-amz-bucket-region": "eu-west-1",
                    ]
                )
            )
        }
        let error = #expect(throws: StoreError.self) { try bucket.store().head("key") }
        guard case .invalid = error else { return #expect(Bool(false), "\(error!)") }
        #expect(bucket.requests.count == 1 && elsewhere.requests.isEmpty)
    }

    @Test(arguments: [0, 1, 70_000, 399_999], [true, false])
    func aBrokenTransferGoesOnWhereItBroke(after count: Int, isReset: Bool) throws {
        let bucket = try filled(Self.text)
        bucket.breaks { request, number in
            guard number < 3, let answer = half(bucket, request, count, isReset) else { return nil }
            return .instead(answer)
        }
        #expect(try read(bucket.store(), "key", 0..<400_000) == Self.text)
        let part = Self.text.dropFirst(5).prefix(350_000)
        #expect(try read(bucket.store(), "key", 5..<350_005) == part)
    }

    @Test func anotherVersionIsNotContinued() throws {
        let bucket = try filled(Self.text)
        bucket.breaks { request, number in
            guard number == 0 else { return nil }
            let answer = half(bucket, request, 100_000, true)
            bucket["key"] = FakeBucket.Object(text: Self.text.uppercased(), etag: "other")
            return answer.map { .instead($0) }
        }
        #expect(throws: StoreError.changed) { try read(bucket.store(), "key", 0..<400_000) }
    }

    /// Answers to a read of bytes 4 to 8, none of which may reach the reader.
    @Test(arguments: [
        "206 x\r\nETag: \"e\"\r\nContent-Range: bytes 0-3/12\r\nContent-Length: 4\r\n\r\nabcd",
        "206 x\r\nETag: \"e\"\r\nContent-Range: bytes 4-8/12\r\nContent-Length: 5\r\n\r\nefghi",
        "206 x\r\nETag: \"e\"\r\nContent-Range: bytes 4-6/12\r\nContent-Length: 3\r\n\r\nefg",
        "206 x\r\nETag: \"e\"\r\nContent-Range: bytes 4-7/12\r\nContent-Length: 5\r\n\r\nefghi",
        "206 x\r\nETag: \"e\"\r\nContent-Range: bytes */12\r\nContent-Length: 4\r\n\r\nefgh",
        "206 x\r\nETag: \"e\"\r\nContent-Range: bytes 4-\r\nContent-Length: 4\r\n\r\nefgh",
        "206 x\r\nETag: \"e\"\r\nContent-Length: 4\r\n\r\nefgh",
        "206 x\r\nContent-Range: bytes 4-7/12\r\nContent-Length: 4\r\n\r\nefgh",
        "200 x\r\nContent-Length: 12\r\n\r\nabcdefghijkl",
        "200 x\r\nETag: \"e\"\r\nContent-Length: 7\r\n\r\nabcdefg",
        "200 x\r\nETag: \"other\"\r\nContent-Length: 12\r\n\r\nabcdefghijkl",
        "204 x\r\nETag: \"e\"\r\n\r\n",
    ])
    func aWrongAnswerNeverReachesTheReader(answer: String) throws {
        let bucket = try filled()
        bucket.breaks { _, _ in .instead(.raw("HTTP/1.1 " + answer)) }
        var count = 0
        #expect(throws: StoreError.self) {
            try bucket.store().get("key", range: 4..<8, ifMatch: "e") { count += $0.byteCount }
        }
        #expect(count == 0)
    }

    @Test func theWholeObjectForARangeIsCutToIt() throws {
        let bucket = try filled(Self.text)
        bucket.breaks { _, _ in
            .instead(.answer(200, headers: ["ETag": "\"e\""], body: Array(Self.text.utf8)))
        }
        let part = Self.text.dropFirst(1003).prefix(100_000)
        #expect(try read(bucket.store(), "key", 1003..<101_003) == part)
    }

    @Test(arguments: ["HTTP/1.1 20", "HTTP/1.1 206 x\r\nETag: \"", ""])
    func aStalledTransferIsTriedAgain(start: String) throws {
        let bucket = try filled(Self.text)
        bucket.breaks { _, number in number < 1 ? .instead(.stall(start, seconds: 30)) : nil }
        let begin = monotonicSeconds()
        #expect(try read(bucket.store(), "key", 0..<400_000) == Self.text)
        #expect(monotonicSeconds() - begin < 10)
    }

    @Test func aStoreThatAlwaysStallsIsGivenUp() throws {
        let bucket = try filled()
        bucket.breaks { _, _ in .instead(.stall("", seconds: 30)) }
        let store = try bucket.store { $0.retrySeconds = 2 }
        let begin = monotonicSeconds()
        for verb in [Verb.get, .head, .put, .delete] {
            #expect(throws: StoreError.self) { try perform(verb, store) }
        }
        #expect(monotonicSeconds() - begin < 30)
    }

    @Test func anErrorUnderStatus200IsAnError() throws {
        let bucket = try filled()
        let store = try bucket.store { $0.singlePutBytes = 2 }
        for code in ["InternalError", "SlowDown"] {
            bucket.breaks { request, number in
                isHeavy(request) && number < 3 ? .instead(FakeBucket.error(200, code)) : nil
            }
            try perform(.copy, store)
            _ = try put(store, "large", "large body", .none)
            #expect(bucket["large"]?.text == "large body" && bucket["copy"]?.text == "text")
        }
        bucket.breaks { request, _ in
            isHeavy(request) ? .instead(FakeBucket.error(200, "AccessDenied")) : nil
        }
        #expect(throws: StoreError.denied("AccessDenied")) { try perform(.copy, store) }
        #expect(throws: StoreError.denied("AccessDenied")) {
            try put(store, "large", "x y z", .none)
        }
        #expect(bucket["large"]?.text == "large body")
    }

    static let lost: [FakeBucket.Answer] = [
        .reset(after: ""), .reset(after: "HTTP/1.1 200 OK\r\n"),
        FakeBucket.error(500, "InternalError"),
        FakeBucket.error(502, ""), FakeBucket.error(504, ""), .stall("", seconds: 30),
    ]

    /// The server did it, and then its answer was lost: what stands in the way is our own object.
    @Test(arguments: lost.indices, [nil, 4] as [Int64?])
    func aWriteWhoseAnswerWasLostIsOurs(answer: Int, singlePutBytes: Int64?) throws {
        let bucket = try filled()
        let store = try bucket.store { $0.singlePutBytes = singlePutBytes ?? $0.singlePutBytes }
        #expect(try store.capabilities().conditionalPut)
        let old = try store.head("key").etag
        for (key, condition) in [("fresh", PutCondition.absent), ("key", .matches(old))] {
            let tries = Monitor(0)
            bucket.breaks { request, _ in
                guard finishes(request, singlePutBytes) else { return nil }
                let number = tries.update { tries in
                    tries += 1
                    return tries
                }
                return number == 1 ? .afterwards(Self.lost[answer]) : nil
            }
            let info = try put(store, Key(key), "our text", condition)
            #expect(bucket[key]?.text == "our text")
            #expect(info.etag == bucket[key]?.etag && info.size == 8)
        }
    }

    @Test(arguments: lost.indices)
    func aWriteThatSomebodyElseOvertookIsNotOurs(answer: Int) throws {
        let bucket = try filled()
        let store = try bucket.store()
        _ = try store.capabilities()
        bucket.breaks { request, number in
            guard request.method == "PUT", number == 0 else { return nil }
            bucket["fresh"] = FakeBucket.Object(
                text: "theirs",
                etag: hex(md5(Array("theirs".utf8)))
            )
            return .instead(Self.lost[answer])
        }
        #expect(throws: StoreError.changed) { try put(store, "fresh", "ours", .absent) }
        #expect(bucket["fresh"]?.text == "theirs")
    }

    @Test func aPlainRefusalOfAConditionIsChangedAtOnce() throws {
        let bucket = try filled()
        let store = try bucket.store()
        _ = try store.capabilities()
        bucket.breaks { _, _ in nil }
        let before = bucket.requests.count
        // The same bytes as are there: nobody's answer was lost, so they are not ours.
        #expect(throws: StoreError.changed) { try put(store, "key", "text", .absent) }
        #expect(bucket.requests.count == before + 1)
    }

    @Test func aClosedStoreStopsWaiting() throws {
        let bucket = try filled()
        bucket.breaks { _, _ in .instead(.stall("", seconds: 30)) }
        let store = try bucket.store { $0.stallSeconds = 20 }
        let workers = Workers("closer", limit: 1)
        workers.run {
            while bucket.requests.isEmpty { usleep(1000) }
            store.close()
        }
        let begin = monotonicSeconds()
        #expect(throws: StoreError.self) { try store.head("key") }
        #expect(monotonicSeconds() - begin < 5)
        workers.stop()
    }

    private func filled(_ text: String = "text") throws -> FakeBucket {
        let bucket = try FakeBucket()
        bucket["key"] = FakeBucket.Object(text: text, etag: hex(md5(Array(text.utf8))))
        return bucket
    }

    private func body(_ text: String) -> ObjectBody { ObjectBody(Array(text.utf8)) }

    private func put(_ store: S3Store, _ key: Key, _ text: String, _ condition: PutCondition) throws
        -> ObjectInfo
    {
        try store.put(key, body: body(text), attributes: ObjectAttributes(), condition: condition)
    }

    private func read(_ store: S3Store, _ key: Key, _ range: Range<Int64> = 0..<4) throws -> String
    {
        var bytes: [UInt8] = []
        try store.get(key, range: range, ifMatch: nil) { span throws(Errno) in
            span.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The right head, and then no more than `count` bytes of what it promises.
private func half(
    _ bucket: FakeBucket,
    _ request: FakeBucket.Request,
    _ count: Int,
    _ isReset: Bool
) -> FakeBucket.Answer? {
    guard let object = bucket["key"], let range = request.headers["range"] else { return nil }
    let bounds = range.dropFirst(6).split(separator: "-").compactMap { Int($0) }
    let size = bounds[1] - bounds[0] + 1
    let text = String(object.text.dropFirst(bounds[0]).prefix(min(count, size - 1)))
    let head =
        "HTTP/1.1 206 x\r\nETag: \"\(object.etag)\"\r\nContent-Length: \(size)\r\n"
        + "Content-Range: bytes \(bounds[0])-\(bounds[1])/\(object.text.utf8.count)\r\n\r\n"
    return isReset ? .reset(after: head + text) : .raw(head + text)
}

/// A request that a server may answer with an error under status 200.
private func isHeavy(_ request: FakeBucket.Request) -> Bool {
    request.headers["x-amz-copy-source"] != nil
        || request.method == "POST" && request.target.hasSuffix("uploadId=1")
}

/// The request after which the object is there.
private func finishes(_ request: FakeBucket.Request, _ singlePutBytes: Int64?) -> Bool {
    singlePutBytes == nil ? request.method == "PUT" : isHeavy(request)
}
