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
        guard earlier.key == key, earlier.fingerprint == fingerprint, earlier.isKnown else {
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
        let key = try full(upload.key)
        guard upload.isKnown else { return try abortUnknown(key) }
        try abort(MultipartUpload(key: key, id: upload.id))
    }

    /// Ends uploads of a key that were begun by us without our hearing of it.
    ///
    /// Nobody can have sent a part of these. So one of another client is taken for ours in the moment between
    /// its beginning and its first part only, and only if both write the same key: that client has to begin
    /// anew then, which is what it does where its upload conflicts with ours anyway.
    func abortUnknown(_ key: String, besides known: String? = nil) throws(S3Failure) {
        var request = S3Request(
            method: "GET",
            key: nil,
            query: [("uploads", ""), ("prefix", key)]
        )
        request.answersXML = true
        let found: [XMLElement]
        do throws(S3Failure) {
            // Of all keys that begin so, this one comes first.
            found = try client.send(request).document?.all("Upload") ?? []
        } catch {
            if error.isTransient { throw error }
            // Few may list uploads everywhere; the bucket's own rules have to end them then.
            return Log.debug("\(client.configuration.bucket): uploads not listed: \(error.error)")
        }
        for each in found where each.text(of: "Key") == key {
            guard let id = each.text(of: "UploadId"), id != known else { continue }
            let upload = MultipartUpload(key: key, id: id)
            do throws(S3Failure) {
                if try parts(of: upload).isEmpty { try abort(upload) }
            } catch {
                guard error.error == .missing else { throw error }
            }
        }
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
