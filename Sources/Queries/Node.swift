/// A query made ready for the compiler: filters filled in, NOT pushed down to the leaves, nesting of
/// one kind flattened.
indirect enum Node: Equatable {
    case constant(Bool)
    /// A leaf, or its complement where `false`.
    case leaf(Leaf, Bool)
    case all([Node])
    case any([Node])

    var depth: Int {
        switch self {
        case .constant, .leaf: 0
        case .all(let nodes), .any(let nodes): 1 + (nodes.map(\.depth).max() ?? 0)
        }
    }

    var leafCount: Int {
        switch self {
        case .constant, .leaf: 1
        case .all(let nodes), .any(let nodes): nodes.reduce(0) { $0 + $1.leafCount }
        }
    }

    static func all(flattening nodes: [Node]) -> Node {
        var parts: [Node] = []
        for node in nodes {
            switch node {
            case .constant(true), .leaf(.everything, true): continue
            case .constant(false), .leaf(.everything, false): return .constant(false)
            case .all(let inner): parts += inner
            default: parts.append(node)
            }
        }
        if parts.isEmpty { return .leaf(.everything, true) }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    static func any(flattening nodes: [Node]) -> Node {
        var parts: [Node] = []
        for node in nodes {
            switch node {
            case .constant(false), .leaf(.everything, false): continue
            case .constant(true), .leaf(.everything, true): return .leaf(.everything, true)
            case .any(let inner): parts += inner
            default: parts.append(node)
            }
        }
        if parts.isEmpty { return .constant(false) }
        return parts.count == 1 ? parts[0] : .any(parts)
    }
}

/// What can't be taken apart.
enum Leaf: Equatable {
    case everything
    case untagged
    case predicate(Field, Test)
    /// These files and no others: what `LIMIT` has taken.
    case files(FileList)
}

/// Files by their numbers, for use in SQL.
struct FileList: Equatable {
    let files: [Int64]
    let json: String

    init(_ files: [Int64]) {
        self.files = files
        json = "[" + files.map(String.init).joined(separator: ",") + "]"
    }
}

/// Turns a query into a `Node`.
struct Expansion {
    private let query: Query
    /// The text of another filter, or `nil` if there is none.
    private let filter: (String) -> String?
    private var open: [String] = []
    private var predicates = 0
    /// Whether the query speaks of other filters.
    private(set) var hasExpanded = false

    /// How many predicates a query may have together with the filters it refers to; SQLite takes no
    /// expression of 1,000 levels, and each predicate of an OR is one.
    static let mostPredicates = 512
    /// How many filters may refer to one another in a row.
    static let mostOpen = 16

    init(_ query: Query, filter: @escaping (String) -> String?) {
        self.query = query
        self.filter = filter
    }

    mutating func node() throws(QueryError) -> Node {
        let node = try node(query, true)
        guard node.depth <= Query.deepest else {
            throw failure("more than \(Query.deepest) levels with all filters filled in")
        }
        return node
    }

    private mutating func node(_ query: Query, _ isPositive: Bool) throws(QueryError) -> Node {
        switch query {
        case .everything: return try leaf(.everything, isPositive)
        case .untagged: return try leaf(.untagged, isPositive)
        case .predicate(let field, let test): return try leaf(.predicate(field, test), isPositive)
        case .not(let inner): return try node(inner, !isPositive)
        case .filter(let path): return try expand(path, isPositive)
        case .all(let queries):
            let nodes = try nodes(queries, isPositive)
            return isPositive ? .all(flattening: nodes) : .any(flattening: nodes)
        case .any(let queries):
            let nodes = try nodes(queries, isPositive)
            return isPositive ? .any(flattening: nodes) : .all(flattening: nodes)
        }
    }

    private mutating func nodes(
        _ queries: [Query],
        _ isPositive: Bool
    ) throws(QueryError) -> [Node] {
        var nodes: [Node] = []
        for query in queries { nodes.append(try node(query, isPositive)) }
        return nodes
    }

    private mutating func leaf(_ leaf: Leaf, _ isPositive: Bool) throws(QueryError) -> Node {
        predicates += 1
        guard predicates <= Self.mostPredicates else {
            throw failure("more than \(Self.mostPredicates) predicates with all filters filled in")
        }
        return .leaf(leaf, isPositive)
    }

    private mutating func expand(_ path: String, _ isPositive: Bool) throws(QueryError) -> Node {
        if open.contains(where: { $0.utf8.elementsEqual(path.utf8) }) {
            let circle = (open + [path]).joined(separator: " → ")
            throw failure("filters refer to one another in a circle: \(circle)")
        }
        guard open.count < Self.mostOpen else {
            throw failure("more than \(Self.mostOpen) filters refer to one another in a row")
        }
        guard let text = filter(path) else { throw failure("there is no filter \"\(path)\"") }
        hasExpanded = true
        open.append(path)
        defer { open.removeLast() }
        let whole = try FilterQuery(text)
        guard whole.order?.limit == nil else {
            throw failure("filter \"\(path)\" has a LIMIT, and can't be part of another")
        }
        return try node(whole.query, isPositive)
    }

    private func failure(_ message: String) -> QueryError {
        let text = open.last.flatMap(filter) ?? query.description
        return QueryError(message, query: text, offset: 0)
    }
}
