import Base

/// The ways in which s3fs and rclone write mode and time into user metadata.
enum AttributeText {
    private static let knownTypes: Set<UInt32> = [
        0o010000, 0o020000, 0o040000, 0o060000, 0o100000, 0o120000, 0o140000,
    ]
    private static let typeBits: UInt32 = 0o170000

    /// Reads decimal as s3fs writes it, or octal as `rclone --metadata` does.
    ///
    /// The file type within tells which one it is: read as decimal, the octal form of a file, link
    /// or directory is too large, or of no known type. Only some sticky directories look like links,
    /// but a link has all permissions.
    static func mode(_ text: String) -> UInt32? {
        let octal = UInt32(text, radix: 8)
        if text.hasPrefix("0") { return octal }
        guard let decimal = UInt32(text) else { return nil }
        let type = decimal & typeBits
        let isOddLink = type == 0o120000 && decimal != 0o120777 && octal != nil
        if decimal <= 0o177777, type == 0 || knownTypes.contains(type), !isOddLink {
            return decimal
        }
        return octal.flatMap { knownTypes.contains($0 & typeBits) ? $0 : nil }
    }

    /// Reads seconds with or without a fraction or an exponent, or an ISO 8601 time.
    static func time(_ text: String) -> Timestamp? {
        if let time = Timestamp(iso8601: text) { return time }
        let isNegative = text.hasPrefix("-")
        let bytes = Array(text.utf8)[(isNegative ? 1 : 0)...]
        let whole = bytes.prefix(while: isDigit)
        let rest = bytes.dropFirst(whole.count)
        let digits = rest.dropFirst().prefix(while: isDigit)
        guard rest.isEmpty || (rest.first == UInt8(ascii: ".") && digits.count == rest.count - 1)
        else { return Double(text).flatMap(time) }
        guard !whole.isEmpty, let seconds = Int64(String(decoding: whole, as: UTF8.self)) else {
            return nil
        }
        let nanoseconds = fractionNanoseconds(digits)
        return isNegative
            ? Timestamp(seconds: -seconds, nanoseconds: -nanoseconds)
            : Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }

    private static func time(_ seconds: Double) -> Timestamp? {
        guard seconds.isFinite, abs(seconds) < 9e9 else { return nil }
        let whole = seconds.rounded(.down)
        return Timestamp(seconds: Int64(whole), nanoseconds: Int64((seconds - whole) * 1e9))
    }

    /// Seconds, with as many digits of the fraction as are needed.
    static func text(_ time: Timestamp) -> String {
        let sign = time.nanoseconds < 0 ? "-" : ""
        let magnitude = time.nanoseconds.magnitude
        var digits = padded(Int64(magnitude % 1_000_000_000), 9)
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(sign)\(magnitude / 1_000_000_000)" + (digits.isEmpty ? "" : ".\(digits)")
    }
}
