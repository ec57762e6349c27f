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
                    ? try copyAtOnce(info, target, attributes, condition, probed, trace)
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
        _ probed: ProbedCapabilities?,
        _ trace: UploadTrace?
    ) throws(S3Failure) -> ObjectInfo {
        var request = S3Request(method: "PUT", key: try full(target), payload: Payload([]))
        request.headers = try attributes.headers()
        request.headers["x-amz-metadata-directive"] = "REPLACE"
        request.isPatient = true
        request.answersXML = true
        if let probed, probed.copies.heeds(condition) {
            request.headers.append(HTTPHeaders(condition, probed.copies))
        } else {
            try confirm(target, condition)
        }
        let answer = try send(request, copying: source.key, source.etag)
        guard answer.document?.name == "CopyObjectResult" else {
            throw S3Failure(.malformed("no result of a copy"))
        }
        let info = try info(target)
        let told = answer.document?.text(of: "ETag").map(unquoted) ?? ""
        if !told.isEmpty { try confirm(info, isCopyOf: source, attributes, told) }
        if told == source.etag, info.size == source.size { return info }
        // A copy may have another ETag than its source, and onto itself it has replaced what would tell.
        if target != source.key { try confirmUnchanged(source.key, source.etag) }
        if info.size == source.size { return info }
        guard target != source.key, isCopy(info, attributes, told) else {
            throw S3Failure(.malformed("\(source.size) bytes were copied, \(info.size) arrived"))
        }
        // Swift, set up in the wrong order, copies the list of an object's parts in their place.
        Log.warning(
            "\(client.configuration.bucket): \(source.key): the server copies it wrongly: it is sent anew"
        )
        return try copyThrough(source, target, attributes, .matches(info.etag), trace)
    }

    /// What lies there by now must be what was made, and not what somebody has put in its place; radosgw,
    /// for one, counts a copy as done that somebody's write has overtaken.
    private func confirm(
        _ found: ObjectInfo,
        isCopyOf source: ObjectInfo,
        _ attributes: ObjectAttributes,
        _ etag: String
    ) throws(S3Failure) {
        if found.etag == etag { copiesTellETags.store(true, ordering: .relaxed) }
        let mayBe = !copiesTellETags.load(ordering: .relaxed)
        guard mayBe || isCopy(found, attributes, etag) else {
            throw S3Failure(found.key == source.key ? .originChanged : .changed)
        }
    }

    /// Whether what was found is the copy that was just made.
    ///
    /// - Parameter etag: the copy's, as the server's answer has it, or nothing.
    private func isCopy(
        _ found: ObjectInfo,
        _ attributes: ObjectAttributes,
        _ etag: String
    ) -> Bool {
        found.etag == etag
            || attributes.modified != nil && found.attributes?.modified == attributes.modified
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
            case .missing where error.code != "NoSuchUpload", .changed, .originChanged:
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
        request.headers["x-amz-copy-source-range"] =
            "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
        request.isPatient = true
        request.answersXML = true
        do throws(S3Failure) {
            let answer = try send(request, copying: source, etag)
            guard let etag = answer.document?.text(of: "ETag"),
                unquoted(etag) != hex(md5([]))
            else { throw S3Failure.partsNotCopied }
            return etag
        } catch {
            // An answer that is no document: the server took this for an ordinary, empty part.
            if case .malformed = error.error { throw S3Failure.partsNotCopied }
            throw error
        }
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
