import Base
import Stores
import TestSupport
import Testing

/// Objects in many parts, uploaded and copied; the limits are lowered, the servers are real.
@Suite struct LargeObjectTests {
    static let cases = StoreCase.allCases.filter { $0 != .local }

    @Test(arguments: cases, [(8 << 20) + 1, (24 << 20) + 12_345])
    func aLargeBodyGoesUpInParts(kind: StoreCase, size: Int) throws {
        let open = try kind.make()
        let bytes = sampleBytes(size, seed: UInt64(size))
        let info = try open.put("large", bytes)
        #expect(info.size == Int64(size))
        #expect(try open.bytes("large") == bytes)
        #expect(try open.store.head("large").etag == info.etag)
        #expect(try open.keys() == ["large"])
    }

    @Test(arguments: cases)
    func aLargeCopyIsWholeOnEveryServer(kind: StoreCase) throws {
        let open = try kind.make {
            $0.singleCopyBytes = 1 << 20
            $0.copyPartBytes = 5 << 20
        }
        let bytes = sampleBytes(12_345_678, seed: 5)
        let attributes = ObjectAttributes(mode: 0o100644, contentType: "text/plain")
        let source = try open.put("source", bytes)
        let copy = try open.store.copy(
            "source",
            to: "copy",
            attributes: attributes,
            ifMatch: source.etag
        )
        #expect(copy.size == Int64(bytes.count))
        #expect(try open.bytes("copy") == bytes)
        #expect(try open.store.head("copy").attributes?.mode == 0o100644)
        // Onto itself: the only copy of the bytes is at stake.
        _ = try open.store.copy("source", to: "source", attributes: attributes, ifMatch: nil)
        #expect(try open.bytes("source") == bytes)
    }

    @Test(arguments: cases)
    func aConditionHoldsForALargeBodyToo(kind: StoreCase) throws {
        let open = try kind.make { $0.singlePutBytes = 1 << 20 }
        let bytes = sampleBytes(9 << 20, seed: 9)
        let first = try open.put("key", bytes, ObjectAttributes(), .absent)
        #expect(throws: StoreError.changed) {
            try open.put("key", bytes, ObjectAttributes(), .absent)
        }
        #expect(throws: StoreError.changed) {
            try open.put("key", bytes, ObjectAttributes(), .matches("nonsense"))
        }
        let other = sampleBytes(9 << 20, seed: 10)
        try open.put("key", other, ObjectAttributes(), .matches(first.etag))
        #expect(try open.bytes("key") == other)
    }

    @Test(arguments: cases)
    func manyLargeBodiesAtOnce(kind: StoreCase) throws {
        let open = try kind.make()
        let workers = Workers("writer", limit: 3)
        let failures = Monitor((count: 0, texts: [String]()))
        for i in 0..<3 {
            workers.run {
                do {
                    let bytes = sampleBytes(17 << 20, seed: UInt64(i))
                    try open.put(Key("large\(i)"), bytes)
                    #expect(try open.bytes(Key("large\(i)")) == bytes)
                } catch {
                    failures.update { $0.texts.append("\(error)") }
                }
                failures.update { $0.count += 1 }
            }
        }
        failures.wait { $0.count == 3 ? true : nil }
        workers.stop()
        #expect(failures.withLock { $0.texts } == [])
    }
}
