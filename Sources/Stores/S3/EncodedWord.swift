import Digest

/// Text in a header that only takes ASCII: RFC 2047, which is how AWS itself returns such values.
enum EncodedWord {
    private static let start = "=?UTF-8?B?"
    private static let end = "?="

    /// The text itself if a header carries it unharmed, else encoded.
    static func encoded(_ text: String) -> String {
        isPlain(text) ? text : start + base64(Array(text.utf8)) + end
    }

    /// Visible ASCII whose spaces nobody trims or folds, and that does not look encoded.
    private static func isPlain(_ text: String) -> Bool {
        var before = UInt8(ascii: " ")
        for byte in text.utf8 {
            guard byte >= 0x20, byte < 0x7f else { return false }
            if byte == UInt8(ascii: " "), before == byte { return false }
            before = byte
        }
        return (text.isEmpty || before != UInt8(ascii: " ")) && !text.contains("=?")
    }

    /// The text behind words in base 64 or quoted-printable form; other text stays as it is.
    static func decoded(_ text: String) -> String {
        guard text.contains("=?") else { return text }
        var output: [UInt8] = []
        for word in text.split(separator: " ") {
            guard let bytes = decodedWord(word) else { return text }
            output += bytes
        }
        return String(validating: output, as: UTF8.self) ?? text
    }

    private static func decodedWord(_ word: Substring) -> [UInt8]? {
        let parts = word.split(separator: "?", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "=", parts[4] == "=", parts[1].lowercased() == "utf-8"
        else { return nil }
        switch parts[2].lowercased() {
        case "b": return decodedBase64(String(parts[3]))
        case "q":
            // "_" is a space and "=41" a byte, which is percent encoding in other signs.
            var encoded = ""
            for character in parts[3] {
                switch character {
                case "_": encoded += "+"
                case "=": encoded += "%"
                case "+": encoded += "%2B"
                case "%": encoded += "%25"
                default: encoded.append(character)
                }
            }
            return percentDecoded(encoded).map { Array($0.utf8) }
        default: return nil
        }
    }
}
