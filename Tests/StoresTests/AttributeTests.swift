import Base
import Stores
import TestSupport
import Testing

/// Attributes that travel with objects, and copies that change them.
@Suite struct AttributeTests {
    static let samples: [ObjectAttributes] = [
        ObjectAttributes(
            mode: 0o100644,
            owner: 1000,
            group: 100,
            modified: Timestamp(seconds: 1_700_000_000, nanoseconds: 123_456_789),
            contentType: "text/plain; charset=utf-8",
            other: ["colour": "red", "x-y": "two words", "empty-not": "0"]
        ),
        ObjectAttributes(
            mode: 0o104755,
            owner: 0,
            group: 4_294_967,
            modified: Timestamp(seconds: 1, nanoseconds: 1),
            contentType: "application/x-test",
            other: ["greek": "αβγ e\u{301}", "odd": " a  b\t\"'<&>=?", "looks": "=?UTF-8?B?YQ==?="]
        ),
        ObjectAttributes(
            mode: 0o100600,
            owner: 7,
            group: 8,
            modified: Timestamp(seconds: 4_000_000_000, nanoseconds: 500_000_000),
            contentType: "image/jpeg"
        ),
    ]

    /// What of the attributes comes back, for the kinds of store that keep less than all.
    private func expected(_ sent: ObjectAttributes, _ kind: StoreCase) -> ObjectAttributes {
        var expected = sent
        if !kind.keepsMetadata {
            expected.contentType = nil
            expected.other = [:]
            if !mayChangeOwners() { expected.owner = nil }
            if !mayChangeOwners() { expected.group = nil }
        }
        return expected
    }

    private func found(_ info: ObjectInfo, _ kind: StoreCase) throws -> ObjectAttributes {
        var found = try #require(info.attributes)
        if !kind.keepsMetadata, !mayChangeOwners() {
            found.owner = nil
            found.group = nil
        }
        return found
    }

    @Test(arguments: StoreCase.allCases, samples)
    func attributesComeBack(kind: StoreCase, sent: ObjectAttributes) throws {
        let open = try kind.make { $0.singlePutBytes = 8 << 20 }
        try open.put("key", Array("x".utf8), sent)
        #expect(try found(open.store.head("key"), kind) == expected(sent, kind))
        // The same for an object written in parts.
        let large = sampleBytes(9 << 20, seed: 1)
        let put = try open.put("large", large, sent)
        #expect(try found(open.store.head("large"), kind) == expected(sent, kind))
        #expect(put.size == Int64(large.count))
        #expect(try open.bytes("large") == large)
    }

    @Test(arguments: StoreCase.allCases)
    func aCopyHasTheBytesAndNewAttributes(kind: StoreCase) throws {
        let open = try kind.make()
        let bytes = sampleBytes(100_000, seed: 3)
        let source = try open.put("a/source", bytes, Self.samples[0])
        let copy = try open.store.copy(
            "a/source",
            to: "b/copy",
            attributes: Self.samples[1],
            ifMatch: source.etag
        )
        #expect(copy.key == "b/copy" && copy.size == 100_000)
        #expect(try open.bytes("b/copy") == bytes)
        var asked = Self.samples[1]
        if !kind.replacesMetadata { asked.other.merge(Self.samples[0].other) { first, _ in first } }
        #expect(try found(open.store.head("b/copy"), kind) == expected(asked, kind))
        #expect(try found(open.store.head("a/source"), kind) == expected(Self.samples[0], kind))
        #expect(try open.store.head("b/copy").etag == copy.etag)
    }

    @Test(arguments: StoreCase.allCases)
    func attributesChangeWhereTheObjectLies(kind: StoreCase) throws {
        let open = try kind.make()
        let source = try open.put("key", "some bytes")
        let changed = try open.store.copy(
            "key",
            to: "key",
            attributes: Self.samples[2],
            ifMatch: source.etag
        )
        #expect(try open.text("key") == "some bytes")
        #expect(try found(open.store.head("key"), kind) == expected(Self.samples[2], kind))
        #expect(try open.store.head("key").etag == changed.etag)
    }

    @Test(arguments: StoreCase.allCases)
    func aCopyOfAnotherVersionIsRefused(kind: StoreCase) throws {
        let open = try kind.make()
        let old = try open.put("key", "old").etag
        try open.put("key", "new")
        #expect(throws: StoreError.originChanged) {
            try open.store.copy("key", to: "copy", attributes: ObjectAttributes(), ifMatch: old)
        }
        #expect(throws: StoreError.missing) { try open.store.head("copy") }
    }

    @Test(arguments: StoreCase.allCases)
    func aSymbolicLinkIsAnObjectWithItsTarget(kind: StoreCase) throws {
        let open = try kind.make()
        let target = "../some where/é"
        try open.put("dir/link", Array(target.utf8), ObjectAttributes(mode: 0o120777))
        let head = try open.store.head("dir/link")
        #expect(head.attributes?.mode == 0o120777)
        #expect(head.size == Int64(target.utf8.count))
        #expect(try open.text("dir/link") == target)
    }
}
