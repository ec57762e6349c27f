/// The bytes as lower-case hexadecimal digits.
public func hex(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
        let digits: StaticString = "0123456789abcdef"
        for (i, byte) in bytes.enumerated() {
            buffer[2 * i] = digits.utf8Start[Int(byte >> 4)]
            buffer[2 * i + 1] = digits.utf8Start[Int(byte & 15)]
        }
        return bytes.count * 2
    }
}

private let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
)

/// The bytes in base 64 (RFC 4648), padded.
public func base64(_ bytes: [UInt8]) -> String {
    var output: [UInt8] = []
    output.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start...].prefix(3)
        var word: UInt32 = 0
        for byte in group { word = word << 8 | UInt32(byte) }
        word <<= UInt32(8 * (3 - group.count))
        for i in 0..<4 {
            let digit = alphabet[Int(word >> UInt32(18 - 6 * i)) & 63]
            output.append(i <= group.count ? digit : UInt8(ascii: "="))
        }
    }
    return String(decoding: output, as: UTF8.self)
}

/// The bytes that padded base 64 stands for, or `nil` if it is none.
public func decodedBase64(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 4 == 0 else { return nil }
    let padding = digits.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    guard padding <= 2 else { return nil }
    var output: [UInt8] = []
    var word: UInt32 = 0
    for (i, digit) in digits.enumerated() {
        let isPadding = i >= digits.count - padding
        guard let value = isPadding ? 0 : alphabet.firstIndex(of: digit) else { return nil }
        word = word << 6 | UInt32(value)
        if i % 4 == 3 {
            output += [UInt8(word >> 16 & 255), UInt8(word >> 8 & 255), UInt8(word & 255)]
            word = 0
        }
    }
    return output.dropLast(padding)
}

/// The bytes that hexadecimal digits of either case stand for, or `nil` if they are none.
public func decodedHex(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    var output: [UInt8] = []
    for i in stride(from: 0, to: digits.count, by: 2) {
        let pair = String(decoding: digits[i..<i + 2], as: UTF8.self)
        guard pair.first != "+", let byte = UInt8(pair, radix: 16) else { return nil }
        output.append(byte)
    }
    return output
}
