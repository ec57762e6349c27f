/// The characters of one line: where a comment starts, what quotes enclose, `${VARIABLE}`.
enum ValueText {
    /// Scalars, not characters: a `#` stays one whatever accent follows it.
    typealias Scalars = Substring.UnicodeScalarView

    enum Problem: Error, Equatable {
        case undefined(String)
        case malformed
    }

    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\r"
    }

    static func trim(_ text: Scalars) -> Scalars {
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }

    /// Cuts off a comment: a `#` at the start or after white space, and outside quotes.
    static func withoutComment(_ text: Scalars) -> Scalars {
        var previous: Unicode.Scalar = " "
        var index = text.startIndex
        while index < text.endIndex {
            let scalar = text[index]
            if scalar == "#", isSpace(previous) { return trim(text[..<index]) }
            // An apostrophe within a word opens nothing, nor does a quote that nothing closes.
            if !isWord(previous), let end = closing(text, from: index) { index = end }
            previous = text[index]
            index = text.index(after: index)
        }
        return trim(text)
    }

    /// Takes off quotes that enclose the whole value; `nil` if the first one is never closed.
    static func unquoted(_ text: Scalars) -> String? {
        guard let quote = text.first, isQuote(quote) else { return String(text) }
        guard let end = closing(text, from: text.startIndex) else { return nil }
        guard text.index(after: end) == text.endIndex else { return String(text) }
        var result = String.UnicodeScalarView()
        var escaped = false
        for scalar in text[..<end].dropFirst() {
            if escaped {
                if scalar != quote, scalar != "\\" { result.append("\\") }
                result.append(scalar)
                escaped = false
            } else if scalar == "\\" {
                escaped = true
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// Fills in `${NAME}`; `$${` stands for `${` itself, and any other `$` for itself.
    ///
    /// What a variable holds is taken as it is: no comment, quote or variable in it is looked for.
    static func expanded(
        _ text: String,
        from environment: [String: String]
    ) throws(Problem) -> String {
        var result = ""
        var rest = text.unicodeScalars[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += String(rest[..<dollar])
            rest = rest[dollar...]
            if rest.starts(with: "$${".unicodeScalars) {
                result += "${"
                rest = rest.dropFirst(3)
            } else if rest.starts(with: "${".unicodeScalars) {
                guard let end = rest.firstIndex(of: "}") else { throw .malformed }
                let name = rest[..<end].dropFirst(2)
                guard !name.isEmpty, name.allSatisfy(isWord) else { throw .malformed }
                guard let value = environment[String(name)] else { throw .undefined(String(name)) }
                result += value
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + String(rest)
    }

    /// The quote that closes the one at `start`; `nil` if there is none, or none starts there.
    private static func closing(_ text: Scalars, from start: Scalars.Index) -> Scalars.Index? {
        guard isQuote(text[start]) else { return nil }
        var index = text.index(after: start)
        while index < text.endIndex {
            if text[index] == text[start] { return index }
            if text[index] == "\\" { index = text.index(after: index) }
            if index < text.endIndex { index = text.index(after: index) }
        }
        return nil
    }

    private static func isQuote(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "'" || scalar == "\""
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
    }
}
