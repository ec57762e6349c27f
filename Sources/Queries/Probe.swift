/// Where a predicate finds the file it is asked about.
struct Subject {
    /// The file's id, as SQL.
    var id: SQL
    /// The alias of the file's own row, where there is one at hand.
    var row: SQL?

    /// A condition on the file's row, fetched by its id if need be.
    func onRow(_ condition: (SQL) -> SQL) -> SQL {
        if let row { return condition(row) }
        return "EXISTS (SELECT 1 FROM file r WHERE r.id = \(id) AND \(condition("r")))"
    }

    /// Whether the file is one that views may show, and has a name.
    var isMember: SQL {
        """
        \(onRow(Selection.memberCondition)) \
        AND EXISTS (SELECT 1 FROM entry m WHERE m.file = \(id) AND m.parent > 0)
        """
    }
}

/// Predicates about one file, as conditions that SQLite answers with a few steps down an index.
///
/// They depend on nothing but the query and the moment: ids of keys and values are looked up by the
/// statement itself, so a statement stays right as tags come and go.
struct Probe {
    let present: Present

    /// SQLite's parser has room for 100 open pieces: parentheses nested deeper than this become steps.
    private static let deepestNesting = 8

    /// A condition that is 0 or 1, never NULL.
    func condition(_ node: Node, _ file: Subject) -> SQL {
        var steps: [SQL] = []
        let last = condition(node, file, &steps)
        guard !steps.isEmpty else { return last }
        return "(WITH \(steps.joined(by: ", ")) SELECT \(last))"
    }

    /// A condition that may refer to steps, each the answer for one part of the tree.
    private func condition(_ node: Node, _ file: Subject, _ steps: inout [SQL]) -> SQL {
        switch node {
        case .constant(let value): return value ? "1" : "0"
        case .leaf(let leaf, true): return condition(leaf, file)
        case .leaf(let leaf, false): return "NOT \(condition(leaf, file))"
        case .all(let nodes), .any(let nodes):
            var parts: [SQL] = []
            for node in nodes {
                let part = condition(node, file, &steps)
                parts.append(node.depth < Self.deepestNesting ? part : step(part, &steps))
            }
            guard case .all = node else { return "(\(parts.joined(by: " OR ")))" }
            return "(\(parts.joined(by: " AND ")))"
        }
    }

    private func step(_ condition: SQL, _ steps: inout [SQL]) -> SQL {
        let name = SQL(text: "step\(steps.count)", values: [])
        steps.append("\(name)(holds) AS (SELECT \(condition))")
        return "(SELECT holds FROM \(name))"
    }

    private func condition(_ leaf: Leaf, _ file: Subject) -> SQL {
        switch leaf {
        case .everything: "1"
        case .untagged: "NOT EXISTS (SELECT 1 FROM file_tag u WHERE u.file = \(file.id))"
        case .files(let ids): "\(file.id) IN (SELECT value FROM json_each(\(ids.json)))"
        case .predicate(let field, let test): condition(field, test, file)
        }
    }

    private func condition(_ field: Field, _ test: Test, _ file: Subject) -> SQL {
        switch field {
        case .tag(let key): return tag(key, test, file)
        case .attribute(let name):
            let value = ValueColumns(text: "CAST(x.value AS TEXT)")
            return """
                EXISTS (SELECT 1 FROM xattr x WHERE x.file = \(file.id) AND x.name = \(name) \
                AND \(test.condition(value, present)))
                """
        case .name: return onEntry(test, "n.name", file)
        case .stem: return onEntry(test, "gosync_stem(n.name)", file)
        case .ext: return onEntry(test, "n.ext", file)
        case .path: return onEntry(test, Self.path, file)
        case .dir: return onEntry(test, Self.directory, file)
        case .mime: return onEntry(test, "gosync_mime(n.ext)", file)
        case .type: return type(test, file)
        case .backend:
            let name: SQL = "(SELECT b.name FROM backend b WHERE b.id = r.backend)"
            let condition = test.condition(ValueColumns(text: name), present)
            return "EXISTS (SELECT 1 FROM file r WHERE r.id = \(file.id) AND \(condition))"
        case .size: return file.onRow { test.number("\($0).size") }
        case .modified: return file.onRow { test.time("\($0).mtime", present) }
        case .age: return file.onRow { test.age("\($0).mtime", present) }
        case .tagCount:
            let count: SQL = "(SELECT count(*) FROM file_tag c WHERE c.file = \(file.id))"
            return "(\(test.number(count)))"
        }
    }

    private func tag(_ key: String, _ test: Test, _ file: Subject) -> SQL {
        let keyID: SQL = "(SELECT k.id FROM tag_key k WHERE k.name = \(key))"
        switch test {
        case .exists:
            return
                "EXISTS (SELECT 1 FROM file_tag t WHERE t.file = \(file.id) AND t.key = \(keyID))"
        case .compare(.equal, .text(let value)):
            return """
                EXISTS (SELECT 1 FROM file_tag t WHERE t.file = \(file.id) AND t.key = \(keyID) \
                AND t.value = (SELECT v.id FROM tag_value v WHERE v.key = \(keyID) AND v.raw = \(value)))
                """
        default:
            let condition = test.condition(.tagValue("v"), present)
            return """
                EXISTS (SELECT 1 FROM file_tag t CROSS JOIN tag_value v ON v.id = t.value \
                WHERE t.file = \(file.id) AND t.key = \(keyID) AND \(condition))
                """
        }
    }

    /// A test that any of the file's names may pass.
    private func onEntry(_ test: Test, _ text: SQL, _ file: Subject) -> SQL {
        var condition = test.condition(ValueColumns(text: text), present)
        if test == .exists { condition = "\(text) IS NOT NULL" }
        return """
            EXISTS (SELECT 1 FROM entry n WHERE n.file = \(file.id) AND n.parent > 0 AND \(condition))
            """
    }

    private func type(_ test: Test, _ file: Subject) -> SQL {
        let parts = test.typeNames.map { name -> SQL in
            switch name {
            case "file": file.onRow { "(\($0).mode & 61440) = 32768" }
            case "symlink": file.onRow { "(\($0).mode & 61440) = 40960" }
            default:
                """
                EXISTS (SELECT 1 FROM entry n WHERE n.file = \(file.id) AND n.parent > 0 \
                AND gosync_type(n.ext) = \(name))
                """
            }
        }
        return parts.isEmpty ? "0" : "(\(parts.joined(by: " OR ")))"
    }

    static let path = path(of: "n")
    static let directory = directory(of: "n")

    /// The path inside the backend of an entry, found by climbing its directories; NULL where one of
    /// them is gone.
    static func path(of entry: SQL) -> SQL { climb(entry, "'/' || \(entry).name") }

    static func directory(of entry: SQL) -> SQL {
        """
        (SELECT CASE d.path WHEN '' THEN '/' ELSE d.path END FROM \
        (SELECT \(climb(entry, "''")) AS path) d)
        """
    }

    private static func climb(_ entry: SQL, _ start: SQL) -> SQL {
        let root: SQL = "(SELECT b.root FROM backend b WHERE b.id = \(entry).backend)"
        return """
            (WITH RECURSIVE up(directory, path) AS (SELECT \(entry).parent, \(start) UNION ALL \
            SELECT a.parent, '/' || a.name || up.path FROM up CROSS JOIN entry a \
            ON a.file = up.directory WHERE a.parent > 0 AND up.directory <> \(root) LIMIT 1024) \
            SELECT up.path FROM up WHERE up.directory = \(root))
            """
    }
}

/// The names of a file with its paths.
public enum PlaceColumns {
    /// Entry, directory, name, extension, path and directory's path of each name, the oldest first.
    public static func select(file: Int64) -> SQL {
        """
        SELECT n.id, n.parent, n.name, n.ext, \(Probe.path), \(Probe.directory) FROM entry n \
        WHERE n.file = \(file) AND n.parent > 0 ORDER BY n.id
        """
    }
}

/// Tests of numbers and times, as SQL over one column that is never NULL.
extension Test {
    func number(_ column: SQL) -> SQL {
        compared { comparison, literal in
            guard case .number(let number) = literal else { return "0" }
            return "\(column) \(comparison.sql) \(number)"
        }
    }

    func time(_ column: SQL, _ present: Present) -> SQL {
        compared { comparison, literal in
            guard case .time(let moment) = literal else { return "0" }
            return present.interval(moment).condition(comparison, column)
        }
    }

    /// The older, the earlier.
    func age(_ column: SQL, _ present: Present) -> SQL {
        compared { comparison, literal in
            guard case .duration(let duration) = literal else { return "0" }
            let span = present.interval(.ago(duration))
            return switch comparison {
            case .equal: "0"
            case .less: span.condition(.greater, column)
            case .lessOrEqual: span.condition(.greaterOrEqual, column)
            case .greater: span.condition(.less, column)
            case .greaterOrEqual: span.condition(.lessOrEqual, column)
            }
        }
    }

    private func compared(_ compare: (Comparison, Literal) -> SQL) -> SQL {
        switch self {
        case .compare(let comparison, let literal): compare(comparison, literal)
        case .between(let low, let high):
            "(\(compare(.greaterOrEqual, low)) AND \(compare(.lessOrEqual, high)))"
        case .oneOf(let literals):
            "(\(literals.map { compare(.equal, $0) }.joined(by: " OR ")))"
        case .exists: "1"
        default: "0"
        }
    }

    /// The types that pass.
    var typeNames: [String] {
        switch self {
        case .compare(.equal, .text(let name)): [name]
        case .oneOf(let literals):
            literals.compactMap { literal in
                guard case .text(let name) = literal else { return nil }
                return name
            }
        case .folded(let name): [name.caseFolded]
        case .glob(let pattern):
            FileKind.typeNames.filter { Glob.matches(pattern.caseFolded, $0) }
        default: []
        }
    }
}
