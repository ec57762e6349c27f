import Base
import Digest
import HTTP
import Synchronization

// One part of an upload. That the server has the body's bytes is known before its ETag is taken: the sums go
// ahead of the bytes, which then are read twice, and whose second sum, for the signature, the server takes as
// well; or its answer is compared with a sum that it was not told. A part becomes an object only at the end,
// so it is not too late then. In this order:
//
// 1. If the sums of several parts can be taken at once (`PartSums`), they are, before the first of them is
//    sent. If the answer has that sum, the server has what was read then, and so what was sent.
// 2. If it has another one, the bytes may have changed in between, or were damaged on the way: the part is
//    sent once more, which takes the place of the first.
// 3. The sum is taken from the bytes on their way (`SendingSum`). If the answer has another one, they were
//    damaged: the upload fails.
// 4. If an answer does not tell, here or above, the part and all after it are sent with their sums.

extension S3Store {
    /// Sends a part, unless the server holds these very bytes already, and returns its ETag.
    func putPart(
        _ upload: MultipartUpload,
        _ number: Int,
        _ body: ObjectBody,
        _ range: Range<Int64>,
        held: HeldPart?,
        _ sums: PartSums?
    ) throws(S3Failure) -> String {
        if held == nil, takesUnsummedParts {
            if let etag = try putUnsummed(upload, number, body, range, sums) { return etag }
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
        _ range: Range<Int64>,
        _ sums: PartSums?
    ) throws(S3Failure) -> String? {
        if let ahead = try md5(of: range, in: sums) {
            let payload = Payload(unsummed: body, range)
            guard let answer = try sendUnsummed(upload, number, payload),
                let isSame = tells(answer, of: ahead)
            else { return nil }
            if isSame { return try etag(of: answer) }
        }
        let sum = SendingSum()
        let payload = Payload(body, range, summing: sum)
        guard let answer = try sendUnsummed(upload, number, payload),
            let md5 = sum.finish(size: Int64(range.count)), let isSame = tells(answer, of: md5)
        else { return nil }
        guard isSame else { throw Self.otherBytes }
        return try etag(of: answer)
    }

    private func md5(of range: Range<Int64>, in sums: PartSums?) throws(S3Failure) -> [UInt8]? {
        do throws(Errno) {
            return try sums?.md5(of: range)
        } catch {
            throw S3Failure(.aborted(error))
        }
    }

    /// - Returns: `nil` if the server refuses what is not signed.
    private func sendUnsummed(
        _ upload: MultipartUpload,
        _ number: Int,
        _ payload: Payload
    ) throws(S3Failure) -> HTTPHead? {
        do throws(S3Failure) {
            return try send(upload, number, payload)
        } catch {
            switch error.error {
            case .denied, .invalid: return nil
            default: throw error
            }
        }
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
