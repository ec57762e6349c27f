import Base
import Digest
import Stores
import TestSupport
import Testing

/// Conditions that only some servers heed: seen by trying, and used where they are.
@Suite(.timeLimit(.minutes(1))) struct ConditionTests {
    private static let theirs = FakeBucket.Object(
        text: "news",
        etag: hex(md5(Array("news".utf8)))
    )

    /// A bucket that heeds some conditions, with one object, and a store that has probed it.
    private struct Fixture {
        let bucket: FakeBucket
        let store: S3Store
        let etag = hex(md5(Array("text".utf8)))

        init(_ manners: FakeBucket.Manners) throws {
            bucket = try FakeBucket(manners)
            bucket["key"] = FakeBucket.Object(text: "text", etag: etag)
            store = try bucket.store()
            _ = try store.capabilities()
        }

        /// Somebody else writes when the first of such requests arrives.
        func intrudes(_ key: String, before method: String) {
            let isDone = Monitor(false)
            bucket.breaks { [bucket] request, _ in
                guard request.method == method,
                    isDone.update({ isDone in
                        defer { isDone = true }
                        return !isDone
                    })
                else { return nil }
                bucket[key] = ConditionTests.theirs
                return nil
            }
        }

        func copy(
            _ condition: PutCondition,
            _ attributes: ObjectAttributes = ObjectAttributes()
        ) throws -> ObjectInfo {
            try store.copy(
                "key",
                to: "copy",
                attributes: attributes,
                condition: condition,
                ifMatch: etag
            )
        }
    }

    static let manners: [FakeBucket.Manners] = [
        [], .copies, .deletions, [.deletions, .batches], [.copies, .deletions, .batches],
    ]

    @Test(arguments: manners.indices)
    func whatTheServerHeedsIsFoundOut(index: Int) throws {
        let manners = Self.manners[index]
        let fixture = try Fixture(manners)
        let found = try fixture.store.capabilities()
        #expect(found.conditionalPut)
        #expect(found.conditionalCopy == manners.contains(.copies))
        let expected: ConditionalDelete =
            manners.contains(.batches) ? .always : manners.contains(.deletions) ? .one : .no
        #expect(found.conditionalDelete == expected)
        let keys = try fixture.store.list(prefix: "", delimited: false, after: nil).objects.map(
            \.key
        )
        #expect(keys == ["key"], "a probe stayed behind")
    }

    @Test func aCopyDoesNotOverwriteWhatCameAtTheLastMoment() throws {
        let fixture = try Fixture(.copies)
        fixture.intrudes("copy", before: "PUT")
        #expect(throws: StoreError.changed) { try fixture.copy(.absent) }
        #expect(fixture.bucket["copy"]?.text == "news")
    }

    @Test func aCopyOfWhatChangedAtTheLastMomentSaysSo() throws {
        let fixture = try Fixture(.copies)
        fixture.bucket.breaks { [bucket = fixture.bucket] request, _ in
            guard request.method == "PUT" else { return nil }
            bucket["key"] = Self.theirs
            return .instead(FakeBucket.error(412, "PreconditionFailed"))
        }
        #expect(throws: StoreError.originChanged) { try fixture.copy(.absent) }
    }

    /// Not every server copies the version that its condition was met by.
    @Test(arguments: ["news", "some more"], [true, false])
    func aCopyOfAnotherVersionIsNotTakenForTheOneMeant(text: String, tellsSums: Bool) throws {
        let fixture = try Fixture(.copies)
        let other = tellsSums ? hex(md5(Array(text.utf8))) : "other"
        fixture.bucket.breaks { [bucket = fixture.bucket] request, _ in
            guard request.method == "PUT" else { return nil }
            bucket["key"] = FakeBucket.Object(text: text, etag: other)
            return nil
        }
        #expect(throws: StoreError.originChanged) { try fixture.copy(.absent) }
    }

    /// As Swift does, set up in the wrong order, with the list of the parts.
    @Test func whatTheServerCopiesWronglyIsSent() throws {
        let fixture = try Fixture(.copies)
        fixture.bucket.breaks { [bucket = fixture.bucket] request, _ in
            guard request.headers["x-amz-copy-source"] != nil else { return nil }
            return .altered { answer in
                bucket["copy"]?.text = "its parts"
                bucket["copy"]?.etag = "other"
                return answer
            }
        }
        // Somebody's object in the copy's place would be found so too.
        #expect(throws: StoreError.self) { try fixture.copy(.absent) }
        #expect(fixture.bucket["copy"]?.text == "its parts")
        fixture.bucket["copy"] = nil
        var attributes = ObjectAttributes()
        attributes.modified = Timestamp(seconds: 1)
        #expect(try fixture.copy(.absent, attributes).size == 4)
        #expect(fixture.bucket["copy"]?.text == "text")
        #expect(fixture.bucket["key"]?.text == "text")
    }

    /// Not every store gives a copy the ETag of its source.
    @Test func aCopyMayHaveAnotherETagThanItsSource() throws {
        let fixture = try Fixture(.copies)
        let now = FakeBucket.Object(text: "text", etag: "other")
        fixture.bucket["key"] = now
        let copy = { (target: Key) in
            try fixture.store.copy(
                "key",
                to: target,
                attributes: ObjectAttributes(),
                condition: .none,
                ifMatch: fixture.bucket["key"]?.etag
            )
        }
        #expect(try copy("copy").size == 4)
        #expect(try copy("key").size == 4)
    }

    /// As Swift does with what was sent in parts.
    @Test func aConditionThatTheServerMisreadsKeepsNothingFromBeingCopied() throws {
        let fixture = try Fixture(.misreadsSources)
        for _ in 0..<2 {
            fixture.bucket["copy"] = nil
            #expect(try fixture.copy(.absent).size == 4)
        }
        let tries = fixture.bucket.requests.count { request in
            request.headers["x-amz-copy-source-if-match"] != nil
        }
        #expect(tries == 1)
    }

    /// Somebody replaces the copy before it is looked at: theirs is not taken for ours.
    @Test func whatTookTheCopysPlaceIsNotTakenForIt() throws {
        let fixture = try Fixture([])
        _ = try fixture.copy(.absent)
        fixture.bucket["copy"] = nil
        let heads = Monitor(0)
        fixture.bucket.breaks { [bucket = fixture.bucket] request, _ in
            let isLook = request.method == "HEAD" && request.target == "/bucket/copy"
            if isLook,
                heads.update({ heads in
                    heads += 1
                    return heads == 2
                })
            {
                bucket["copy"] = Self.theirs
            }
            return nil
        }
        #expect(throws: StoreError.changed) { try fixture.copy(.absent) }
        #expect(heads.withLock { $0 } == 2)
    }

    /// By one request for each, or by one for all, without a look before.
    @Test(arguments: [1, 3, 20, 120], [false, true])
    func whatCameAtTheLastMomentIsNotDeleted(count: Int, inBatches: Bool) throws {
        // Of many, a server that heeds nothing in batches is asked before; that leaves a moment.
        if count > 100 && !inBatches { return }
        let fixture = try Fixture(inBatches ? [.deletions, .batches] : .deletions)
        let versions = (0..<count).map { ObjectVersion(key: Key("d\($0)"), etag: fixture.etag) }
        for version in versions {
            fixture.bucket[version.key.text] = FakeBucket.Object(
                text: "text",
                etag: fixture.etag
            )
        }
        let isBatch = inBatches && count > 1
        fixture.intrudes("d0", before: isBatch ? "POST" : "DELETE")
        let before = fixture.bucket.requests.count
        let failures = try fixture.store.delete(versions)
        #expect(failures.map(\.key) == ["d0"] && failures.map(\.error) == [.changed])
        #expect(fixture.bucket["d0"]?.text == "news")
        #expect(fixture.bucket.requests.count == before + (isBatch ? 1 : count))
        #expect(versions.dropFirst().allSatisfy { fixture.bucket[$0.key.text] == nil })
    }
}
