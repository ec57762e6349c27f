import Base
import Digest
import Stores
import TestSupport
import Testing

/// Parts are summed up while they are sent: what has come is known all the same before it counts.
struct PartSumTests {
    private static let text = "abcdefgh"

    private func bucketOfParts() throws -> (FakeBucket, S3Store) {
        let bucket = try FakeBucket()
        let store = try bucket.store { $0.singlePutBytes = 4 }
        _ = try store.capabilities()
        return (bucket, store)
    }

    private func put(_ store: S3Store) throws -> ObjectInfo {
        let body = ObjectBody(Array(Self.text.utf8))
        return try store.put("key", body: body, attributes: ObjectAttributes(), condition: .absent)
    }

    private func parts(_ bucket: FakeBucket) -> [FakeBucket.Request] {
        bucket.requests.filter { $0.method == "PUT" && $0.target.contains("partNumber=1") }
    }

    @Test func aPartIsReadOnce() throws {
        let (bucket, store) = try bucketOfParts()
        let reads = Monitor(0)
        let body = ObjectBody(size: 8) { output, offset throws(Errno) in
            reads.update { $0 += 1 }
            for byte in Self.text.utf8.dropFirst(Int(offset)) { output.append(byte) }
        }
        _ = try store.put("key", body: body, attributes: ObjectAttributes(), condition: .absent)
        #expect(bucket["key"]?.text == Self.text)
        #expect(reads.withLock { $0 } == 1)
        #expect(parts(bucket).map { $0.headers["x-amz-content-sha256"] } == ["UNSIGNED-PAYLOAD"])
    }

    @Test func aPartThatChangedOnTheWayBecomesNoObject() throws {
        let (bucket, store) = try bucketOfParts()
        bucket.breaks { request, _ in
            guard request.target.contains("partNumber=1") else { return nil }
            var body = request.body
            body[3] ^= 1
            return .instead(.answer(200, headers: ["ETag": "\"\(hex(md5(body)))\""]))
        }
        #expect(throws: StoreError.malformed("the store has other bytes than were sent")) {
            try put(store)
        }
        #expect(bucket["key"] == nil)
        // The upload with that part in it is ended.
        #expect(bucket.requests.last?.method == "DELETE")
    }

    /// What is sent again is summed up again from its start.
    @Test func aPartWhoseConnectionBrokeIsSentAgain() throws {
        let (bucket, store) = try bucketOfParts()
        let tries = Monitor(0)
        bucket.breaks { request, _ in
            guard request.target.contains("partNumber=1") else { return nil }
            let number = tries.update { tries in
                tries += 1
                return tries
            }
            return number > 2 ? nil : .instead(.reset(after: "HTTP/1.1 2"))
        }
        _ = try put(store)
        #expect(bucket["key"]?.text == Self.text)
        #expect(parts(bucket).allSatisfy { $0.headers["content-md5"] == nil })
    }

    @Test func aBucketThatWantsSignedBodiesGetsThem() throws {
        let bucket = try FakeBucket()
        bucket.breaks { request, _ in
            request.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
                ? .instead(FakeBucket.error(403, "AccessDenied")) : nil
        }
        let store = try bucket.store { $0.singlePutBytes = 4 }
        _ = try put(store)
        #expect(bucket["key"]?.text == Self.text)
        #expect(parts(bucket).count == 1)
    }

    /// Allowed when it was probed, and not any more.
    @Test func aPartThatIsRefusedIsSentSigned() throws {
        let (bucket, store) = try bucketOfParts()
        bucket.breaks { request, _ in
            request.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
                ? .instead(FakeBucket.error(403, "AccessDenied")) : nil
        }
        _ = try put(store)
        #expect(bucket["key"]?.text == Self.text)
        #expect(parts(bucket).map { $0.headers["content-md5"] != nil } == [false, true])
    }

    /// An ETag that is no MD5 tells nothing: the server has to compare.
    @Test func aPartThatIsNotToldOfIsSentWithItsSum() throws {
        let (bucket, store) = try bucketOfParts()
        bucket.tellsNoSums(ofPartsLike: "partNumber=1")
        _ = try put(store)
        #expect(bucket["key"]?.text == Self.text)
        let sum = base64(md5(Array(Self.text.utf8)))
        #expect(parts(bucket).map { $0.headers["content-md5"] } == [nil, sum])
    }
}
