import Queries
import SQLite

/// The functions that compiled queries call: one implementation serves SQL and Swift.
enum QueryFunctions {
    static let all = [
        text("gosync_fold") { .text($0.caseFolded) },
        text("gosync_number") { .optional(ValueReading($0).number) },
        text("gosync_time") { .optional(ValueReading($0).time) },
        text("gosync_stem") { .text(FileName.stem($0)) },
        text("gosync_mime") { .optional(FileKind(ext: $0)?.mime) },
        text("gosync_type") { .optional(FileKind(ext: $0)?.type) },
        Function("gosync_glob", argumentCount: 2) { arguments in
            guard let pattern = arguments.text(0), let text = arguments.text(1) else {
                return .null
            }
            return .integer(Glob.matches(pattern, text) ? 1 : 0)
        },
    ]

    /// A function of one text, NULL of NULL.
    private static func text(
        _ name: String,
        _ body: @escaping @Sendable (String) -> Value
    ) -> Function {
        Function(name, argumentCount: 1) { arguments in arguments.text(0).map(body) ?? .null }
    }
}

extension SQL.Value {
    var argument: Value {
        switch self {
        case .integer(let integer): .integer(integer)
        case .real(let real): .real(real)
        case .text(let text): .text(text)
        }
    }
}

extension Connection {
    func each(query sql: SQL, body: (borrowing Row) -> Bool) {
        each(composed: sql.text, sql.values.map(\.argument), body: body)
    }
}
