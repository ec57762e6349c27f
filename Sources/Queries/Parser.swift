extension Query {
    /// Reads a query.
    ///
    /// - Throws: a `QueryError` that says what is wrong and where; also beyond `longestBytes`, `deepest`
    ///   and `mostPredicates`.
    public init(_ text: String) throws(QueryError) {
        try Self.checkLength(text)
        var parser = Parser(text)
        self = try parser.query()
        try parser.end()
    }

    static func checkLength(_ text: String) throws(QueryError) {
        guard text.utf8.count <= longestBytes else {
            throw QueryError(
                "the query is longer than \(longestBytes) bytes",
                query: text,
                offset: longestBytes
            )
        }
    }
}

/// Reads the grammar by recursive descent: OR, AND, NOT, then what can't be taken apart.
struct Parser {
    var scanner: Scanner
    private var depth = 0
    private var predicates = 0

    init(_ text: String) { scanner = Scanner(text) }

    mutating func query() throws(QueryError) -> Query {
        scanner.skipBlanks()
        if scanner.isAtEnd {
            throw scanner.error(
                "the query is empty",
                hint: "expected a predicate, such as tag:colour=red"
            )
        }
        return try disjunction()
    }

    /// Refuses what is left over.
    mutating func end() throws(QueryError) {
        scanner.skipBlanks()
        if scanner.peek == UInt8(ascii: ")") {
            throw scanner.error("this parenthesis was never opened")
        }
        if !scanner.isAtEnd { throw strayPiece() }
    }

    // and {(OR | "||") and}
    private mutating func disjunction() throws(QueryError) -> Query {
        let first = try conjunction()
        var queries = [first.query]
        var gap = first.gap
        while isAtOr() {
            if !scanner.skip("||") { _ = scanner.skip(keyword: "or") }
            let next = try conjunction()
            queries.append(next.query)
            gap = gap ?? next.gap
        }
        if let gap, queries.count > 1 {
            throw scanner.error(
                "AND without the word, next to OR",
                hint: "write AND here, or put parentheses around what belongs together",
                at: gap
            )
        }
        return queries.count == 1 ? queries[0] : .any(queries)
    }

    // unary {[AND | "&&"] unary}, and where the first AND was left out.
    private mutating func conjunction() throws(QueryError) -> (query: Query, gap: Int?) {
        var queries = [try negation()]
        var gap: Int?
        while true {
            scanner.skipBlanks()
            if scanner.isAtEnd || scanner.peek == UInt8(ascii: ")") || isAtOr() || isAtOrdering() {
                break
            }
            if !scanner.skip("&&"), !scanner.skip(keyword: "and") {
                guard isAtOperand() else { throw strayPiece() }
                gap = gap ?? scanner.position
            }
            queries.append(try negation())
        }
        return (queries.count == 1 ? queries[0] : .all(queries), gap)
    }

    // (NOT | "!" | "-") unary | primary
    private mutating func negation() throws(QueryError) -> Query {
        scanner.skipBlanks()
        let start = scanner.position
        guard scanner.skip("!") || scanner.skip("-") || scanner.skip(keyword: "not") else {
            return try primary()
        }
        try descend(from: start)
        defer { depth -= 1 }
        return .not(try negation())
    }

    private mutating func primary() throws(QueryError) -> Query {
        let start = scanner.position
        if scanner.skip("(") {
            try descend(from: start)
            defer { depth -= 1 }
            let query = try disjunction()
            scanner.skipBlanks()
            guard scanner.skip(")") else {
                if !scanner.isAtEnd { throw strayPiece() }
                throw scanner.error("a parenthesis is not closed", hint: "it opens here", at: start)
            }
            return query
        }
        if scanner.skip("*") {
            try count(1, from: start)
            return .everything
        }
        return try predicate()
    }

    private mutating func descend(from start: Int) throws(QueryError) {
        depth += 1
        guard depth <= Query.deepest else {
            throw scanner.error(
                "more than \(Query.deepest) parentheses and NOTs in one another",
                at: start
            )
        }
    }

    mutating func count(_ predicates: Int, from start: Int) throws(QueryError) {
        self.predicates += predicates
        guard self.predicates <= Query.mostPredicates else {
            throw scanner.error(
                "more than \(Query.mostPredicates) predicates and values",
                at: start
            )
        }
    }

    private mutating func isAtOr() -> Bool {
        scanner.skipBlanks()
        return scanner.startsWith("||") || scanner.peekedWord() == "or"
    }

    /// Whether a predicate, a parenthesis or a negation may begin here.
    private func isAtOperand() -> Bool {
        guard let byte = scanner.peek else { return false }
        return "(!-*'\"".utf8.contains(byte) || !scanner.peekedWord().isEmpty
    }

    private func isAtOrdering() -> Bool {
        var ahead = scanner
        switch ahead.word() {
        case "order":
            ahead.skipBlanks()
            return ahead.peekedWord() == "by"
        case "limit":
            ahead.skipBlanks()
            return ahead.peek.map { $0 >= 0x30 && $0 <= 0x39 } ?? false
        default: return false
        }
    }

    private func strayPiece() -> QueryError {
        if isAtOrdering() {
            return scanner.error(
                "ORDER BY and LIMIT can't stand here",
                hint: "they end a filter's query, outside of parentheses, ORDER BY first"
            )
        }
        return scanner.error(
            "this can't stand here",
            hint: "expected AND, OR or the end of the query"
        )
    }
}
