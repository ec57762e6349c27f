import Base
import HTTP

private let metadataPrefix = "x-amz-meta-"

extension ObjectAttributes {
    /// The headers that give an object these attributes.
    func headers() throws(S3Failure) -> HTTPHeaders {
        var headers = HTTPHeaders()
        if let contentType { headers["Content-Type"] = EncodedWord.encoded(contentType) }
        for (name, value) in other.sorted(by: { $0.key < $1.key }) {
            guard isToken(name) else { throw S3Failure(.invalid("metadata name \(name)")) }
            headers[metadataPrefix + name] = EncodedWord.encoded(value)
        }
        if let mode { headers[metadataPrefix + "mode"] = String(mode) }
        if let owner { headers[metadataPrefix + "uid"] = String(owner) }
        if let group { headers[metadataPrefix + "gid"] = String(group) }
        if let modified { headers[metadataPrefix + "mtime"] = AttributeText.text(modified) }
        return headers
    }

    /// The attributes that an object's headers tell; what cannot be read stays in `other` as it is.
    init(headers: HTTPHeaders) {
        self.init(contentType: headers["Content-Type"])
        for field in headers.fields {
            let name = field.name.lowercased()
            guard name.hasPrefix(metadataPrefix) else { continue }
            take(String(name.dropFirst(metadataPrefix.count)), EncodedWord.decoded(field.value))
        }
    }

    private mutating func take(_ name: String, _ value: String) {
        switch name {
        case "mode": mode = AttributeText.mode(value)
        case "uid": owner = UInt32(value)
        case "gid": group = UInt32(value)
        case "mtime": modified = AttributeText.time(value)
        default: break
        }
        let isUnderstood =
            switch name {
            case "mode": mode != nil
            case "uid": owner != nil
            case "gid": group != nil
            case "mtime": modified != nil
            default: false
            }
        if !isUnderstood { other[name] = value }
    }
}

/// Whether a name may stand in a header (RFC 9110, "token").
private func isToken(_ name: String) -> Bool {
    let others = "!#$%&'*+-.^_`|~"
    return !name.isEmpty
        && name.utf8.allSatisfy { byte in
            isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
                || others.utf8.contains(byte)
        }
}

/// An ETag without quotes and without the mark of a weak one.
func unquoted(_ etag: String) -> String {
    var bytes = etag.utf8[...]
    let quote = UInt8(ascii: "\"")
    if bytes.starts(with: "W/".utf8) { bytes = bytes.dropFirst(2) }
    if bytes.count >= 2, bytes.first == quote, bytes.last == quote {
        bytes = bytes.dropFirst().dropLast()
    }
    return String(decoding: bytes, as: UTF8.self)
}
