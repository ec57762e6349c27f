import Base
import Digest
import HTTP
import XML

/// What a server was seen to do, in more detail than callers need.
struct ProbedCapabilities: Sendable {
    /// How `If-Match` must be written on a PUT to be understood.
    enum MatchForm: Sendable {
        case ignored
        case quoted
        /// radosgw 16.2 compares with the quotes, and so refuses the proper form always.
        case bare

        func text(_ etag: String) -> String { self == .quoted ? "\"\(etag)\"" : etag }
    }

    var ifMatch = MatchForm.ignored
    var ifNoneMatch = false
    var directoryMarkers = false
    var metadata = false
    var etagIsMD5 = false

    var capabilities: Capabilities {
        Capabilities(
            conditionalPut: ifMatch != .ignored && ifNoneMatch,
            directoryMarkers: directoryMarkers,
            metadata: metadata
        )
    }

    func heeds(_ condition: PutCondition) -> Bool {
        switch condition {
        case .none: true
        case .absent: ifNoneMatch
        case .matches: ifMatch != .ignored
        }
    }
}

extension S3Store {
    /// Tries things out on objects of its own, about ten small requests, and removes them.
    func probe() throws(S3Failure) -> ProbedCapabilities {
        let name = probePrefix + String(UInt64.random(in: .min ... .max), radix: 36)
        let key = Key(name)
        var probed = ProbedCapabilities()
        let etag = try put(key, "1", ObjectAttributes.probe.headers()) ?? ""
        defer { remove([key]) }
        probed.etagIsMD5 = etag == hex(md5(Array("1".utf8)))
        let found = try info(key)
        probed.metadata = found.attributes?.probed == ObjectAttributes.probe.probed
        probed.ifNoneMatch = try isRefused(key, ["If-None-Match": "*"])
        if !etag.isEmpty { probed.ifMatch = try matchForm(key, etag) }
        probed.directoryMarkers = try keepsMarkers(Key(name + "-d/"))
        Log.debug("\(client.configuration.bucket): \(probed)")
        return probed
    }

    private func matchForm(_ key: Key, _ etag: String) throws(S3Failure) -> MatchForm {
        let other = "0123456789abcdef0123456789abcdef"
        for form in [MatchForm.quoted, .bare] {
            // The body is the same each time, and so is the ETag.
            let accepts = try !isRefused(key, ["If-Match": form.text(etag)])
            let refuses = try isRefused(key, ["If-Match": form.text(other)])
            if accepts && refuses { return form }
        }
        return .ignored
    }

    private typealias MatchForm = ProbedCapabilities.MatchForm

    /// Whether a PUT with these headers fails as a condition that does not hold.
    private func isRefused(_ key: Key, _ headers: HTTPHeaders) throws(S3Failure) -> Bool {
        do throws(S3Failure) {
            _ = try put(key, "1", headers)
            return false
        } catch {
            if error.error == .changed { return true }
            // A server that says it cannot: the same to us as one that ignores it.
            if case .invalid = error.error { return false }
            throw error
        }
    }

    /// Whether `dir/` comes back as an object of that name, and leaves no `dir` behind.
    private func keepsMarkers(_ key: Key) throws(S3Failure) -> Bool {
        let bare = Key(String(key.text.dropLast()))
        defer { remove([key, bare]) }
        do throws(S3Failure) {
            _ = try put(key, "", HTTPHeaders())
            let query = [("list-type", "2"), ("prefix", try full(bare))]
            let answer = try client.send(S3Request(method: "GET", query: query, answersXML: true))
            let keys = answer.document?.all("Contents").compactMap { $0.text(of: "Key") } ?? []
            let path = try full(key)
            return keys.count == 1 && keys[0].utf8.elementsEqual(path.utf8)
        } catch {
            guard case .invalid = error.error else { throw error }
            return false
        }
    }

    private func put(
        _ key: Key,
        _ text: String,
        _ headers: HTTPHeaders
    ) throws(S3Failure) -> String? {
        var request = S3Request(method: "PUT", key: try full(key), headers: headers)
        request.payload = Payload(Array(text.utf8))
        return try client.send(request).head.headers["ETag"].map(unquoted)
    }

    private func remove(_ keys: [Key]) {
        for key in keys {
            do throws(S3Failure) {
                try deleteOne(key)
            } catch {
                Log.warning("\(client.configuration.bucket): \(key) stays behind: \(error.error)")
            }
        }
    }
}

extension ObjectAttributes {
    fileprivate static let probe = ObjectAttributes(
        mode: 0o100640,
        owner: 1,
        group: 2,
        modified: Timestamp(seconds: 1_600_000_000, nanoseconds: 123_456_789),
        contentType: "text/x-probe",
        other: ["gosync-probe": "a b"]
    )

    /// What must come back; servers may add fields of their own.
    fileprivate var probed: ObjectAttributes {
        var copy = self
        copy.other = other.filter { $0.key == "gosync-probe" }
        return copy
    }
}
