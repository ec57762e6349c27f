public import Base
import Digest
import HTTP
import Synchronization
import XML

extension S3Store {
    public func copy(
        _ source: Key,
        to target: Key,
        attributes: ObjectAttributes,
        condition: PutCondition,
        ifMatch: String?,
        trace: UploadTrace?
    ) throws(StoreError) -> ObjectInfo {
        let probed: ProbedCapabilities? = condition == .none ? nil : try probedCapabilities()
        return try storing { () throws(S3Failure) in
            // Not every server heeds a condition on the source, so it is asked for first.
            let info = try info(source)
            if let ifMatch, info.etag != ifMatch { throw S3Failure(.originChanged) }
            do throws(S3Failure) {
                if let earlier = trace?.earlier { try abort(earlier) }
                let limit = client.configuration.limits.singleCopyBytes
                return info.size <= limit
                    ? try copyAtOnce(info, target, attributes, condition, probed)
                    : try copyInParts(info, target, attributes, condition, probed, trace)
            } catch {
                guard error.isNotImplemented else { throw error }
                return try copyThrough(info, target, attributes, condition, trace)
            }
        }
    }

    private func copyAtOnce(
        _ source: ObjectInfo,
        _ target: Key,
        _ attributes: ObjectAttributes,
        _ condition: PutCondition,
        _ probed: ProbedCapabilities?
    ) throws(S3Failure) -> ObjectInfo {
        var request = S3Request(method: "PUT", key: try full(target), payload: Payload([]))
        request.headers = try attributes.headers()
        request.headers.append(try sourceHeaders(source.key, source.etag))
        request.headers["x-amz-metadata-directive"] = "REPLACE"
        request.isPatient = true
        request.answersXML = true
        if let probed, probed.copies.heeds(condition) {
            request.headers.append(HTTPHeaders(condition, probed.copies))
        } else {
            try confirm(target, condition)
        }
        let answer: S3Answer
        do throws(S3Failure) {
            answer = try client.send(request)
        } catch {
            guard error.error == .changed else { throw error }
            // The source or the target: the answer does not tell.
            throw try info(source.key).etag == source.etag ? error : S3Failure(.originChanged)
        }
        guard answer.document?.name == "CopyObjectResult" else {
            throw S3Failure(.malformed("no result of a copy"))
        }
        let info = try info(target)
        let told = answer.document?.text(of: "ETag").map(unquoted) ?? ""
        if !told.isEmpty { try confirm(info, isCopyOf: source, attributes, told) }
        // A copy may have another ETag than its source, and onto itself it has replaced what would tell.
        if told != source.etag || info.size != source.size, target != source.key {
            try confirmUnchanged(source.key, source.etag)
        }
        guard info.size == source.size else {
            throw S3Failure(.malformed("\(source.size) bytes were copied, \(info.size) arrived"))
        }
        return info
    }

    /// Sees that a source was not replaced while it was copied: radosgw, for one, finds the condition on it met,
    /// and copies what has been put there since.
    private func confirmUnchanged(_ source: Key, _ etag: String) throws(S3Failure) {
        do throws(S3Failure) {
            guard try info(source).etag == etag else { throw S3Failure(.originChanged) }
        } catch {
            guard error.error == .missing else { throw error }
            throw S3Failure(.originChanged)
        }
    }

    /// What lies there by now must be what was made, and not what somebody has put in its place; radosgw,
    /// for one, counts a copy as done that somebody's write has overtaken.
    private func confirm(
        _ found: ObjectInfo,
        isCopyOf source: ObjectInfo,
        _ attributes: ObjectAttributes,
        _ etag: String
    ) throws(S3Failure) {
        if found.etag == etag { return copiesTellETags.store(true, ordering: .relaxed) }
        let isOurs = attributes.modified != nil && found.attributes?.modified == attributes.modified
        guard copiesTellETags.load(ordering: .relaxed), !isOurs else { return }
        throw S3Failure(found.key == source.key ? .originChanged : .changed)
    }

    private func copyInParts(
        _ source: ObjectInfo,
        _ target: Key,
        _ attributes: ObjectAttributes,
        _ condition: PutCondition,
        _ probed: ProbedCapabilities?,
        _ trace: UploadTrace?
    ) throws(S3Failure) -> ObjectInfo {
        try confirm(target, condition)
        let size = client.configuration.limits.copyPartBytes
        let ranges = stride(from: 0, to: source.size, by: Int64.Stride(size)).map {
            $0..<min($0 + size, source.size)
        }
        let upload = try begin(target, attributes, "a copy", trace)
        return try assemble(upload, target, HTTPHeaders(condition, probed?.puts), ranges) {
            () throws(S3Failure) in
            try confirmSizes(of: upload, ranges)
            try confirmUnchanged(source.key, source.etag)
            try confirm(target, condition)
        } write: { [self] number, range throws(S3Failure) in
            try copyPart(source.key, source.etag, upload, number, range)
        }
    }

    /// A server may say 200 and copy nothing: sees that before the target is overwritten.
    private func confirmSizes(
        of upload: MultipartUpload,
        _ ranges: [Range<Int64>]
    ) throws(S3Failure) {
        let held = try parts(of: upload)
        guard ranges.indices.allSatisfy({ held[$0 + 1]?.size == Int64(ranges[$0].count) })
        else { throw S3Failure.partsNotCopied }
    }

    /// Copies a part of a body from the object that it is a change of.
    func copyUnchanged(
        _ origin: ObjectOrigin,
        _ upload: MultipartUpload,
        _ number: Int,
        _ range: Range<Int64>
    ) throws(S3Failure) -> String {
        do throws(S3Failure) {
            let etag = try copyPart(origin.key, origin.etag, upload, number, range)
            Failpoint.partCopied.pass()
            return etag
        } catch {
            switch error.error {
            case .missing where error.code != "NoSuchUpload", .changed:
                throw S3Failure(.originChanged)
            case .invalid, .denied, .malformed: throw S3Failure.partsNotCopied
            default: throw error
            }
        }
    }

    /// Sees, before parts become an object, that what was copied is there, and of the right version: not
    /// every server heeds the condition on the source of a part.
    func confirmCopies(
        _ upload: MultipartUpload,
        _ plan: PartPlan,
        of origin: ObjectOrigin,
        to target: Key
    ) throws(S3Failure) {
        try confirmSizes(of: upload, plan.ranges)
        try confirmUnchanged(origin.key, origin.etag)
    }

    private func copyPart(
        _ source: Key,
        _ etag: String,
        _ upload: MultipartUpload,
        _ number: Int,
        _ range: Range<Int64>
    ) throws(S3Failure) -> String {
        var request = S3Request(method: "PUT", key: upload.key, payload: Payload([]))
        request.query = upload.query([("partNumber", "\(number)")])
        request.headers = try sourceHeaders(source, etag)
        request.headers["x-amz-copy-source-range"] =
            "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
        request.isPatient = true
        request.answersXML = true
        do throws(S3Failure) {
            guard let etag = try client.send(request).document?.text(of: "ETag"),
                unquoted(etag) != hex(md5([]))
            else { throw S3Failure.partsNotCopied }
            return etag
        } catch {
            // An answer that is no document: the server took this for an ordinary, empty part.
            if case .malformed = error.error { throw S3Failure.partsNotCopied }
            throw error
        }
    }

    func sourceHeaders(_ key: Key, _ etag: String) throws(S3Failure) -> HTTPHeaders {
        let path = percentEncoded(try full(key), keepingSlashes: true)
        let bucket = percentEncoded(client.configuration.bucket)
        return [
            "x-amz-copy-source": "/\(bucket)/\(path)",
            "x-amz-copy-source-if-match": "\"\(etag)\"",
        ]
    }

    /// Reads the source and writes the target, for servers that cannot copy by themselves.
    private func copyThrough(
        _ source: ObjectInfo,
        _ target: Key,
        _ attributes: ObjectAttributes,
        _ condition: PutCondition,
        _ trace: UploadTrace?
    ) throws(S3Failure) -> ObjectInfo {
        let body = ObjectBody(size: source.size) { [self] output, offset throws(Errno) in
            let end = min(source.size, offset + Int64(min(output.freeCapacity, Int(heldBodyBytes))))
            do throws(StoreError) {
                try get(source.key, range: offset..<end, ifMatch: source.etag) { bytes in
                    output.append(contentsOf: bytes)
                }
            } catch {
                Log.warning("\(client.configuration.bucket): \(source.key): \(error)")
                throw .ioError
            }
        }
        do throws(StoreError) {
            return try put(
                target,
                body: body,
                attributes: attributes,
                condition: condition,
                trace: trace.map { UploadTrace(earlier: nil, note: $0.note) }
            )
        } catch {
            throw S3Failure(error)
        }
    }
}

extension S3Failure {
    /// The server claims to copy parts, and does not; 501 is what it should have said.
    static var partsNotCopied: S3Failure {
        var failure = S3Failure(.invalid("the server does not copy parts"))
        failure.status = 501
        return failure
    }

    var isNotImplemented: Bool { status == 501 || code == "NotImplemented" }
}
