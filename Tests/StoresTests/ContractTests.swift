import Base
import Stores
import TestSupport
import Testing

/// What every store promises, held to by each of them.
@Suite struct ContractTests {
    @Test(arguments: StoreCase.allCases)
    func checkFindsAStoreThatIsThere(kind: StoreCase) throws {
        let open = try kind.make()
        try open.store.check()
    }

    @Test(arguments: StoreCase.allCases)
    func capabilitiesAreWhatTheServerIsKnownFor(kind: StoreCase) throws {
        let open = try kind.make()
        let found = try open.store.capabilities()
        #expect(found.directoryMarkers == kind.keepsMarkers)
        #expect(found.conditionalPut == kind.heedsConditions)
        #expect(found.conditionalCopy == kind.copiesOnConditions)
        #expect(found.conditionalDelete == kind.conditionalDelete)
        #expect(found.metadata == kind.keepsMetadata)
        #expect(try open.keys() == [], "a probe stayed behind")
    }

    @Test(arguments: StoreCase.allCases)
    func whatIsPutIsThere(kind: StoreCase) throws {
        let open = try kind.make()
        for (i, size) in [0, 1, 1000, 65_537, 3_000_000].enumerated() {
            let key = Key("dir/file \(size)")
            let bytes = sampleBytes(size, seed: UInt64(i))
            let put = try open.put(key, bytes)
            #expect(put.size == Int64(size) && put.key == key)
            let head = try open.store.head(key)
            #expect(head.size == Int64(size) && head.etag == put.etag && !head.etag.isEmpty)
            #expect(abs(head.modified.secondsSince(.now())) < 120)
            #expect(try open.bytes(key) == bytes)
        }
        #expect(try open.fileKeys().count == 5)
    }

    @Test(arguments: StoreCase.allCases)
    func aPutReplacesAndChangesTheETag(kind: StoreCase) throws {
        let open = try kind.make()
        var etags: Set<String> = []
        for text in ["one", "two", "six", ""] {
            etags.insert(try open.put("key", text).etag)
            #expect(try open.text("key") == text)
        }
        #expect(etags.count == 4)
    }

    @Test(arguments: StoreCase.allCases, 0..<4 as Range<UInt64>)
    func anyRangeReadsRight(kind: StoreCase, seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let open = try kind.make()
        let size = Int.random(in: 1...300_000, using: &random)
        let bytes = sampleBytes(size, seed: seed)
        let etag = try open.put("key", bytes).etag
        for _ in 0..<12 {
            let start = Int.random(in: 0..<size, using: &random)
            let end = Int.random(in: start...size, using: &random)
            let read = try open.bytes("key", Int64(start)..<Int64(end), ifMatch: etag)
            #expect(read == Array(bytes[start..<end]), "\(start)..<\(end) of \(size)")
        }
        for range in [0..<size + 1, size - 1..<size + 1, size..<size + 1, size + 5..<size + 9] {
            let range = Int64(range.lowerBound)..<Int64(range.upperBound)
            #expect(throws: StoreError.self) { try open.bytes("key", range) }
        }
        #expect(try open.bytes("key", Int64(size)..<Int64(size)) == [])
    }

    @Test(arguments: StoreCase.allCases)
    func anotherVersionIsNeverRead(kind: StoreCase) throws {
        let open = try kind.make()
        let old = try open.put("key", "old bytes").etag
        try open.put("key", "new bytes")
        #expect(throws: StoreError.changed) { try open.bytes("key", 0..<3, ifMatch: old) }
        #expect(throws: StoreError.changed) { try open.bytes("key", 0..<0, ifMatch: old) }
    }

    @Test(arguments: StoreCase.allCases)
    func whatIsNotThereIsMissing(kind: StoreCase) throws {
        let open = try kind.make()
        #expect(throws: StoreError.missing) { try open.store.head("none") }
        #expect(throws: StoreError.missing) { try open.store.head("none/at/all") }
        #expect(throws: StoreError.missing) { try open.bytes("none", 0..<1) }
        #expect(throws: StoreError.missing) {
            try open.store.copy("none", to: "x", attributes: ObjectAttributes(), ifMatch: nil)
        }
        #expect(try open.store.delete(["none", "none2"]).isEmpty)
        #expect(try open.keys().isEmpty)
        #expect(try open.keys("none/", delimited: true).isEmpty)
    }

    @Test(arguments: StoreCase.allCases)
    func aSinkThatThrowsEndsTheRead(kind: StoreCase) throws {
        let open = try kind.make()
        try open.put("key", sampleBytes(500_000, seed: 1))
        var calls = 0
        #expect(throws: StoreError.aborted(.noSpace)) {
            try open.store.get("key", range: 0..<500_000, ifMatch: nil) { _ throws(Errno) in
                calls += 1
                throw .noSpace
            }
        }
        #expect(calls == 1)
    }

    @Test(arguments: StoreCase.allCases)
    func aBodyThatThrowsWritesNothing(kind: StoreCase) throws {
        let open = try kind.make { $0.singlePutBytes = 1 << 20 }
        for size: Int64 in [1000, 20 << 20] {
            let body = ObjectBody(size: size) { _, _ throws(Errno) in throw .ioError }
            #expect(throws: StoreError.self) {
                try open.store.put(
                    "key",
                    body: body,
                    attributes: ObjectAttributes(),
                    condition: .none
                )
            }
        }
        #expect(throws: StoreError.missing) { try open.store.head("key") }
        #expect(try open.keys().isEmpty)
    }

    @Test(arguments: StoreCase.allCases)
    func deletedObjectsAreGone(kind: StoreCase) throws {
        let open = try kind.make()
        let keys = (0..<30).map { Key("d/\($0) & <x> \"'") }
        for key in keys { try open.put(key, "x") }
        #expect(try open.store.delete(Array(keys.prefix(20)) + ["other"]).isEmpty)
        #expect(try open.fileKeys("d/").sorted() == keys.suffix(10).sorted())
        #expect(try open.store.delete([keys[20]]).isEmpty)
        #expect(try open.fileKeys("d/").count == 9)
    }

    @Test(arguments: StoreCase.allCases)
    func aConditionThatDoesNotHoldWritesNothing(kind: StoreCase) throws {
        let open = try kind.make()
        let none = ObjectAttributes()
        let first = try open.put("key", Array("1".utf8), none, .absent)
        #expect(throws: StoreError.changed) { try open.put("key", [50], none, .absent) }
        #expect(throws: StoreError.changed) {
            try open.put("key", [50], none, .matches("nonsense"))
        }
        #expect(throws: StoreError.changed) {
            try open.put("other", [50], none, .matches(first.etag))
        }
        #expect(try open.text("key") == "1")
        let second = try open.put("key", [51], none, .matches(first.etag))
        #expect(throws: StoreError.changed) {
            try open.put("key", [50], none, .matches(first.etag))
        }
        #expect(try open.text("key") == "3")
        #expect(try open.store.head("key").etag == second.etag)
        #expect(throws: StoreError.missing) { try open.store.head("other") }
    }

    @Test(arguments: StoreCase.allCases)
    func aCopyOntoWhatWasNotExpectedCopiesNothing(kind: StoreCase) throws {
        let open = try kind.make()
        let none = ObjectAttributes()
        let source = try open.put("source", "new")
        let target = try open.put("target", "old")
        for condition in [PutCondition.absent, .matches("nonsense")] {
            #expect(throws: StoreError.changed) {
                try open.store.copy(
                    "source",
                    to: "target",
                    attributes: none,
                    condition: condition,
                    ifMatch: source.etag
                )
            }
            #expect(try open.text("target") == "old")
        }
        for (key, condition) in [("target", PutCondition.matches(target.etag)), ("free", .absent)] {
            let copied = try open.store.copy(
                "source",
                to: Key(key),
                attributes: none,
                condition: condition,
                ifMatch: source.etag
            )
            #expect(try open.text(Key(key)) == "new")
            #expect(try open.store.head(Key(key)).etag == copied.etag)
        }
    }

    /// One by one and many at once.
    @Test(arguments: StoreCase.allCases, [1, 3, 20, 120])
    func anotherVersionIsNotDeleted(kind: StoreCase, count: Int) throws {
        let open = try kind.make()
        let keys = (0..<count).map { Key("d/\($0)") }
        var versions: [ObjectVersion] = []
        for key in keys {
            let old = try open.put(key, "old")
            let isChanged = key == keys[count / 2]
            if isChanged { try open.put(key, "theirs") }
            versions.append(ObjectVersion(key: key, etag: old.etag))
        }
        versions.append(ObjectVersion(key: "d/none", etag: "nonsense"))
        var failures: [(key: Key, error: StoreError)] = []
        // What was written a moment ago may take a while.
        #expect(
            eventually {
                failures = (try? open.store.delete(versions)) ?? []
                return failures.allSatisfy { $0.error != .tooRecent }
            }
        )
        #expect(failures.map(\.key) == [keys[count / 2]])
        #expect(failures.map(\.error) == [.changed])
        #expect(try open.fileKeys("d/") == [keys[count / 2]])
        #expect(try open.text(keys[count / 2]) == "theirs")
    }

    @Test(arguments: StoreCase.allCases.filter { $0.heedsConditions })
    func oneOfManyWritersWins(kind: StoreCase) throws {
        let open = try kind.make()
        _ = try open.store.capabilities()
        let wins = Monitor(0)
        let workers = Workers("writer", limit: 8)
        let done = Monitor(0)
        for i in 0..<8 {
            workers.run {
                let info = try? open.put("key", [UInt8(i)], ObjectAttributes(), .absent)
                if info != nil { wins.update { $0 += 1 } }
                done.update { $0 += 1 }
            }
        }
        done.wait { $0 == 8 ? true : nil }
        workers.stop()
        #expect(wins.withLock { $0 } == 1)
    }
}
