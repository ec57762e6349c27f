import FoundationEssentials

/// The items after `?` in a URL, by name.
///
/// An item `x` may also be sent as `x_base64`, the base64 of its bytes. That is how a path with a line
/// break travels: HTTP libraries take even an escaped one for the end of the line.
public struct QueryItems: Equatable, Sendable {
    private var items: [String: String] = [:]

    public init() {}

    public subscript(name: String) -> String? {
        get { items[name] }
        set { items[name] = newValue }
    }

    public var names: [String] { items.keys.sorted() }

    /// What a server received, percent-encoding undone.
    public init(received: [String: String]) throws(MessageError) {
        for (name, value) in received {
            let isEncoded = name.hasSuffix(Self.mark)
            let plain = isEncoded ? String(name.dropLast(Self.mark.count)) : name
            guard items[plain] == nil else {
                throw MessageError(reason: "'\(plain)' is given twice")
            }
            items[plain] = isEncoded ? try Self.decoded(value, plain) : value
        }
    }

    /// `?a=b&c=d` for a URL, or nothing if there are no items.
    public var encoded: String {
        let parts = items.sorted { $0.key < $1.key }.map { name, value in
            let hasControl = value.utf8.contains { $0 < 0x20 }
            let text = hasControl ? Data(value.utf8).base64EncodedString() : value
            return "\(name)\(hasControl ? Self.mark : "")=\(Self.escaped(text))"
        }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }

    private static let mark = "_base64"

    private static func decoded(_ text: String, _ name: String) throws(MessageError) -> String {
        guard let data = Data(base64Encoded: text),
            let value = String(validating: data, as: UTF8.self)
        else { throw MessageError(reason: "'\(name)_base64' is not base64 of UTF-8") }
        return value
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "/"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
