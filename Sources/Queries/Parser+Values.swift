/// What stands to the right of an operator, before its field has decided what it means.
struct RawValue {
    var text: String
    var isQuoted: Bool
    var offset: Int
}

extension Parser {
    /// A string, or a word.
    mutating func value(isPattern: Bool) throws(QueryError) -> RawValue {
        scanner.skipBlanks()
        let start = scanner.position
        if scanner.isAtQuote {
            let text = try scanner.string(isPattern: isPattern)
            return RawValue(text: text, isQuoted: true, offset: start)
        }
        let word = scanner.value()
        guard !word.isEmpty else {
            throw scanner.error(
                "a value is missing",
                hint: "text with blanks or signs needs quotes",
                at: start
            )
        }
        if let sign = word.utf8.firstIndex(where: { "<>=".utf8.contains($0) }) {
            let offset = start + word.utf8.distance(from: word.startIndex, to: sign)
            throw scanner.error(
                "an operator within a value",
                hint: "put quotes around the value",
                at: offset
            )
        }
        if ["and", "or", "not"].contains(word.lowercased()) {
            throw scanner.error(
                "a value is missing",
                hint: "put quotes around the word to mean it",
                at: start
            )
        }
        return RawValue(text: word, isQuoted: false, offset: start)
    }

    /// Both ends of `a..b`, if the value goes on like that.
    mutating func rangeEnd(_ value: RawValue) throws(QueryError) -> (low: RawValue, high: RawValue)?
    {
        var low = value
        if value.isQuoted {
            guard scanner.skip("..") else { return nil }
            return (low, try self.value(isPattern: false))
        }
        guard let dots = Self.twoDots(value.text.utf8) else { return nil }
        let utf8 = value.text.utf8
        low.text = String(decoding: utf8[..<dots], as: UTF8.self)
        let after = utf8.index(dots, offsetBy: 2)
        let rest = String(decoding: utf8[after...], as: UTF8.self)
        let offset = value.offset + utf8.distance(from: utf8.startIndex, to: after)
        var high = RawValue(text: rest, isQuoted: false, offset: offset)
        if rest.isEmpty, scanner.isAtQuote { high = try self.value(isPattern: false) }
        guard !low.text.isEmpty, high.isQuoted || !high.text.isEmpty else {
            throw scanner.error(
                "a range needs both ends",
                hint: "such as 1..5; text with two dots needs quotes",
                at: value.offset
            )
        }
        return (low, high)
    }

    private static func twoDots(_ utf8: String.UTF8View) -> String.Index? {
        utf8.indices.first { utf8[$0...].starts(with: "..".utf8) }
    }

    func existence(of field: Field, at place: Int) throws(QueryError) -> Query {
        guard field.mayBeMissing else {
            throw scanner.error(
                "\(field.text) is never missing",
                hint: "compare it with something",
                at: place
            )
        }
        return .predicate(field, .exists)
    }

    func compare(
        _ field: Field,
        _ comparison: Comparison,
        _ value: RawValue
    ) throws(QueryError) -> Query {
        let literal = try literal(value, of: field, for: comparison)
        return .predicate(field, .compare(comparison, literal))
    }

    func between(_ field: Field, _ low: RawValue, _ high: RawValue) throws(QueryError) -> Query {
        let first = try literal(low, of: field, for: .greaterOrEqual)
        let last = try literal(high, of: field, for: .lessOrEqual)
        switch (first, last) {
        case (.number, .number), (.text, .text), (.time, .time), (.duration, .duration): break
        default:
            throw scanner.error(
                "the ends of a range are of two kinds",
                hint: "expected two numbers, two dates or two strings",
                at: high.offset
            )
        }
        return .predicate(field, .between(first, last))
    }

    /// What `:` means: a pattern, text in either case, or what `=` means for numbers and dates.
    func loose(_ field: Field, _ value: RawValue, at place: Int) throws(QueryError) -> Query {
        switch field.kind {
        case .size, .age:
            throw scanner.error(
                "\(field.text): needs an operator",
                hint: "such as \(field.text)>\(value.text)",
                at: place
            )
        case .text: return .predicate(field, Test(glob: value.text))
        case .type where Glob.isPattern(value.text), .any where value.isQuoted:
            return .predicate(field, Test(glob: value.text))
        case .any:
            let literal = try literal(value, of: field, for: .equal)
            guard case .text = literal else { return .predicate(field, .compare(.equal, literal)) }
            return .predicate(field, Test(glob: value.text))
        case .type, .number, .time:
            return try compare(field, .equal, value)
        }
    }

    mutating func under(_ field: Field, at place: Int) throws(QueryError) -> Query {
        guard field == .path || field == .dir else {
            throw scanner.error("only path and dir can be under a directory", at: place)
        }
        let value = try value(isPattern: false)
        let path = value.text.split(separator: "/", omittingEmptySubsequences: true)
        return .predicate(field, .under("/" + path.joined(separator: "/")))
    }

    func requireText(_ field: Field, at place: Int) throws(QueryError) {
        switch field.kind {
        case .any, .text: return
        case .type:
            throw scanner.error("type is one of a few words", hint: "such as type=image", at: place)
        case .number, .size, .time, .age:
            throw scanner.error(
                "\(field.text) is no text",
                hint: "compare it, such as \(field.example)",
                at: place
            )
        }
    }

    /// A value as its field reads it.
    func literal(
        _ value: RawValue,
        of field: Field,
        for comparison: Comparison
    ) throws(QueryError) -> Literal {
        switch field.kind {
        case .any: return try anyLiteral(value, for: comparison)
        case .text:
            // An extension is lower case by definition.
            guard field == .ext else { return .text(value.text) }
            return .text(String(value.text.drop { $0 == "." }).lowercased())
        case .type:
            guard comparison == .equal else {
                throw scanner.error(
                    "types have no order",
                    hint: "compare with = or IN",
                    at: value.offset
                )
            }
            return .text(try typeName(value))
        case .number:
            if let number = Number.parse(value.text) { return .number(number) }
            throw scanner.error("no number", hint: "expected one, such as 3", at: value.offset)
        case .size:
            if let bytes = Size.parse(value.text) { return .number(bytes) }
            throw scanner.error(
                "no size",
                hint: "expected bytes or a unit, such as 10M or 1.5GB",
                at: value.offset
            )
        case .time:
            if let moment = Moment(value.text) { return .time(moment) }
            if let year = Moment(year: value.text) { return .time(year) }
            throw scanner.error(
                "no date",
                hint: "expected one, such as 2024-05-01, 2024, now-7d, today",
                at: value.offset
            )
        case .age:
            guard let duration = Duration(value.text) else {
                throw scanner.error(
                    "no duration",
                    hint: "expected one, such as 7d, 12h, 1y",
                    at: value.offset
                )
            }
            guard comparison != .equal else {
                throw scanner.error(
                    "an age is never exact",
                    hint: "compare it with < or >",
                    at: value.offset
                )
            }
            return .duration(duration)
        }
    }

    private func anyLiteral(
        _ value: RawValue,
        for comparison: Comparison
    ) throws(QueryError) -> Literal {
        guard !value.isQuoted else { return .text(value.text) }
        if let number = Number.parse(value.text) { return .number(number) }
        if let moment = Moment(value.text) { return .time(moment) }
        if comparison != .equal, Size.parse(value.text) != nil {
            throw scanner.error(
                "a number with a unit, compared with text",
                hint: "units belong to size; write the number, or quotes around the text",
                at: value.offset
            )
        }
        return .text(value.text)
    }

    private func typeName(_ value: RawValue) throws(QueryError) -> String {
        let name = value.text.lowercased()
        let known = FileKind.typeNames
        if let alias = FileKind.typeAliases[name] { return alias }
        guard !known.contains(name) else { return name }
        if ["directory", "dir", "folder"].contains(name) {
            throw scanner.error("directories are never members of a filter", at: value.offset)
        }
        let meant = Suggestion.nearest(to: name, among: known).map { "did you mean \($0)?" }
        throw scanner.error(
            "unknown type \"\(value.text)\"",
            hint: meant ?? "expected one of " + known.joined(separator: ", "),
            at: value.offset
        )
    }
}
