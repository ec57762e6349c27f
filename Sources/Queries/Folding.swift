extension String {
    /// The text without the difference between upper and lower case, as `:`, `~` and `contains` compare.
    ///
    /// Follows Unicode's full case folding ("ß" is "ss", "ς" is "σ"), and does not compose or
    /// decompose: the two spellings of "é" stay two.
    public var caseFolded: String {
        if utf8.allSatisfy({ $0 < 0x80 }) {
            guard utf8.contains(where: Self.isUpperCase) else { return self }
            return String(
                decoding: utf8.map { Self.isUpperCase($0) ? $0 | 0x20 : $0 },
                as: UTF8.self
            )
        }
        var folded = ""
        for scalar in unicodeScalars {
            folded.unicodeScalars.append(contentsOf: Self.fold(scalar))
        }
        return folded
    }

    private static func isUpperCase(_ byte: UInt8) -> Bool { byte >= 0x41 && byte <= 0x5a }

    /// Lower, upper, lower: the way round makes "ẞ", "ß" and "SS" one, and "ς" and "σ".
    private static func fold(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        // A dotless i has the upper case "I", but is not an "i".
        if scalar == "ı" { return [scalar] }
        if scalar.isASCII {
            let byte = UInt8(scalar.value)
            return [isUpperCase(byte) ? Unicode.Scalar(byte | 0x20) : scalar]
        }
        return scalar.properties.lowercaseMapping.unicodeScalars
            .flatMap { $0.properties.uppercaseMapping.unicodeScalars }
            .flatMap { $0.properties.lowercaseMapping.unicodeScalars }
    }
}
