extension String {
    /// Appends text as a JSON string.
    public mutating func appendJSON(_ text: String) {
        self += "\""
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c }
        if isPlain {
            self += text
        } else {
            for scalar in text.unicodeScalars {
                switch scalar.value {
                case 0x22, 0x5c:
                    unicodeScalars.append("\\")
                    unicodeScalars.append(scalar)
                case 0..<0x20:
                    let digits = String(scalar.value, radix: 16)
                    self += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                default: unicodeScalars.append(scalar)
                }
            }
        }
        self += "\""
    }
}
