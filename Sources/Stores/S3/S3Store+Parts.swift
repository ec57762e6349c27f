import Base
import Digest
import HTTP
import Synchronization

// One part of an upload. That the server has the bytes that were sent is known before its ETag is taken:
// either the sums go ahead of the bytes, which then are read twice, and whose second sum, for the signature,
// the server takes as well; or the answer is compared with the sum of what was sent. A part becomes an object
// only at the end, so it is not too late then.

extension S3Store {
    /// Sends a part, unless the server holds these very bytes already, and returns its ETag.
    func putPart(
        _ upload: MultipartUpload,
        _ number: Int,
        _ body: ObjectBody,
        _ range: Range<Int64>,
        held: HeldPart?
    ) throws(S3Failure) -> String {
        if held == nil, takesUnsummedParts {
            if let etag = try putUnsummed(upload, number, body, range) { return etag }
            sumsOnTheWay.store(false, ordering: .relaxed)
        }
        let payload = try payload(body, range)
        if let held, held.size == Int64(range.count), let md5 = payload.md5,
            unquoted(held.etag) == hex(md5)
        {
            return held.etag
        }
        let answer = try send(upload, number, payload)
        try confirm(answer, isOf: payload)
        return try etag(of: answer)
    }

    /// - Returns: `nil` if it is not known what the server has, or if it refuses what is not signed.
    private func putUnsummed(
        _ upload: MultipartUpload,
        _ number: Int,
        _ body: ObjectBody,
        _ range: Range<Int64>
    ) throws(S3Failure) -> String? {
        let sum = SendingSum()
        let answer: HTTPHead
        do throws(S3Failure) {
            answer = try send(upload, number, Payload(body, range, summing: sum))
        } catch {
            switch error.error {
            case .denied, .invalid: return nil
            default: throw error
            }
        }
        guard let md5 = sum.finish(size: Int64(range.count)), let isSame = tells(answer, of: md5)
        else { return nil }
        guard isSame else { throw Self.otherBytes }
        return try etag(of: answer)
    }

    private func send(
        _ upload: MultipartUpload,
        _ number: Int,
        _ payload: Payload
    ) throws(S3Failure) -> HTTPHead {
        var request = S3Request(method: "PUT", key: upload.key, payload: payload)
        request.query = upload.query([("partNumber", "\(number)")])
        request.headers["Content-MD5"] = payload.md5.map(base64)
        let answer = try client.send(request).head
        Failpoint.partSent.pass()
        return answer
    }

    private func etag(of answer: HTTPHead) throws(S3Failure) -> String {
        guard let etag = answer.headers["ETag"], !etag.isEmpty else {
            throw S3Failure(.malformed("a part without an ETag"))
        }
        return etag
    }
}
