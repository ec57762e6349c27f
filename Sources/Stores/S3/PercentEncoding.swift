private let hexDigits = Array("0123456789ABCDEF".utf8)

/// The text as AWS wants it in a URL: only unreserved characters (RFC 3986) stay as they are.
func percentEncoded(_ text: String, keepingSlashes: Bool = false) -> String {
    var output: [UInt8] = []
    output.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            output.append(byte)
        case UInt8(ascii: "/") where keepingSlashes:
            output.append(byte)
        default:
            output += [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
        }
    }
    return String(decoding: output, as: UTF8.self)
}

/// The text behind an encoded one, where `+` is a space; `nil` if it is not UTF-8.
func percentDecoded(_ text: String) -> String? {
    let isPlain = text.utf8.allSatisfy { $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "+") }
    if isPlain { return text }
    var output: [UInt8] = []
    output.reserveCapacity(text.utf8.count)
    var bytes = text.utf8.makeIterator()
    while let byte = bytes.next() {
        switch byte {
        case UInt8(ascii: "+"): output.append(UInt8(ascii: " "))
        case UInt8(ascii: "%"):
            guard let high = bytes.next().flatMap(hexValue),
                let low = bytes.next().flatMap(hexValue)
            else { return nil }
            output.append(high << 4 | low)
        default: output.append(byte)
        }
    }
    return String(validating: output, as: UTF8.self)
}

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
}
