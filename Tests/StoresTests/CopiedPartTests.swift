import Base
import Digest
import Stores
import TestSupport
import Testing

/// Parts of a new object that the server copies from a former one, and what goes wrong with that.
@Suite(.serialized, .timeLimit(.minutes(2))) struct CopiedPartTests {
    private static let size = 24 << 20
    private static let old = String(repeating: "abcdefgh", count: size / 8)
    private static let unchanged: [Range<Int64>] = [0..<(10 << 20), (11 << 20)..<(24 << 20)]

    /// The old text with a megabyte in the middle that is another.
    private static let new: String = {
        var bytes = Array(old.utf8)
        for index in (10 << 20)..<(11 << 20) { bytes[index] = UInt8(ascii: "X") }
        return String(decoding: bytes, as: UTF8.self)
    }()

    /// A bucket with the old text, a store that has probed it, and a body that counts what is read of it.
    private struct Fixture {
        let bucket: FakeBucket
        let store: S3Store
        let etag: String
        let read = Monitor(0)

        init(_ manners: FakeBucket.Manners = []) throws {
            bucket = try FakeBucket(manners)
            etag = hex(md5(Array(old.utf8)))
            bucket["key"] = FakeBucket.Object(text: old, etag: etag)
            store = try bucket.store()
            #expect(try store.capabilities().metadata)
        }

        func put() throws -> ObjectInfo {
            let bytes = Array(new.utf8)
            let origin = ObjectOrigin(key: "key", etag: etag, unchanged: unchanged)
            let body = ObjectBody(size: Int64(size), origin: origin) { [read] output, offset in
                let count = min(output.freeCapacity, bytes.count - Int(offset))
                read.update { $0 += count }
                for byte in bytes[Int(offset)..<Int(offset) + count] { output.append(byte) }
            }
            let now = bucket["key"]?.etag ?? ""
            return try store.put(
                "key",
                body: body,
                attributes: ObjectAttributes(),
                condition: .matches(now)
            )
        }

        var copies: Int { bucket.requests.count(where: isCopiedPart) }
        var isNew: Bool { bucket["key"]?.text == new }
        var bytesRead: Int { read.withLock { $0 } }
    }

    @Test func onlyWhatIsNewIsRead() throws {
        let fixture = try Fixture()
        #expect(try fixture.put().size == Int64(Self.size))
        #expect(fixture.isNew && fixture.copies == 2 && fixture.bytesRead == 5 << 20)
    }

    @Test func onlyWhatIsNewIsReadWhereConditionsAreMisread() throws {
        let fixture = try Fixture(.misreadsSources)
        #expect(try fixture.put().size == Int64(Self.size))
        #expect(fixture.isNew && fixture.bytesRead == 5 << 20)
    }

    @Test(arguments: [
        FakeBucket.error(200, "InternalError"), FakeBucket.error(503, "SlowDown"),
        .reset(after: ""),
    ])
    func aPassingFailureIsTriedAgain(answer: FakeBucket.Answer) throws {
        let fixture = try Fixture()
        let tries = Monitor(0)
        fixture.bucket.breaks { request, _ in
            guard isCopiedPart(request) else { return nil }
            let number = tries.update { tries in
                tries += 1
                return tries
            }
            return number < 3 ? .instead(answer) : nil
        }
        _ = try fixture.put()
        #expect(fixture.isNew && fixture.bytesRead == 5 << 20)
    }

    /// Also one that takes the request for an empty part, and says so.
    @Test(arguments: [
        FakeBucket.error(501, "NotImplemented"), FakeBucket.error(200, "AccessDenied"),
        FakeBucket.error(400, "InvalidRequest"),
        .answer(200, headers: ["ETag": "\"d41d8cd98f00b204e9800998ecf8427e\""]),
        FakeBucket.document("<CopyPartResult><ETag>e</ETag></CopyPartResult>"),
    ])
    func aServerThatCannotGetsAllBytesAndIsNotAskedAgain(answer: FakeBucket.Answer) throws {
        let fixture = try Fixture()
        fixture.bucket.breaks { request, _ in isCopiedPart(request) ? .instead(answer) : nil }
        _ = try fixture.put()
        #expect(fixture.isNew)
        let copies = fixture.copies
        #expect(copies > 0)
        _ = try fixture.put()
        #expect(fixture.isNew && fixture.copies == copies)
    }

    @Test(arguments: [(412, "PreconditionFailed"), (404, "NoSuchKey")])
    func aReplacedOriginIsNoPart(answer: (status: Int, code: String)) throws {
        let fixture = try Fixture()
        fixture.bucket.breaks { request, _ in
            isCopiedPart(request) ? .instead(FakeBucket.error(answer.status, answer.code)) : nil
        }
        #expect(throws: StoreError.originChanged) { try fixture.put() }
        #expect(fixture.bucket["key"]?.text == Self.old)
        let last = fixture.bucket.requests.last
        #expect(last?.method == "DELETE" && last?.target.hasSuffix("uploadId=1") == true)
    }

    /// The server heeds no condition on the source of a part.
    @Test func anOriginThatIsReplacedMeanwhileIsSeenBeforeTheEnd() throws {
        let fixture = try Fixture()
        fixture.bucket.breaks { [bucket = fixture.bucket] request, _ in
            guard isCopiedPart(request) else { return nil }
            return .altered { answer in
                bucket["key"] = FakeBucket.Object(text: "theirs", etag: "theirs")
                return answer
            }
        }
        #expect(throws: StoreError.originChanged) { try fixture.put() }
        #expect(fixture.bucket["key"]?.text == "theirs")
    }

    @Test func otherBytesThanWereSentAreNoObject() throws {
        let fixture = try Fixture()
        let wrong = ["ETag": "\"0123456789abcdef0123456789abcdef\""]
        fixture.bucket.breaks { request, _ in
            request.method == "PUT" && !isCopiedPart(request)
                ? .afterwards(.answer(200, headers: wrong)) : nil
        }
        #expect(throws: StoreError.self) { try fixture.put() }
        #expect(fixture.bucket["key"]?.text == Self.old)
        #expect(throws: StoreError.self) {
            try fixture.store.put(
                "small",
                body: ObjectBody([1, 2, 3]),
                attributes: ObjectAttributes(),
                condition: .absent
            )
        }
    }
}

private func isCopiedPart(_ request: FakeBucket.Request) -> Bool {
    request.headers["x-amz-copy-source-range"] != nil
}
