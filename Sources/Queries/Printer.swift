extension Query: CustomStringConvertible {
    /// The query as text that reads back as the same tree.
    public var description: String { Printer.text(self) }
}

/// Writes a tree in the language it was read from.
enum Printer {
    static func text(_ query: Query) -> String {
        switch query {
        case .everything: "*"
        case .untagged: "untagged"
        case .filter(let path): "filter:" + quoted(path)
        case .predicate(let field, let test): predicate(field, test)
        case .not(let inner): "NOT " + nested(inner)
        case .all(let queries): queries.map(nested).joined(separator: " AND ")
        case .any(let queries): queries.map(nested).joined(separator: " OR ")
        }
    }

    private static func nested(_ query: Query) -> String {
        switch query {
        case .all, .any: "(" + text(query) + ")"
        default: text(query)
        }
    }

    private static func predicate(_ field: Field, _ test: Test) -> String {
        let name = field.text
        return switch test {
        case .exists: name + " exists"
        case .compare(let comparison, let literal):
            name + " " + comparison.rawValue + " " + text(literal)
        case .between(let low, let high): name + " BETWEEN " + text(low) + " AND " + text(high)
        case .oneOf(let literals):
            name + " IN (" + literals.map(text).joined(separator: ", ") + ")"
        case .folded(let value): name + ":" + quoted(Glob.escaped(value))
        // A type is one of a few words, and takes no operator of text.
        case .glob(let pattern) where field == .type: name + ":" + quoted(pattern)
        case .glob(let pattern): name + " matches " + quoted(pattern)
        case .like(let pattern): name + " LIKE " + quoted(pattern)
        case .contains(let value): name + " contains " + quoted(value)
        case .startsWith(let value): name + " startswith " + quoted(value)
        case .endsWith(let value): name + " endswith " + quoted(value)
        case .under(let path): name + " under " + quoted(path)
        }
    }

    /// Without an exponent, which sizes don't have.
    private static func decimal(_ number: Double) -> String {
        if number.magnitude < 0x1p53, number == number.rounded() { return "\(Int64(number))" }
        let parts = "\(number)".split(separator: "e")
        guard parts.count == 2, let exponent = Int(parts[1]), exponent.magnitude <= 40 else {
            return "\(number)"
        }
        let sign = number < 0 ? "-" : ""
        let digits = parts[0].filter { $0.isNumber }
        let whole = parts[0].drop { $0 == "-" }.prefix { $0 != "." }.count + exponent
        let padded =
            String(repeating: "0", count: max(0, 1 - whole)) + digits
            + String(repeating: "0", count: max(0, whole - digits.count))
        let point = max(whole, 1)
        guard point < padded.count else { return sign + padded }
        return sign + padded.prefix(point) + "." + padded.dropFirst(point)
    }

    private static func text(_ literal: Literal) -> String {
        switch literal {
        case .number(let number):
            Self.decimal(number)
        case .text(let text): quoted(text)
        case .time(let moment): moment.text
        case .duration(let duration): duration.text
        }
    }

    /// A string with what would end or change it escaped.
    static func quoted(_ text: String) -> String {
        var quoted = String.UnicodeScalarView("'".unicodeScalars)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "'": quoted.append(contentsOf: ["\\", scalar])
            case "\n": quoted.append(contentsOf: ["\\", "n"])
            case "\t": quoted.append(contentsOf: ["\\", "t"])
            case "\r": quoted.append(contentsOf: ["\\", "r"])
            default: quoted.append(scalar)
            }
        }
        quoted.append("'")
        return String(quoted)
    }
}

extension Test {
    /// A pattern, or the text it stands for where it has no wildcards.
    init(glob pattern: String) {
        self = Glob.literal(pattern).map { .folded($0) } ?? .glob(pattern)
    }
}

extension PreparedQuery {
    /// The query as an indented tree, with the filters it refers to filled in.
    public var tree: String { Printer.tree(node, indent: "").joined(separator: "\n") }
}

extension Printer {
    fileprivate static func tree(_ node: Node, indent: String) -> [String] {
        let inner = indent + "  "
        switch node {
        case .constant(let value): return [indent + (value ? "every file" : "no file")]
        case .leaf(let leaf, let isPositive):
            return [indent + (isPositive ? "" : "NOT ") + text(leaf)]
        case .all(let nodes): return [indent + "AND"] + nodes.flatMap { tree($0, indent: inner) }
        case .any(let nodes): return [indent + "OR"] + nodes.flatMap { tree($0, indent: inner) }
        }
    }

    private static func text(_ leaf: Leaf) -> String {
        switch leaf {
        case .everything: "*"
        case .untagged: "untagged"
        case .files(let list): "\(list.files.count) files"
        case .predicate(let field, let test): text(Query.predicate(field, test))
        }
    }
}
