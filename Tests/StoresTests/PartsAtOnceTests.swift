import Base
import Digest
import Stores
import Synchronization
import TestSupport
import Testing

/// Parts whose sums are taken ahead of sending them, several at once: only what the server has counts.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PartsAtOnceTests {
    private static let partBytes = 8 << 20
    /// Three parts of the same length, which are summed up at once, and a byte.
    private static let size = 3 * partBytes + 1
    private static let text = [UInt8](repeating: UInt8(ascii: "a"), count: size)
    private static let otherBytes = StoreError.malformed("the store has other bytes than were sent")

    private func bucketOfParts() throws -> (FakeBucket, S3Store) {
        let bucket = try FakeBucket()
        let store = try bucket.store()
        _ = try store.capabilities()
        return (bucket, store)
    }

    private func put(_ store: S3Store, _ body: ObjectBody) throws -> ObjectInfo {
        try store.put("key", body: body, attributes: ObjectAttributes(), condition: .absent)
    }

    private func parts(_ bucket: FakeBucket, _ number: Int) -> [FakeBucket.Request] {
        bucket.requests.filter { $0.method == "PUT" && $0.target.contains("partNumber=\(number)&") }
    }

    /// A body that counts what is read of it, and what is read ahead.
    private func counted(_ body: ObjectBody, _ count: Monitor<(ahead: Int, sent: Int)>)
        -> ObjectBody
    {
        ObjectBody(size: body.size) { output, offset throws(Errno) in
            let before = output.byteCount
            try body.read(&output, offset)
            let bytes = output.byteCount - before
            count.update { $0.ahead += bytes }
        } read: { output, offset throws(Errno) in
            let before = output.byteCount
            try body.read(&output, offset)
            let bytes = output.byteCount - before
            count.update { $0.sent += bytes }
        }
    }

    @Test func manyPartsAreSentOnceEach() throws {
        let open = try StoreCase.radosgw.make()
        _ = try open.store.capabilities()
        let count = 20 * Self.partBytes
        let block = sampleBytes(Self.partBytes + 13, seed: 20)
        var bytes: [UInt8] = []
        for _ in 0..<20 { bytes += block }
        bytes.removeLast(bytes.count - count)
        let read = Monitor((ahead: 0, sent: 0))
        let info = try open.store.put(
            "key",
            body: counted(ObjectBody(bytes), read),
            attributes: ObjectAttributes(),
            condition: .absent
        )
        let sums = (0..<20).flatMap {
            md5(Array(bytes[$0 * Self.partBytes..<($0 + 1) * Self.partBytes]))
        }
        #expect(info.etag == "\(hex(md5(sums)))-20")
        #expect(read.withLock { $0 } == (count, count))
        var checksum: UInt32 = 0
        try open.store.get("key", range: 0..<info.size, ifMatch: info.etag) {
            checksum = crc32c($0, continuing: checksum)
        }
        #expect(checksum == crc32c(bytes))
    }

    /// A part has other bytes when it is sent than when it was summed up: those that are sent count.
    @Test func aPartThatIsWrittenToInBetweenHasTheLaterBytes() throws {
        let (bucket, store) = try bucketOfParts()
        var later = Self.text
        later[Self.partBytes + 5] = UInt8(ascii: "b")
        var body = ObjectBody(later)
        body.readAhead = ObjectBody(Self.text).read
        let info = try put(store, body)
        #expect(bucket["key"].map { Array($0.text.utf8) } == later)
        #expect(bucket["key"]?.etag == info.etag)
        #expect((1...4).map { parts(bucket, $0).count } == [1, 2, 1, 1])
        let sent = (1...4).flatMap { parts(bucket, $0) }
        #expect(sent.allSatisfy { $0.headers["content-md5"] == nil })
        #expect(sent.allSatisfy { $0.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD" })
    }

    /// Those that wait for the sums get the error as well: nobody waits for ever, and nothing is sent.
    @Test(arguments: [0, 1 << 20, 20 << 20])
    func whatCannotBeReadAheadEndsTheUpload(offset: Int) throws {
        let (bucket, store) = try bucketOfParts()
        var body = ObjectBody(Self.text)
        let read = body.read
        body.readAhead = { output, start throws(Errno) in
            if start >= offset { throw .noSpace }
            try read(&output, start)
        }
        #expect(throws: StoreError.aborted(.noSpace)) { try put(store, body) }
        #expect(bucket["key"] == nil)
        #expect((1...3).flatMap { parts(bucket, $0) }.isEmpty)
        #expect(bucket.requests.last?.method == "DELETE")
    }

    /// Damaged whenever it is sent.
    @Test func aPartThatChangesOnTheWayBecomesNoObject() throws {
        let (bucket, store) = try bucketOfParts()
        bucket.breaks { request, _ in
            guard request.target.contains("partNumber=2&") else { return nil }
            var body = request.body
            body[3] ^= 1
            return .instead(.answer(200, headers: ["ETag": "\"\(hex(md5(body)))\""]))
        }
        #expect(throws: Self.otherBytes) { try put(store, ObjectBody(Self.text)) }
        #expect(bucket["key"] == nil && parts(bucket, 2).count == 2)
        #expect(bucket.requests.last?.method == "DELETE")
    }

    /// Damaged once: the second time it is whole.
    @Test func aPartThatWasDamagedIsSentAgain() throws {
        let (bucket, store) = try bucketOfParts()
        let tries = Monitor(0)
        bucket.breaks { request, _ in
            guard request.target.contains("partNumber=3&"),
                tries.update({ tries in
                    tries += 1
                    return tries
                }) == 1
            else { return nil }
            return .altered { _ in .answer(200, headers: ["ETag": "\"\(hex(md5([1])))\""]) }
        }
        _ = try put(store, ObjectBody(Self.text))
        #expect(bucket["key"].map { Array($0.text.utf8) } == Self.text)
        #expect(parts(bucket, 3).count == 2)
    }

    /// An ETag that is no MD5 tells nothing: the server has to compare.
    @Test func partsThatAreNotToldOfAreSentWithTheirSums() throws {
        let (bucket, store) = try bucketOfParts()
        bucket.tellsNoSums(ofPartsLike: "partNumber=")
        _ = try put(store, ObjectBody(Self.text))
        #expect(bucket["key"].map { Array($0.text.utf8) } == Self.text)
        let sum = base64(md5(Array(Self.text.prefix(Self.partBytes))))
        for number in 1...3 { #expect(parts(bucket, number).last?.headers["content-md5"] == sum) }
    }

    /// Only a body that says so is read ahead.
    @Test func aBodyThatIsNotAtHandIsReadOnce() throws {
        let (bucket, store) = try bucketOfParts()
        let read = Monitor((ahead: 0, sent: 0))
        var body = counted(ObjectBody(Self.text), read)
        body.readAhead = nil
        _ = try put(store, body)
        #expect(bucket["key"].map { Array($0.text.utf8) } == Self.text)
        #expect(read.withLock { $0 } == (0, Self.size))
    }
}
