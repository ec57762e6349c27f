import Base
import Digest
import HTTP
import Synchronization

/// AWS Signature Version 4, header form: the proof that a request comes from who holds the keys.
struct Signature {
    let credentials: S3Credentials
    let region: String
    var service = "s3"
    private let dayKey = DayKey()

    /// What is signed of a request.
    struct Subject {
        var method: String
        /// Encoded exactly as it is sent.
        var path: String
        /// Not encoded.
        var query: [(name: String, value: String)] = []
        /// Every one of them is signed; `host` must be among them.
        var headers: HTTPHeaders
        /// SHA-256 of the body in hexadecimal, or `UNSIGNED-PAYLOAD`.
        var payload: String
    }

    /// The value of the `Authorization` header.
    func authorization(_ subject: Subject, at time: Timestamp) -> String {
        let date = time.basicISO8601
        let scope = "\(date.prefix(8))/\(region)/\(service)/aws4_request"
        let (canonical, signed) = canonicalRequest(subject)
        let text = "AWS4-HMAC-SHA256\n\(date)\n\(scope)\n\(hex(sha256(canonical)))"
        let signature = hex(hmacSHA256(key: signingKey(String(date.prefix(8))), text))
        return "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), "
            + "SignedHeaders=\(signed), Signature=\(signature)"
    }

    private func signingKey(_ day: String) -> [UInt8] {
        dayKey.key(for: day) {
            let dayKey = hmacSHA256(key: Array("AWS4\(credentials.secretKey)".utf8), day)
            let regionKey = hmacSHA256(key: dayKey, region)
            return hmacSHA256(key: hmacSHA256(key: regionKey, service), "aws4_request")
        }
    }

    func canonicalRequest(_ subject: Subject) -> (text: String, signedHeaders: String) {
        let fields = subject.headers.fields
            .map { (name: $0.name.lowercased(), value: collapsed($0.value)) }
        // Names are ASCII. Where one stands twice, the order of the values counts.
        let order = fields.indices.sorted { (fields[$0].name, $0) < (fields[$1].name, $1) }
        var text = "\(subject.method)\n\(subject.path)\n\(encodedQuery(subject.query))\n"
        var signed = ""
        var last: String?
        for field in order.lazy.map({ fields[$0] }) {
            if field.name == last {
                text += ",\(field.value)"
                continue
            }
            if last != nil {
                text += "\n"
                signed += ";"
            }
            text += "\(field.name):\(field.value)"
            signed += field.name
            last = field.name
        }
        text += "\n\n\(signed)\n\(subject.payload)"
        return (text, signed)
    }

    /// The value without spaces around it, and one space for many within.
    private func collapsed(_ value: String) -> String {
        guard value.utf8.contains(UInt8(ascii: " ")) else { return value }
        return value.split(separator: " ").joined(separator: " ")
    }
}

/// The key that the requests of a day are signed with: made for the first of them, and kept.
private final class DayKey: Sendable {
    private let known = Mutex<(day: String, key: [UInt8])?>(nil)

    func key(for day: String, _ make: () -> [UInt8]) -> [UInt8] {
        if let (knownDay, key) = known.withLock({ $0 }), knownDay == day { return key }
        let key = make()
        known.withLock { $0 = (day, key) }
        return key
    }
}

/// Encoded and sorted by the bytes of the encoded names: the form that is signed, and sent as well.
func encodedQuery(_ query: [(name: String, value: String)]) -> String {
    query.map { (percentEncoded($0.name), percentEncoded($0.value)) }
        .sorted { one, other in
            one.0 == other.0
                ? one.1.utf8.lexicographicallyPrecedes(other.1.utf8)
                : one.0.utf8.lexicographicallyPrecedes(other.0.utf8)
        }
        .map { "\($0.0)=\($0.1)" }
        .joined(separator: "&")
}
