public import Base
import Digest
import HTTP
import XML

extension S3Store {
    private static let batchKeys = 1000

    public func delete(_ keys: [Key]) throws(StoreError) -> [(key: Key, error: StoreError)] {
        guard keys.count <= Self.batchKeys else { throw .invalid("\(keys.count) keys at once") }
        return try storing { () throws(S3Failure) in
            if keys.count == 1 { return try deleteEach(keys) }
            // What XML cannot write has to go alone.
            let awkward = keys.filter { escapedXML($0.text) == nil }
            let plain = keys.filter { escapedXML($0.text) != nil }
            return try deleteBatch(plain) + deleteEach(awkward)
        }
    }

    private func deleteBatch(_ keys: [Key]) throws(S3Failure) -> [(key: Key, error: StoreError)] {
        guard !keys.isEmpty else { return [] }
        var body = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
        for key in keys {
            guard let text = escapedXML(try full(key)) else {
                throw S3Failure(.invalid("the store's prefix"))
            }
            body += "<Object><Key>\(text)</Key></Object>"
        }
        body += "</Delete>"
        let payload = Payload(Array(body.utf8))
        var request = S3Request(method: "POST", query: [("delete", "")], payload: payload)
        request.headers = ["Content-Type": "application/xml"]
        request.headers["Content-MD5"] = payload.md5.map(base64)
        request.answersXML = true
        do throws(S3Failure) {
            return try failures(client.send(request).document)
        } catch {
            // Some servers know no batches.
            guard error.status == 501 || error.status == 405 || error.code == "NotImplemented"
            else { throw error }
            return try deleteEach(keys)
        }
    }

    private func failures(
        _ root: XMLElement?
    ) throws(S3Failure) -> [(key: Key, error: StoreError)] {
        guard let root, root.name == "DeleteResult" || root.name == "DeleteObjectsResult" else {
            throw S3Failure(.malformed("no result of a batch delete"))
        }
        return root.all("Error").compactMap { element in
            let code = element.text(of: "Code") ?? ""
            guard code != "NoSuchKey", let text = element.text(of: "Key"),
                text.startsExactly(with: prefix)
            else { return nil }
            let head = HTTPHead(status: 200, headers: HTTPHeaders())
            let failure = S3Failure(element, head, bucket: client.configuration.bucket)
            return (
                Key(text.droppingBytes(prefix.utf8.count)),
                code == "AccessDenied" ? .denied(code) : failure.error
            )
        }
    }

    private func deleteEach(_ keys: [Key]) throws(S3Failure) -> [(key: Key, error: StoreError)] {
        var failures: [(key: Key, error: StoreError)] = []
        for key in keys {
            do throws(S3Failure) {
                try deleteOne(key)
            } catch {
                // A store that is away fails as a whole, not key by key.
                if error.isTransient { throw error }
                failures.append((key, error.error))
            }
        }
        return failures
    }

    func deleteOne(_ key: Key) throws(S3Failure) {
        do throws(S3Failure) {
            _ = try client.send(S3Request(method: "DELETE", key: try full(key)))
        } catch {
            guard error.error == .missing else { throw error }
        }
    }
}
