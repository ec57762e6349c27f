import HTTP
import XML

/// A request that failed, with what decides whether to try it again.
struct S3Failure: Error {
    var error: StoreError
    /// 0 if no answer came.
    var status = 0
    /// The store's own name of the error, such as `NoSuchKey`, or empty.
    var code = ""
    /// Trying again may help.
    var isTransient = false
    /// The answer never came, or an earlier try had none: the store may have done it all the same.
    var isAmbiguous = false
    /// The `Date` header, if the store said that our clock is wrong.
    var storeTime: String?

    init(_ error: StoreError) { self.error = error }

    init(_ error: HTTPError, host: String) {
        switch error {
        case .aborted(let errno): self.init(.aborted(errno))
        case .invalid(let reason): self.init(.invalid(reason))
        case .tooLarge: self.init(.malformed("the answer is too large"))
        case .closed: self.init(.unavailable("\(host): the store is closed"))
        case .unreachable, .timedOut, .broken:
            self.init(.unavailable("\(host): \(error)"))
            isTransient = true
            isAmbiguous = true
        }
    }

    /// Reads an answer that is none of success; `bucket` names it in messages.
    init(_ response: HTTPResponse, bucket: String) {
        var document: XMLElement?
        // A HEAD has no body, and a proxy in between answers in HTML: the status has to do.
        do throws(XMLError) { document = try XMLElement(parsing: response.body) } catch {}
        self.init(document, response.head, bucket: bucket)
    }

    init(_ document: XMLElement?, _ head: HTTPHead, bucket: String) {
        let code = document?.text(of: "Code") ?? ""
        let message = String((document?.text(of: "Message") ?? "").prefix(200))
        self.code = code
        status = head.status
        error = storeError(head.status, code, message, head.requestID, bucket: bucket)
        if code == "RequestTimeTooSkewed" { storeTime = head.headers["Date"] }
        if let region = document?.text(of: "Region") ?? head.headers["x-amz-bucket-region"],
            [301, 307, 400].contains(status),
            ["PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", ""]
                .contains(code)
        {
            error = .invalid("bucket \(bucket) is in region \(region)")
        }
        isTransient =
            [429, 500, 502, 503, 504].contains(status)
            || ["SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"].contains(code)
        // A gateway that did not hear of the end of it says so, too.
        isAmbiguous = isTransient && status != 429
    }
}

private func storeError(
    _ status: Int,
    _ code: String,
    _ message: String,
    _ requestID: String?,
    bucket: String
) -> StoreError {
    let said = code.isEmpty ? "status \(status)" : message.isEmpty ? code : "\(code): \(message)"
    // Whoever runs the store finds the request by this.
    let reason = said + (requestID.map { " (request \($0))" } ?? "")
    switch (status, code) {
    case (_, "NoSuchBucket"): return .noBucket(bucket)
    case (_, "NoSuchKey"), (_, "NoSuchUpload"): return .missing
    case (_, "PreconditionFailed"), (_, "ConditionalRequestConflict"), (412, _): return .changed
    case (_, "QuotaExceeded"), (_, "InsufficientStorage"), (507, _), (_, "EntityTooLarge"):
        return code == "EntityTooLarge" ? .invalid(reason) : .full
    case (401, _), (403, _): return .denied(code.isEmpty ? "\(status)" : code)
    case (_, "AccessDenied"), (_, "InvalidAccessKeyId"), (_, "SignatureDoesNotMatch"),
        (_, "ExpiredToken"):
        return .denied(code)
    case (404, _): return .missing
    case (300..<500, _), (501, _):
        return status == 429 ? .unavailable(reason) : .invalid(reason)
    case (500..., _), (_, "SlowDown"), (_, "InternalError"), (_, "ServiceUnavailable"):
        return .unavailable(reason)
    default: return .malformed(reason)
    }
}
