public import Base
import Digest
import HTTP
import XML

extension S3Store {
    private static let batchKeys = 1000
    /// Up to so many versions go one by one, where that is more certain.
    private static let fewVersions = 100
    /// From this many on, a listing is asked what they are.
    private static let worthListing = 4
    private static let keysOfAPage = 250

    public func delete(
        _ versions: [ObjectVersion]
    ) throws(StoreError) -> [(key: Key, error: StoreError)] {
        guard versions.count <= Self.batchKeys else {
            throw .invalid("\(versions.count) keys at once")
        }
        let isConditional = versions.contains { $0.etag != nil }
        let probed = isConditional ? try probedCapabilities() : nil
        return try storing { () throws(S3Failure) in
            let form = probed?.deletes ?? .ignored
            if versions.count == 1 || versions.count <= Self.fewVersions && form.isOneByOne {
                let listed = form == .byTime ? try listed(versions) : [:]
                return try deleteEach(versions, form, listed)
            }
            // What XML cannot write has to go alone.
            let awkward = versions.filter { escapedXML($0.key.text) == nil }
            var plain = versions.filter { escapedXML($0.key.text) != nil }
            var failures = try deleteEach(awkward, form)
            if form.matchInBatches == nil {
                let others = try others(than: plain)
                plain.removeAll { others[$0.key] != nil }
                failures += others.compactMap { $0.value == .missing ? nil : ($0.key, $0.value) }
            }
            return try failures + deleteBatch(plain, form)
        }
    }

    private func deleteBatch(
        _ versions: [ObjectVersion],
        _ form: DeleteForm
    ) throws(S3Failure) -> [(key: Key, error: StoreError)] {
        guard !versions.isEmpty else { return [] }
        do throws(S3Failure) {
            return try failures(of: sendBatch(versions, form.matchInBatches))
        } catch {
            // Some servers know no batches.
            guard error.status == 501 || error.status == 405 || error.code == "NotImplemented"
            else { throw error }
            return try deleteEach(versions, form)
        }
    }

    /// - Parameter match: how the server understands the versions; they are left out without it.
    func sendBatch(
        _ versions: [ObjectVersion],
        _ match: MatchForm?
    ) throws(S3Failure) -> XMLElement? {
        var body = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
        for version in versions {
            guard let text = escapedXML(try full(version.key)) else {
                throw S3Failure(.invalid("the store's prefix"))
            }
            body += "<Object><Key>\(text)</Key>"
            if let match, let etag = version.etag, let text = escapedXML(match.text(etag)) {
                body += "<ETag>\(text)</ETag>"
            }
            body += "</Object>"
        }
        body += "</Delete>"
        let payload = Payload(Array(body.utf8))
        var request = S3Request(method: "POST", query: [("delete", "")], payload: payload)
        request.headers = ["Content-Type": "application/xml"]
        request.headers["Content-MD5"] = payload.md5.map(base64)
        request.answersXML = true
        return try client.send(request).document
    }

    func failures(
        of root: XMLElement?
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

    private func deleteEach(
        _ versions: [ObjectVersion],
        _ form: DeleteForm,
        _ listed: [Key: Seen] = [:]
    ) throws(S3Failure) -> [(key: Key, error: StoreError)] {
        var failures: [(key: Key, error: StoreError)] = []
        for version in versions {
            do throws(S3Failure) {
                try deleteOne(version, form, listed[version.key])
            } catch {
                // A store that is away fails as a whole, not key by key.
                if error.isTransient { throw error }
                failures.append((version.key, error.error))
            }
        }
        return failures
    }

    private func deleteOne(
        _ version: ObjectVersion,
        _ form: DeleteForm,
        _ listed: Seen?
    ) throws(S3Failure) {
        var headers = HTTPHeaders()
        do throws(S3Failure) {
            if let etag = version.etag { headers = try condition(version.key, etag, form, listed) }
            try deleteOne(version.key, headers)
        } catch {
            guard error.error == .missing else { throw error }
        }
    }

    /// What was seen of an object.
    private struct Seen {
        var etag: String
        var modified: Timestamp
        /// By the server's clock, at the earliest; `nil` if it does not tell.
        var time: Timestamp?

        /// What takes its place from then on is of a later second, also by the clock of another gateway.
        var isSettled: Bool { time.map { $0.secondsSince(modified) >= 2 } ?? false }
    }

    /// Looks whether an object is the version that is meant, as far as the server does not, and returns
    /// the headers with which it does.
    private func condition(
        _ key: Key,
        _ etag: String,
        _ form: DeleteForm,
        _ listed: Seen?
    ) throws(S3Failure) -> HTTPHeaders {
        if case .byVersion(let match, _) = form { return ["If-Match": match.text(etag)] }
        var seen = listed
        if seen?.etag != etag { seen = try look(at: key) }
        guard let seen, seen.etag == etag else { throw S3Failure(.changed) }
        guard form == .byTime else { return HTTPHeaders() }
        guard seen.isSettled else { throw S3Failure(.tooRecent) }
        return [DeleteForm.timeHeader: seen.modified.plainISO8601]
    }

    private func look(at key: Key) throws(S3Failure) -> Seen {
        let begin = monotonicSeconds()
        let answer = try client.send(S3Request(method: "HEAD", key: try full(key)))
        let found = try ObjectInfo(key, answer.head)
        let end = answer.head.headers["Date"].flatMap { Timestamp(httpDate: $0) }
        let time = end?.adding(seconds: begin - monotonicSeconds())
        return Seen(etag: found.etag, modified: found.modified, time: time)
    }

    func deleteOne(_ key: Key, _ headers: HTTPHeaders = HTTPHeaders()) throws(S3Failure) {
        do throws(S3Failure) {
            _ = try client.send(
                S3Request(method: "DELETE", key: try full(key), headers: headers)
            )
        } catch {
            guard error.error == .missing else { throw error }
        }
    }

    /// Which of these versions are others by now (`changed`) or not there (`missing`), as a listing of the
    /// keys between the first and the last tells, and a look at what that does not show.
    private func others(
        than versions: [ObjectVersion]
    ) throws(S3Failure) -> [Key: StoreError] {
        let listed = try listed(versions)
        var others: [Key: StoreError] = [:]
        for version in versions {
            guard let etag = version.etag, listed[version.key]?.etag != etag else {
                continue
            }
            do throws(S3Failure) {
                if try info(version.key).etag != etag { others[version.key] = .changed }
            } catch {
                guard error.error == .missing else { throw error }
                others[version.key] = .missing
            }
        }
        return others
    }

    /// What a short listing tells of versions, if they are many; the rest has to be asked for.
    private func listed(_ versions: [ObjectVersion]) throws(S3Failure) -> [Key: Seen] {
        let keys = versions.filter { $0.etag != nil }.map(\.key)
        guard keys.count >= Self.worthListing, let first = keys.min(), let last = keys.max() else {
            return [:]
        }
        var found: [Key: Seen] = [:]
        var position: ListPosition? = .key(first)
        let prefix = commonDirectory(first, last)
        for _ in 0..<keys.count / Self.keysOfAPage + 2 {
            guard let start = position else { break }
            let begin = Timestamp.now()
            let page: ListPage
            do throws(StoreError) {
                page = try list(prefix: prefix, delimited: false, after: start)
            } catch {
                throw S3Failure(error)
            }
            // The answer brought this, so it is the server's clock of now, or a little less.
            let time = clockSkewSeconds.map { begin.adding(seconds: $0) }
            for object in page.objects {
                found[object.key] = Seen(etag: object.etag, modified: object.modified, time: time)
            }
            guard let end = page.objects.last?.key, end < last else { break }
            position = page.next
        }
        return found
    }

    /// The directory that all keys between two lie in.
    private func commonDirectory(_ first: Key, _ last: Key) -> Key {
        let common = zip(first.text.utf8, last.text.utf8).prefix { $0 == $1 }.map(\.0)
        let end = common.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        return Key(String(decoding: common[..<end], as: UTF8.self))
    }
}
