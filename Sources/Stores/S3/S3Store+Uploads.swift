import Base
import XML

// Uploads in parts that an earlier try has left: to go on with, or to end.

/// A part that the server holds.
struct HeldPart: Equatable, Sendable {
    var size: Int64
    var etag: String
}

extension S3Store {
    /// Goes on with an upload if it is of the same bytes and attributes and still there; else ends it.
    func resume(
        _ earlier: UploadRecord,
        _ key: Key,
        _ fingerprint: String
    ) throws(S3Failure) -> (MultipartUpload?, [Int: HeldPart]) {
        guard earlier.key == key, earlier.fingerprint == fingerprint else {
            try abort(earlier)
            return (nil, [:])
        }
        let upload = MultipartUpload(key: try full(key), id: earlier.id)
        do throws(S3Failure) {
            return (upload, try parts(of: upload))
        } catch {
            guard error.error == .missing else { throw error }
            return (nil, [:])
        }
    }

    /// The parts that the server holds, by their numbers.
    func parts(of upload: MultipartUpload) throws(S3Failure) -> [Int: HeldPart] {
        var found: [Int: HeldPart] = [:]
        while true {
            let query = upload.query([("part-number-marker", "\(found.keys.max() ?? 0)")])
            var request = S3Request(method: "GET", key: upload.key, query: query)
            request.answersXML = true
            let page = try client.send(request).document?.all("Part") ?? []
            let known = found.count
            for part in page {
                guard let number = part.text(of: "PartNumber").flatMap({ Int($0) }),
                    let size = part.text(of: "Size").flatMap({ Int64($0) }),
                    let etag = part.text(of: "ETag")
                else { continue }
                found[number] = HeldPart(size: size, etag: etag)
            }
            if found.count == known { return found }
        }
    }

    public func abandon(_ upload: UploadRecord) throws(StoreError) {
        try storing { () throws(S3Failure) in try abort(upload) }
    }

    func abort(_ upload: UploadRecord) throws(S3Failure) {
        try abort(MultipartUpload(key: try full(upload.key), id: upload.id))
    }

    private func abort(_ upload: MultipartUpload) throws(S3Failure) {
        do throws(S3Failure) {
            let query = upload.query()
            _ = try client.send(S3Request(method: "DELETE", key: upload.key, query: query))
        } catch {
            guard error.error == .missing else { throw error }
        }
    }

    func tryToAbort(_ upload: MultipartUpload) {
        do throws(S3Failure) {
            try abort(upload)
        } catch {
            // Parts that nobody completes cost space until the bucket's own rules remove them.
            Log.warning("\(client.configuration.bucket): upload not aborted: \(error.error)")
        }
    }
}
