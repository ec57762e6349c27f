extension Parser {
    /// `untagged`, `filter:PATH`, or a field with what is asked of it.
    mutating func predicate() throws(QueryError) -> Query {
        let start = scanner.position
        try count(1, from: start)
        let word = scanner.word()
        switch word {
        case "": throw missingOperand(at: start)
        case "untagged": return .untagged
        case "filter" where scanner.skip(":"): return .filter(try filterPath())
        default: break
        }
        guard let field = try field(word, at: start) else { throw unknownField(word, at: start) }
        return try tail(of: field, at: start)
    }

    private mutating func field(_ word: String, at start: Int) throws(QueryError) -> Field? {
        switch word {
        case "tag" where scanner.peek == UInt8(ascii: ":"):
            return .tag(try key(after: "tag:", example: "tag:colour"))
        case "xattr" where scanner.peek == UInt8(ascii: ":"):
            let name = try key(after: "xattr:", example: "xattr:comment")
            return .attribute(name.utf8.starts(with: "user.".utf8) ? name : "user." + name)
        default: return Field.named[word]
        }
    }

    private mutating func key(after prefix: String, example: String) throws(QueryError) -> String {
        _ = scanner.skip(":")
        let start = scanner.position
        let key = scanner.isAtQuote ? try scanner.string(isPattern: false) : scanner.key()
        guard !key.isEmpty else {
            throw scanner.error("\(prefix) needs a name", hint: "such as \(example)", at: start)
        }
        return key
    }

    /// A field by itself, as ORDER BY takes it.
    mutating func field() throws(QueryError) -> Field {
        let start = scanner.position
        let word = scanner.word()
        guard let field = try field(word, at: start) else { throw unknownField(word, at: start) }
        return field
    }

    private func missingOperand(at start: Int) -> QueryError {
        let hint = "expected a predicate, such as tag:colour=red"
        if scanner.isAtEnd { return scanner.error("a predicate is missing", hint: hint, at: start) }
        if scanner.isAtQuote {
            return scanner.error(
                "a string by itself",
                hint: "say where to look, such as name:'…'",
                at: start
            )
        }
        return scanner.error("this can't begin a predicate", hint: hint, at: start)
    }

    /// For a word that is no field: one that is spelled alike, or the tag that was meant.
    private func unknownField(_ word: String, at start: Int) -> QueryError {
        if word == "tag" || word == "xattr" {
            return scanner.error(
                "\(word) needs a name",
                hint: "such as \(word):\(word == "tag" ? "colour" : "comment")",
                at: start
            )
        }
        if word == "and" || word == "or" {
            return scanner.error("\(word.uppercased()) needs something before it", at: start)
        }
        var ahead = scanner
        ahead.skipBlanks()
        let hasOperator = ahead.peek.map { "=<>!~:".utf8.contains($0) } ?? false
        let candidates = Field.named.keys.sorted() + ["tag", "xattr", "untagged", "filter"]
        let near = Suggestion.nearest(to: word, among: candidates)
        if hasOperator {
            let meant = near.map { "did you mean \($0)?" } ?? "did you mean tag:\(word)?"
            return scanner.error("unknown field \"\(word)\"", hint: meant, at: start)
        }
        let meant =
            near.map { "did you mean \($0)?" } ?? "did you mean name:*\(word)* or tag:\(word)?"
        return scanner.error("a word by itself: \"\(word)\"", hint: meant, at: start)
    }

    private mutating func filterPath() throws(QueryError) -> String {
        let start = scanner.position
        let path = scanner.isAtQuote ? try scanner.string(isPattern: false) : scanner.value()
        let trimmed = path.split(separator: "/").joined(separator: "/")
        guard !trimmed.isEmpty else {
            throw scanner.error(
                "filter: needs a path",
                hint: "such as filter:photos/red",
                at: start
            )
        }
        return trimmed
    }

    /// What follows a field: nothing, a word, or an operator and its value.
    private mutating func tail(of field: Field, at start: Int) throws(QueryError) -> Query {
        let end = scanner.position
        scanner.skipBlanks()
        let place = scanner.position
        if let query = try signOperator(on: field) { return query }
        let isNegated = skipNegation()
        if let query = try wordOperator(on: field) { return isNegated ? .not(query) : query }
        guard field.mayBeMissing else {
            let hint = "such as \(field.example)"
            throw scanner.error("\(field.text) needs an operator", hint: hint, at: place)
        }
        scanner.rewind(to: end)
        return .predicate(field, .exists)
    }

    private static let negatableWords: Set = [
        "in", "between", "contains", "startswith", "endswith", "like", "matches", "under",
    ]

    /// Steps over NOT where an operator follows it; elsewhere it begins the next predicate.
    private mutating func skipNegation() -> Bool {
        var ahead = scanner
        guard ahead.skip(keyword: "not") else { return false }
        ahead.skipBlanks()
        guard Self.negatableWords.contains(ahead.peekedWord()) else { return false }
        scanner = ahead
        return true
    }

    private mutating func wordOperator(on field: Field) throws(QueryError) -> Query? {
        let place = scanner.position
        switch scanner.word() {
        case "exists": return try existence(of: field, at: place)
        case "missing": return .not(try existence(of: field, at: place))
        case "in": return try list(field)
        case "between":
            let low = try value(isPattern: false)
            scanner.skipBlanks()
            guard scanner.skip(keyword: "and") else {
                throw scanner.error("BETWEEN needs two values", hint: "expected AND and the second")
            }
            return try between(field, low, try value(isPattern: false))
        case "contains": return .predicate(field, .contains(try text(for: field, at: place)))
        case "startswith": return .predicate(field, .startsWith(try text(for: field, at: place)))
        case "endswith": return .predicate(field, .endsWith(try text(for: field, at: place)))
        case "like": return .predicate(field, .like(try pattern(for: field, at: place)))
        case "matches": return .predicate(field, Test(glob: try pattern(for: field, at: place)))
        case "under": return try under(field, at: place)
        default:
            scanner.rewind(to: place)
            return nil
        }
    }

    private mutating func text(for field: Field, at place: Int) throws(QueryError) -> String {
        try requireText(field, at: place)
        return try value(isPattern: false).text
    }

    private mutating func pattern(for field: Field, at place: Int) throws(QueryError) -> String {
        try requireText(field, at: place)
        return try value(isPattern: true).text
    }

    private mutating func list(_ field: Field) throws(QueryError) -> Query {
        scanner.skipBlanks()
        guard scanner.skip("(") else {
            throw scanner.error("IN needs a list", hint: "such as IN (red, blue)")
        }
        var literals: [Literal] = []
        repeat {
            let value = try value(isPattern: false)
            if !literals.isEmpty { try count(1, from: value.offset) }
            literals.append(try literal(value, of: field, for: .equal))
            scanner.skipBlanks()
        } while scanner.skip(",")
        guard scanner.skip(")") else {
            throw scanner.error("the list is not closed", hint: "expected a comma or a parenthesis")
        }
        return .predicate(field, .oneOf(literals))
    }

    private enum Sign { case comparison(Comparison), notEqual, contains, containsNot }

    private mutating func sign() -> Sign? {
        if scanner.skip("!=") || scanner.skip("<>") { return .notEqual }
        if scanner.skip("!~") { return .containsNot }
        if scanner.skip("~") { return .contains }
        if scanner.skip("==") || scanner.skip("=") { return .comparison(.equal) }
        if scanner.skip("<=") { return .comparison(.lessOrEqual) }
        if scanner.skip(">=") { return .comparison(.greaterOrEqual) }
        if scanner.skip("<") { return .comparison(.less) }
        return scanner.skip(">") ? .comparison(.greater) : nil
    }

    /// An operator made of signs, with its value; `:` may stand before another, and by itself is loose.
    private mutating func signOperator(on field: Field) throws(QueryError) -> Query? {
        let place = scanner.position
        let isLoose = scanner.skip(":")
        if isLoose { scanner.skipBlanks() }
        switch sign() {
        case .contains: return .predicate(field, .contains(try text(for: field, at: place)))
        case .containsNot:
            return .not(.predicate(field, .contains(try text(for: field, at: place))))
        case .notEqual: return .not(try compare(field, .equal, try value(isPattern: false)))
        case .comparison(let comparison):
            let value = try value(isPattern: false)
            if comparison == .equal, let high = try rangeEnd(value) {
                return try between(field, high.low, high.high)
            }
            return try compare(field, comparison, value)
        case nil:
            guard isLoose else { return nil }
            let value = try value(isPattern: true)
            if let ends = try rangeEnd(value) { return try between(field, ends.low, ends.high) }
            return try loose(field, value, at: place)
        }
    }
}
