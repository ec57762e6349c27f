import Base
import Digest
import HTTP
import XML

extension S3Store {
    /// Tries things out on objects of its own, some twenty small requests, and removes them.
    func probe() throws(S3Failure) -> ProbedCapabilities {
        let name = probePrefix + String(UInt64.random(in: .min ... .max), radix: 36)
        let key = Key(name)
        var probed = ProbedCapabilities()
        let etag = try put(key, "1", ObjectAttributes.probe.headers()) ?? ""
        defer { remove([key]) }
        probed.etagIsMD5 = etag == hex(md5(Array("1".utf8)))
        if client.address.isPrivate {
            // A bucket may forbid it.
            probed.unsignedBodies = try !isRefusedAtAll { () throws(S3Failure) in
                _ = try put(key, "1", ObjectAttributes.probe.headers(), isSigned: false)
            }
        }
        let found = try info(key)
        probed.metadata = found.attributes?.probed == ObjectAttributes.probe.probed
        probed.puts = try heeded(etag) { (headers) throws(S3Failure) in
            // The body is the same each time, and so is the ETag.
            _ = try put(key, "1", headers)
        }
        // Who does not look at these conditions knows no others.
        if probed.puts.areAllHeeded {
            probed.copies = try heededOnCopies(Key(name + "-c"), from: key)
            probed.deletes = try deleteForm(key, etag)
        }
        probed.directoryMarkers = try keepsMarkers(Key(name + "-d/"))
        Log.debug("\(client.configuration.bucket): \(probed)")
        return probed
    }

    /// Which conditions are heeded by a request on an object that is there, with this ETag before and after.
    private func heeded(
        _ etag: String,
        _ send: (HTTPHeaders) throws(S3Failure) -> Void
    ) throws(S3Failure) -> HeededConditions {
        var heeded = HeededConditions()
        heeded.ifNoneMatch = try isRefused { () throws(S3Failure) in
            try send(["If-None-Match": "*"])
        }
        guard !etag.isEmpty else { return heeded }
        for form in [MatchForm.quoted, .bare] where heeded.ifMatch == .ignored {
            let accepts = try !isRefused { () throws(S3Failure) in
                try send(["If-Match": form.text(etag)])
            }
            let refuses = try isRefused { () throws(S3Failure) in
                try send(["If-Match": form.text(Self.otherETag)])
            }
            if accepts && refuses { heeded.ifMatch = form }
        }
        return heeded
    }

    private static let otherETag = "0123456789abcdef0123456789abcdef"

    private func heededOnCopies(
        _ target: Key,
        from source: Key
    ) throws(S3Failure) -> HeededConditions {
        let etag = try put(target, "1", HTTPHeaders()) ?? ""
        defer { remove([target]) }
        var request = S3Request(method: "PUT", key: try full(target), payload: Payload([]))
        return try heeded(etag) { (headers) throws(S3Failure) in
            request.headers = ["x-amz-copy-source": try copySource(source)]
            request.headers.append(headers)
            _ = try client.send(request)
        }
    }

    /// Deletes an object, which is there with this ETag, in all ways until one is heeded.
    private func deleteForm(_ key: Key, _ etag: String) throws(S3Failure) -> DeleteForm {
        for form in [MatchForm.quoted, .bare] {
            guard try isRefused(key, ["If-Match": form.text(Self.otherETag)]) else { break }
            if try isRefused(key, ["If-Match": form.text(etag)]) { continue }
            return .byVersion(form, inBatches: try heedsInBatches(key, form))
        }
        _ = try put(key, "1", HTTPHeaders())
        let header = DeleteForm.timeHeader
        let refuses = try isRefused(key, [header: Timestamp(seconds: 1_000_000_000).plainISO8601])
        guard refuses else { return .ignored }
        let later = Timestamp.now().adding(seconds: 1_000_000)
        return try isRefused(key, [header: later.plainISO8601]) ? .ignored : .byTime
    }

    private func heedsInBatches(_ key: Key, _ form: MatchForm) throws(S3Failure) -> Bool {
        let etag = try put(key, "1", HTTPHeaders())
        let refuses = { [self] (etag: String?) throws(S3Failure) in
            try isRefused { () throws(S3Failure) in
                let answer = try sendBatch([ObjectVersion(key: key, etag: etag)], form)
                for failure in try failures(of: answer) { throw S3Failure(failure.error) }
            }
        }
        guard try refuses(Self.otherETag) else { return false }
        return try !refuses(etag)
    }

    private func isRefused(_ key: Key, _ headers: HTTPHeaders) throws(S3Failure) -> Bool {
        try isRefused { () throws(S3Failure) in try deleteOne(key, headers) }
    }

    /// Whether a request fails as a condition that does not hold.
    private func isRefused(_ send: () throws(S3Failure) -> Void) throws(S3Failure) -> Bool {
        do throws(S3Failure) {
            try send()
            return false
        } catch {
            switch error.error {
            case .changed: return true
            // A server that says it cannot, or must not: the same to us as one that ignores it.
            case .invalid, .denied, .malformed: return false
            default: throw error
            }
        }
    }

    /// Whether the server does not do this, for whatever reason it gives.
    private func isRefusedAtAll(_ send: () throws(S3Failure) -> Void) throws(S3Failure) -> Bool {
        do throws(S3Failure) {
            try send()
            return false
        } catch {
            if error.isTransient { throw error }
            return true
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
        _ headers: HTTPHeaders,
        isSigned: Bool = true
    ) throws(S3Failure) -> String? {
        var request = S3Request(method: "PUT", key: try full(key), headers: headers)
        request.payload = Payload(Array(text.utf8))
        if !isSigned { request.payload.sha256 = Payload.unsigned }
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
