import Base
import Digest
import HTTP
import Synchronization

// The version that is copied. A condition on the source (`x-amz-copy-source-if-match`) is not worth much: radosgw
// finds it met and copies what has been put there since, and Swift compares it, for an object that was sent in
// parts, with something else than the ETag that it tells. So it is sent where it does no harm, and whoever copies
// looks at the source again afterwards, before what was made counts.

extension S3Store {
    /// Sends a request that copies a version of an object, or a range of it.
    func send(
        _ request: S3Request,
        copying source: Key,
        _ etag: String
    ) throws(S3Failure) -> S3Answer {
        var plain = request
        plain.headers["x-amz-copy-source"] = try copySource(source)
        guard sourceConditions.load(ordering: .relaxed) else { return try client.send(plain) }
        var conditional = plain
        conditional.headers["x-amz-copy-source-if-match"] = "\"\(etag)\""
        do throws(S3Failure) {
            return try client.send(conditional)
        } catch {
            guard error.error == .changed else { throw error }
        }
        // The source or the target: the answer does not tell.
        try confirmUnchanged(source, etag)
        let answer = try client.send(plain)
        if sourceConditions.exchange(false, ordering: .relaxed) {
            let bucket = client.configuration.bucket
            Log.info(
                "\(bucket): the server misreads conditions on what it copies: they are checked here"
            )
        }
        return answer
    }

    /// What a header names the source of a copy with.
    func copySource(_ key: Key) throws(S3Failure) -> String {
        let path = percentEncoded(try full(key), keepingSlashes: true)
        return "/\(percentEncoded(client.configuration.bucket))/\(path)"
    }

    /// Sees that a source was not replaced while it was copied.
    func confirmUnchanged(_ source: Key, _ etag: String) throws(S3Failure) {
        do throws(S3Failure) {
            guard try info(source).etag == etag else { throw S3Failure(.originChanged) }
        } catch {
            guard error.error == .missing else { throw error }
            throw S3Failure(.originChanged)
        }
    }
}
