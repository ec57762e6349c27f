public import Base
import Digest
import HTTP
import Synchronization

extension S3Store {
    public func put(
        _ key: Key,
        body: ObjectBody,
        attributes: ObjectAttributes,
        condition: PutCondition,
        trace: UploadTrace?
    ) throws(StoreError) -> ObjectInfo {
        let probed: ProbedCapabilities? = condition == .none ? nil : try probedCapabilities()
        return try storing { () throws(S3Failure) in
            let conditionHeaders = HTTPHeaders(condition, probed?.puts)
            if body.size <= client.configuration.limits.singlePutBytes {
                if let earlier = trace?.earlier { try abort(earlier) }
                if let probed, !probed.puts.heeds(condition) { try confirm(key, condition) }
                return try putAtOnce(key, body, attributes, conditionHeaders)
            }
            try confirm(key, condition)
            var body = body
            // An object by which an upload is not known again after a crash is no origin for the next one.
            let isKnownAgain = probed?.metadata ?? false
            if !isKnownAgain || !copiesParts.load(ordering: .relaxed) { body.origin = nil }
            return try putLarge(key, body, attributes, conditionHeaders, trace) {
                () throws(S3Failure) in
                // Not every store that heeds a condition on PUT does so at the end of an upload.
                try confirm(key, condition)
            }
        }
    }

    /// Has the server copy what is unchanged, and sends all of it where it turns out that it cannot.
    private func putLarge(
        _ key: Key,
        _ body: ObjectBody,
        _ attributes: ObjectAttributes,
        _ condition: HTTPHeaders,
        _ trace: UploadTrace?,
        confirm: () throws(S3Failure) -> Void
    ) throws(S3Failure) -> ObjectInfo {
        do throws(S3Failure) {
            return try putInParts(key, body, attributes, condition, trace, confirm: confirm)
        } catch {
            guard error.isNotImplemented, body.origin != nil else { throw error }
            Log.info("\(client.configuration.bucket): the server does not copy parts of objects")
            copiesParts.store(false, ordering: .relaxed)
        }
        var body = body
        body.origin = nil
        // What the first try began is ended.
        let rest = trace.map { UploadTrace(earlier: nil, note: $0.note) }
        return try putInParts(key, body, attributes, condition, rest, confirm: confirm)
    }

    /// Throws if the ETag of an answer says that the server has other bytes than were sent.
    func confirm(_ answer: HTTPHead, isOf payload: Payload) throws(S3Failure) {
        if let md5 = payload.md5, tells(answer, of: md5) == false { throw Self.otherBytes }
    }

    static let otherBytes = S3Failure(.malformed("the store has other bytes than were sent"))

    /// Whether an answer's ETag tells of bytes with this MD5, or of others; `nil` if it tells neither.
    ///
    /// It does only where it was seen to be the MD5, and not where the server says that it encrypts with a
    /// key of its own, with which it is something else.
    func tells(_ answer: HTTPHead, of md5: [UInt8]) -> Bool? {
        guard probedETags, let etag = answer.headers["ETag"].map(unquoted),
            decodedHex(etag)?.count == md5.count,
            !(answer.headers["x-amz-server-side-encryption"] ?? "").contains("kms")
        else { return nil }
        return etag.lowercased() == hex(md5)
    }

    /// Throws `changed` unless the condition holds now.
    func confirm(_ key: Key, _ condition: PutCondition) throws(S3Failure) {
        guard condition != .none else { return }
        var found: ObjectInfo?
        do throws(S3Failure) {
            found = try info(key)
        } catch {
            guard error.error == .missing else { throw error }
        }
        switch condition {
        case .none: break
        case .absent: if found != nil { throw S3Failure(.changed) }
        case .matches(let etag): if found?.etag != etag { throw S3Failure(.changed) }
        }
    }

    private func putAtOnce(
        _ key: Key,
        _ body: ObjectBody,
        _ attributes: ObjectAttributes,
        _ condition: HTTPHeaders
    ) throws(S3Failure) -> ObjectInfo {
        let payload = try payload(body, 0..<body.size)
        var request = S3Request(method: "PUT", key: try full(key), payload: payload)
        request.headers = try attributes.headers()
        request.headers.append(condition)
        request.headers["Content-MD5"] = payload.md5.map(base64)
        let answer: S3Answer
        do throws(S3Failure) {
            answer = try client.send(request)
        } catch {
            // What the condition names is not there: some servers say 404 to that, others 412.
            if error.error == .missing, condition["If-Match"] != nil { throw S3Failure(.changed) }
            // The answer to an earlier try was lost, and what stands in our way is our own object.
            guard error.error == .changed, error.isAmbiguous, let md5 = payload.md5 else {
                throw error
            }
            let found = try info(key)
            guard found.etag == hex(md5), found.size == body.size else { throw error }
            return found
        }
        guard let etag = answer.head.headers["ETag"].map(unquoted), !etag.isEmpty else {
            return try info(key)
        }
        try confirm(answer.head, isOf: payload)
        return ObjectInfo(
            key: key,
            size: body.size,
            etag: etag,
            // The store's clock, to the second; a HEAD would say the same.
            modified: answer.head.headers["Date"].flatMap { Timestamp(httpDate: $0) } ?? .now(),
            attributes: attributes
        )
    }

    func payload(_ body: ObjectBody, _ range: Range<Int64>) throws(S3Failure) -> Payload {
        do throws(Errno) {
            return try Payload(body, range)
        } catch {
            throw S3Failure(.aborted(error))
        }
    }
}
