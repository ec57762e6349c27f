/// Patterns: `*` for any text (also across `/`), `?` for one character, `[a-z]` and `[!a-z]` for one of a set.
///
/// A backslash before one of `* ? [ ] \` takes its meaning away, and is itself anywhere else. A `[`
/// that is never closed stands for itself. Upper and lower case are the caller's to fold.
public enum Glob {
    /// Whether a pattern matches the whole text, in time of at most their lengths multiplied.
    public static func matches(_ pattern: String, _ text: String) -> Bool {
        let pattern = Array(pattern.unicodeScalars)
        let text = Array(text.unicodeScalars)
        var (p, t) = (0, 0)
        // Where to go on after the newest star, should the rest not fit.
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == "*" {
                p += 1
                star = (p, t)
            } else if let length = matchOne(pattern, p, text[t]) {
                p += length
                t += 1
            } else if let (afterStar, start) = star {
                p = afterStar
                t = start + 1
                star = (afterStar, t)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }

    /// Whether a text has anything that is not just itself.
    static func isPattern(_ text: String) -> Bool { literal(text) == nil }

    /// The text that a pattern without wildcards stands for, or `nil` if it has some.
    static func literal(_ pattern: String) -> String? {
        let scalars = Array(pattern.unicodeScalars)
        var literal = String.UnicodeScalarView()
        var p = 0
        while p < scalars.count {
            switch scalars[p] {
            case "*", "?": return nil
            case "[" where classEnd(scalars, p) != nil: return nil
            default:
                let isEscape = isEscape(scalars, p)
                literal.append(scalars[isEscape ? p + 1 : p])
                p += isEscape ? 2 : 1
            }
        }
        return String(literal)
    }

    /// A pattern that matches just this text.
    static func escaped(_ text: String) -> String {
        var pattern = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isSpecial(scalar) { pattern.append("\\") }
            pattern.append(scalar)
        }
        return String(pattern)
    }

    /// The same pattern, from one with `%` and `_`, where a backslash before `%`, `_` or `\` takes their meaning.
    static func pattern(like: String) -> String {
        var pattern = String.UnicodeScalarView()
        var scalars = like.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "%": pattern.append("*")
            case "_": pattern.append("?")
            default:
                var literal = scalar
                if scalar == "\\", let next = scalars.first, "%_\\".unicodeScalars.contains(next) {
                    literal = next
                    scalars.removeFirst()
                }
                if isSpecial(literal) { pattern.append("\\") }
                pattern.append(literal)
            }
        }
        return String(pattern)
    }

    private static func isSpecial(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "*", "?", "[", "]", "\\": true
        default: false
        }
    }

    private static func isEscape(_ pattern: [Unicode.Scalar], _ p: Int) -> Bool {
        pattern[p] == "\\" && p + 1 < pattern.count && isSpecial(pattern[p + 1])
    }

    /// How much of the pattern this scalar uses up, or `nil` if it doesn't fit.
    private static func matchOne(
        _ pattern: [Unicode.Scalar],
        _ p: Int,
        _ scalar: Unicode.Scalar
    ) -> Int? {
        guard p < pattern.count else { return nil }
        if pattern[p] == "?" { return 1 }
        if pattern[p] == "[", let end = classEnd(pattern, p) {
            return isInClass(pattern[(p + 1)..<end], scalar) ? end + 1 - p : nil
        }
        let isEscape = isEscape(pattern, p)
        return pattern[isEscape ? p + 1 : p] == scalar ? (isEscape ? 2 : 1) : nil
    }

    /// Where the class that opens at `p` has its `]`, which as the first of the set stands for itself.
    private static func classEnd(_ pattern: [Unicode.Scalar], _ p: Int) -> Int? {
        var start = p + 1
        if start < pattern.count, pattern[start] == "!" || pattern[start] == "^" { start += 1 }
        return pattern.indices.dropFirst(start + 1).first { pattern[$0] == "]" }
    }

    private static func isInClass(
        _ set: ArraySlice<Unicode.Scalar>,
        _ scalar: Unicode.Scalar
    ) -> Bool {
        var set = set
        let isNegated = set.first == "!" || set.first == "^"
        if isNegated { set.removeFirst() }
        var isInside = false
        while let low = set.popFirst() {
            var high = low
            if set.first == "-", set.count > 1 {
                set.removeFirst()
                high = set.removeFirst()
            }
            if low <= scalar, scalar <= high { isInside = true }
        }
        return isInside != isNegated
    }
}
