/// The spellings of one value that a test may look at, as SQL expressions.
struct ValueColumns {
    /// The text as it is, compared by bytes.
    var raw: SQL
    var folded: SQL
    /// NULL where the text is no number.
    var number: SQL
    /// NULL where the text is no date.
    var time: SQL

    init(text: SQL) {
        raw = text
        folded = "gosync_fold(\(text))"
        number = "gosync_number(\(text))"
        time = "gosync_time(\(text))"
    }

    init(raw: SQL, folded: SQL, number: SQL, time: SQL) {
        self.raw = raw
        self.folded = folded
        self.number = number
        self.time = time
    }

    /// The columns of a row of `tag_value`.
    static func tagValue(_ row: SQL) -> ValueColumns {
        ValueColumns(
            raw: "\(row).raw",
            folded: "\(row).folded",
            number: "\(row).num",
            time: "\(row).time"
        )
    }
}

extension Test {
    /// Whether a value passes, as SQL.
    ///
    /// NULL counts as no, and `exists` is always passed.
    func condition(_ columns: ValueColumns, _ present: Present) -> SQL {
        switch self {
        case .exists: "1"
        case .compare(let comparison, let literal):
            Self.compare(comparison, literal, columns, present)
        case .between(let low, let high):
            """
            (\(Self.compare(.greaterOrEqual, low, columns, present)) \
            AND \(Self.compare(.lessOrEqual, high, columns, present)))
            """
        case .oneOf(let literals): Self.oneOf(literals, columns, present)
        case .folded(let text): "\(columns.folded) = \(text.caseFolded)"
        case .under(let path): Self.under(path, columns.raw)
        case .glob, .like, .contains, .startsWith, .endsWith:
            "gosync_glob(\(foldedPattern ?? ""), \(columns.folded))"
        }
    }

    /// The tests that look for parts of a text, as one kind of pattern, in folded case.
    var foldedPattern: String? {
        switch self {
        case .glob(let pattern): pattern.caseFolded
        case .like(let pattern): Glob.pattern(like: pattern).caseFolded
        case .contains(let text): "*" + Glob.escaped(text.caseFolded) + "*"
        case .startsWith(let text): Glob.escaped(text.caseFolded) + "*"
        case .endsWith(let text): "*" + Glob.escaped(text.caseFolded)
        default: nil
        }
    }

    private static func compare(
        _ comparison: Comparison,
        _ literal: Literal,
        _ columns: ValueColumns,
        _ present: Present
    ) -> SQL {
        switch literal {
        case .number(let number): "\(columns.number) \(comparison.sql) \(number)"
        case .text(let text): "\(columns.raw) \(comparison.sql) \(text)"
        case .time(let moment):
            present.floatingInterval(moment).condition(comparison, columns.time)
        // No text is a duration; the parser lets none through.
        case .duration: "0"
        }
    }

    private static func oneOf(
        _ literals: [Literal],
        _ columns: ValueColumns,
        _ present: Present
    ) -> SQL {
        let parts = literals.map { compare(.equal, $0, columns, present) }
        return "(\(parts.joined(by: " OR ")))"
    }

    /// Below `/` is everything.
    private static func under(_ path: String, _ raw: SQL) -> SQL {
        let prefix = path.utf8.elementsEqual("/".utf8) ? "/" : path + "/"
        return "substr(\(raw), 1, \(Int64(prefix.unicodeScalars.count))) = \(prefix)"
    }
}

extension Comparison {
    var sql: SQL {
        switch self {
        case .equal: "="
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        }
    }
}

extension Interval {
    /// A moment is equal to a span when it is inside, and greater when it is behind the end.
    func condition(_ comparison: Comparison, _ moment: SQL) -> SQL {
        switch comparison {
        case .equal: "(\(moment) >= \(start) AND \(moment) < \(end))"
        case .less: "\(moment) < \(start)"
        case .lessOrEqual: "\(moment) < \(end)"
        case .greater: "\(moment) >= \(end)"
        case .greaterOrEqual: "\(moment) >= \(start)"
        }
    }
}
