import Base
import Digest
import HTTP
import Synchronization
import XML

/// An object in the making: parts go up under its id, and become the object at the end or not at all.
struct MultipartUpload: Sendable {
    let key: String
    let id: String

    func query(_ more: [(name: String, value: String)] = []) -> [(name: String, value: String)] {
        more + [("uploadId", id)]
    }
}

extension S3Store {
    /// Writes one part and returns its ETag; runs on a thread of the store's.
    typealias PartWriter = @Sendable (_ number: Int, Range<Int64>) throws(S3Failure) -> String

    /// Uploads a large body; `confirm` runs right before the parts become the object.
    ///
    /// Parts that an earlier try has sent are recognised by their MD5, which their ETag is unless the
    /// server encrypts them, and not sent again. Those that the server copies are copied again: nothing
    /// here could tell what such a part holds.
    func putInParts(
        _ key: Key,
        _ body: ObjectBody,
        _ attributes: ObjectAttributes,
        _ condition: HTTPHeaders,
        _ trace: UploadTrace?,
        confirm: () throws(S3Failure) -> Void
    ) throws(S3Failure) -> ObjectInfo {
        let plan = PartPlan(size: body.size, unchanged: body.origin?.unchanged ?? [])
        guard let plan else { throw S3Failure(.invalid("an object of \(body.size) bytes")) }
        let origin = plan.copies ? body.origin : nil
        let headers = try attributes.headers().fields.map { "\($0.name)=\($0.value)" }.sorted()
        let words = ["\(body.size)"] + headers
        let fingerprint = hex(md5(Array(words.joined(separator: "\n").utf8)))
        var held: [Int: HeldPart] = [:]
        var upload: MultipartUpload?
        if let earlier = trace?.earlier {
            (upload, held) = try resume(earlier, key, fingerprint)
        }
        let going: MultipartUpload
        if let upload {
            going = upload
        } else {
            going = try begin(key, attributes, fingerprint, trace)
        }
        let unsent = plan.parts.enumerated().filter { !$1.isCopied && held[$0 + 1] == nil }
        let sums = PartSums(body, unsent.map(\.element.range))
        return try assemble(
            going,
            key,
            condition,
            plan.ranges,
            keepingParts: trace != nil
        ) { () throws(S3Failure) in
            if let origin { try confirmCopies(going, plan, of: origin, to: key) }
            try confirm()
        } write: { [self, held] number, range throws(S3Failure) in
            if plan.parts[number - 1].isCopied, let origin {
                return try copyUnchanged(origin, going, number, range)
            }
            return try putPart(going, number, body, range, held: held[number], sums)
        }
    }

    /// Makes an object of parts: write all, confirm, complete, and see what came of it.
    ///
    /// - Parameter keepingParts: where the store cannot be reached, what it has stays for the next try.
    func assemble(
        _ upload: MultipartUpload,
        _ key: Key,
        _ condition: HTTPHeaders,
        _ ranges: [Range<Int64>],
        keepingParts: Bool = false,
        confirm: () throws(S3Failure) -> Void,
        write: @escaping PartWriter
    ) throws(S3Failure) -> ObjectInfo {
        let expected: String?
        do throws(S3Failure) {
            let etags = try writeAll(ranges, write)
            Failpoint.partsSent.pass()
            try confirm()
            try complete(key, upload, etags, condition)
            expected = assembledETag(etags)
        } catch {
            if case .unavailable = error.error, keepingParts { throw error }
            tryToAbort(upload)
            throw error
        }
        let info = try info(key)
        // What lies there by now must be what was made, and not what somebody has put in its place.
        if info.etag == expected {
            assemblesETags.store(true, ordering: .relaxed)
        } else if expected != nil, assemblesETags.load(ordering: .relaxed) {
            throw S3Failure(.changed)
        }
        let size = ranges.last?.upperBound ?? 0
        guard info.size == size else {
            throw S3Failure(.malformed("\(size) bytes were sent, the object has \(info.size)"))
        }
        return info
    }

    /// Begins an upload.
    ///
    /// That one is about to be begun is noted before, without an id: if the answer is lost, for good or until
    /// the next try, there is one that nobody knows, which the next try or `abandon` ends.
    func begin(
        _ key: Key,
        _ attributes: ObjectAttributes,
        _ fingerprint: String,
        _ trace: UploadTrace?
    ) throws(S3Failure) -> MultipartUpload {
        var request = S3Request(method: "POST", key: try full(key), query: [("uploads", "")])
        request.headers = try attributes.headers()
        request.payload = Payload([])
        request.answersXML = true
        try note(UploadRecord(key: key, id: "", fingerprint: fingerprint), trace)
        let answer = try client.send(request)
        guard let id = answer.document?.text(of: "UploadId"), !id.isEmpty else {
            throw S3Failure(.malformed("an upload without an id"))
        }
        let upload = MultipartUpload(key: try full(key), id: id)
        do throws(S3Failure) {
            if answer.wasRepeated { try abortUnknown(upload.key, besides: id) }
            try note(UploadRecord(key: key, id: id, fingerprint: fingerprint), trace)
        } catch {
            tryToAbort(upload)
            throw error
        }
        return upload
    }

    private func note(_ record: UploadRecord, _ trace: UploadTrace?) throws(S3Failure) {
        do throws(StoreError) { try trace?.note(record) } catch { throw S3Failure(error) }
    }

    private func complete(
        _ key: Key,
        _ upload: MultipartUpload,
        _ etags: [String],
        _ condition: HTTPHeaders
    ) throws(S3Failure) {
        var body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for (i, etag) in etags.enumerated() {
            guard let etag = escapedXML(etag) else { throw S3Failure(.malformed("an ETag")) }
            body += "<Part><PartNumber>\(i + 1)</PartNumber><ETag>\(etag)</ETag></Part>"
        }
        body += "</CompleteMultipartUpload>"
        var request = S3Request(method: "POST", key: upload.key, query: upload.query())
        request.headers = condition
        request.headers["Content-Type"] = "application/xml"
        request.payload = Payload(Array(body.utf8))
        request.isPatient = true
        request.answersXML = true
        do throws(S3Failure) {
            _ = try client.send(request)
        } catch {
            // The answer to an earlier try was lost: the upload is gone because it is done.
            guard error.isAmbiguous, error.error == .missing || error.error == .changed,
                let expected = assembledETag(etags), try info(key).etag == expected
            else { throw error }
        }
    }

    /// The ETag that S3 gives what it assembles: the MD5 of the parts' MD5s, and their number.
    private func assembledETag(_ etags: [String]) -> String? {
        var all: [UInt8] = []
        for etag in etags {
            guard let bytes = decodedHex(unquoted(etag)), bytes.count == 16 else { return nil }
            all += bytes
        }
        return "\(hex(md5(all)))-\(etags.count)"
    }

    /// Runs `write` for every range, a few at a time, and returns the ETags in order.
    private func writeAll(
        _ ranges: [Range<Int64>],
        _ write: @escaping PartWriter
    ) throws(S3Failure) -> [String] {
        let progress = Monitor(PartProgress(count: ranges.count))
        for (i, range) in ranges.enumerated() {
            let limit = client.configuration.limits.parallelParts
            guard wait(progress, until: { $0.running < limit || $0.failure != nil }),
                progress.update({ $0.begin() })
            else { break }
            workers.run {
                let result: Result<String, S3Failure>
                do throws(S3Failure) {
                    result = .success(try write(i + 1, range))
                } catch {
                    result = .failure(error)
                }
                progress.update { $0.end(i, result) }
            }
        }
        guard wait(progress, until: { $0.running == 0 }) else {
            throw S3Failure(.unavailable("the store is closed"))
        }
        return try progress.withLock { state throws(S3Failure) in
            if let failure = state.failure { throw failure }
            return state.etags
        }
    }

    /// Waits for a state; `false` if the store was closed, whose workers then drop their jobs.
    private func wait(
        _ progress: Monitor<PartProgress>,
        until holds: (PartProgress) -> Bool
    ) -> Bool {
        while !client.isClosed {
            if progress.wait(atMost: 1, until: { holds($0) ? true : nil }) != nil { return true }
        }
        return false
    }
}

/// Which parts of an upload are done; the first failure ends it.
private struct PartProgress: Sendable {
    private(set) var etags: [String]
    private(set) var running = 0
    private(set) var failure: S3Failure?

    init(count: Int) { etags = Array(repeating: "", count: count) }

    mutating func begin() -> Bool {
        guard failure == nil else { return false }
        running += 1
        return true
    }

    mutating func end(_ index: Int, _ result: Result<String, S3Failure>) {
        running -= 1
        switch result {
        case .success(let etag): etags[index] = etag
        case .failure(let error): failure = failure ?? error
        }
    }
}
