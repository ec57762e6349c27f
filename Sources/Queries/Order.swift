/// `ORDER BY field [ASC|DESC] LIMIT n`: which of the files that a query selects are taken.
public struct Order: Equatable, Sendable {
    /// `nil` orders by the files' numbers, which is the order of their making.
    public var field: Field?
    public var isDescending: Bool
    /// `nil` takes all of them, in this order where an order can be seen.
    public var limit: Int?

    /// The largest limit: what is taken is held in memory while a view is looked at.
    public static let mostLimited = 10_000
}

/// A query as a filter has it: what to select, and how many of it.
public struct FilterQuery: Equatable, Sendable {
    public var query: Query
    public var order: Order?

    public init(_ query: Query, order: Order? = nil) {
        self.query = query
        self.order = order
    }

    /// Reads a query with its `ORDER BY` and `LIMIT`.
    ///
    /// - Throws: as `Query.init(_:)`.
    public init(_ text: String) throws(QueryError) {
        try Query.checkLength(text)
        var parser = Parser(text)
        query = try parser.query()
        order = try parser.order()
        try parser.end()
    }
}

extension FilterQuery: CustomStringConvertible {
    /// The query as text that reads back as the same.
    public var description: String {
        var text = query.description
        if let field = order?.field {
            text += " ORDER BY " + field.text + (order?.isDescending == true ? " DESC" : "")
        }
        if let limit = order?.limit { text += " LIMIT \(limit)" }
        return text
    }
}

extension Parser {
    // [ORDER BY field [ASC|DESC]] [LIMIT n]
    mutating func order() throws(QueryError) -> Order? {
        var order = Order(field: nil, isDescending: false, limit: nil)
        scanner.skipBlanks()
        if scanner.skip(keyword: "order") {
            scanner.skipBlanks()
            guard scanner.skip(keyword: "by") else {
                throw scanner.error("ORDER without BY", hint: "expected ORDER BY and a field")
            }
            scanner.skipBlanks()
            order.field = try field()
            scanner.skipBlanks()
            if scanner.skip(keyword: "desc") {
                order.isDescending = true
            } else {
                _ = scanner.skip(keyword: "asc")
            }
            scanner.skipBlanks()
        }
        if scanner.skip(keyword: "limit") { order.limit = try limit() }
        return order.field == nil && order.limit == nil ? nil : order
    }

    private mutating func limit() throws(QueryError) -> Int {
        scanner.skipBlanks()
        let start = scanner.position
        let digits = scanner.word()
        guard let limit = Int(digits), (1...Order.mostLimited).contains(limit) else {
            throw scanner.error(
                "LIMIT takes a whole number from 1 to \(Order.mostLimited)",
                at: start
            )
        }
        return limit
    }
}

/// How many rows an order looks through, and the SQL for it.
extension Field {
    /// What files are ordered by, as SQL over a row of `file` and the `entry` it is shown under; NULL
    /// comes last.
    func orderTerms(file: SQL, entry: SQL, direction: SQL) -> [SQL] {
        let term: SQL
        switch self {
        case .name: term = "\(entry).name"
        case .stem: term = "gosync_stem(\(entry).name)"
        case .ext: term = "\(entry).ext"
        case .mime: term = "gosync_mime(\(entry).ext)"
        case .type: term = "gosync_type(\(entry).ext)"
        case .path: term = Probe.path(of: entry)
        case .dir: term = Probe.directory(of: entry)
        case .backend: term = "(SELECT b.name FROM backend b WHERE b.id = \(file).backend)"
        case .size: term = "\(file).size"
        case .modified: term = "\(file).mtime"
        // The older, the greater.
        case .age: term = "-\(file).mtime"
        case .tagCount: term = "(SELECT count(*) FROM file_tag c WHERE c.file = \(file).id)"
        case .attribute(let name):
            term =
                "(SELECT CAST(x.value AS TEXT) FROM xattr x WHERE x.file = \(file).id AND x.name = \(name))"
        case .tag(let key):
            // Numbers come before other texts, each in their own order.
            let value: (SQL) -> SQL = { column in
                """
                (SELECT min(\(column)) FROM file_tag t CROSS JOIN tag_value v ON v.id = t.value \
                WHERE t.file = \(file).id AND t.key = (SELECT k.id FROM tag_key k WHERE k.name = \(key)))
                """
            }
            return [
                "\(value("v.num")) \(direction) NULLS LAST",
                "\(value("v.raw")) \(direction) NULLS LAST",
            ]
        }
        return ["\(term) \(direction) NULLS LAST"]
    }
}
