public import Base
import HTTP
import XML

/// Objects of this name are gone in a moment, and nobody's business.
let probePrefix = ".gosync-probe-"

extension S3Store {
    private static let pageKeys = 1000

    public func list(
        prefix: Key,
        delimited: Bool,
        after position: ListPosition?
    ) throws(StoreError) -> ListPage {
        try storing { () throws(S3Failure) in
            let (root, head) = try listing(prefix, delimited, position)
            var page = try page(root)
            page.isInRanges = isInRanges(head)
            // A server that hands out the same page for ever must not keep us for ever.
            guard page.next == nil || page.next != position else {
                throw S3Failure(.malformed("a listing that does not advance"))
            }
            return page
        }
    }

    /// S3 lists by byte order and begins behind any key, but two do not: `rclone serve s3` walks
    /// directories, and Amazon's directory buckets have no order.
    private func isInRanges(_ head: HTTPHead) -> Bool {
        let server = head.headers["Server"] ?? ""
        return !server.hasPrefix("rclone") && !client.configuration.bucket.hasSuffix("--x-s3")
    }

    private func listing(
        _ prefix: Key,
        _ delimited: Bool,
        _ position: ListPosition?
    ) throws(S3Failure) -> (XMLElement, HTTPHead) {
        var query = [
            ("list-type", "2"), ("encoding-type", "url"), ("max-keys", "\(Self.pageKeys)"),
            ("prefix", self.prefix + prefix.text),
        ]
        if delimited { query.append(("delimiter", "/")) }
        switch position {
        case .token(let token): query.append(("continuation-token", token))
        case .key(let key): query.append(("start-after", self.prefix + key.text))
        case nil: break
        }
        let answer = try client.send(S3Request(method: "GET", query: query, answersXML: true))
        guard let root = answer.document, root.name == "ListBucketResult" else {
            throw S3Failure(.malformed("no listing"))
        }
        return (root, answer.head)
    }

    private func page(_ root: XMLElement) throws(S3Failure) -> ListPage {
        let isEncoded = root.text(of: "EncodingType") == "url"
        var page = ListPage(objects: [], prefixes: [], next: nil)
        for element in root.children {
            switch element.name {
            case "Contents":
                let object = try object(element, isEncoded)
                if let object { page.objects.append(object) }
            case "CommonPrefixes":
                if let prefix = try key(element.text(of: "Prefix"), isEncoded) {
                    page.prefixes.append(prefix)
                }
            default: break
            }
        }
        if root.text(of: "IsTruncated") == "true" {
            guard let next = root.text(of: "NextContinuationToken"), !next.isEmpty else {
                throw S3Failure(.malformed("a listing cut short, without a token"))
            }
            page.next = .token(next)
        }
        return page
    }

    private func object(_ element: XMLElement, _ isEncoded: Bool) throws(S3Failure) -> ObjectInfo? {
        guard let key = try key(element.text(of: "Key"), isEncoded) else { return nil }
        guard let size = element.text(of: "Size").flatMap({ Int64($0) }), size >= 0 else {
            throw S3Failure(.malformed("a listing without sizes"))
        }
        return ObjectInfo(
            key: key,
            size: size,
            etag: unquoted(element.text(of: "ETag") ?? ""),
            modified: element.text(of: "LastModified").flatMap { Timestamp(iso8601: $0) }
                ?? Timestamp(seconds: 0)
        )
    }

    /// The key relative to the store's prefix; `nil` for the prefix itself and for probes.
    private func key(_ text: String?, _ isEncoded: Bool) throws(S3Failure) -> Key? {
        guard let text, let decoded = isEncoded ? percentDecoded(text) : text,
            decoded.startsExactly(with: prefix)
        else { throw S3Failure(.malformed("a listing with a key that was not asked for")) }
        let relative = decoded.droppingBytes(prefix.utf8.count)
        return relative.isEmpty || relative.startsExactly(with: probePrefix) ? nil : Key(relative)
    }
}
