/// One SELECT of file ids in ascending order, straight from an index.
struct Arm {
    /// The table with its alias, and the column that holds the file's id.
    ///
    /// The alias is `p`, which no probe uses for its own.
    var table: SQL
    var id: SQL
    /// The alias, where the table is `file` itself.
    var row: SQL?
    var conditions: [SQL] = []

    var subject: Subject { Subject(id: id, row: row) }

    func select(after file: Int64) -> SQL {
        let conditions = ["\(id) > \(file)"] + conditions
        return "SELECT \(id) AS file FROM \(table) WHERE \(conditions.joined(by: " AND "))"
    }

    /// Every file there is, in the order of its table.
    static let universe = Arm(
        table: "file p",
        id: "p.id",
        row: "p",
        conditions: ["(p.mode & 61440) IN (32768, 40960)"]
    )
}

/// Arms whose union is what a query selects, and about how many rows they go through.
struct Posting {
    var arms: [Arm]
    var cost: Int64

    static let nothing = Posting(arms: [], cost: 0)
    /// A union of more arms than this costs more than it saves.
    static let mostArms = 32

    /// The union of two, unless it has too many arms.
    func union(_ other: Posting) -> Posting? {
        guard arms.count + other.arms.count <= Self.mostArms else { return nil }
        return Posting(arms: arms + other.arms, cost: cost + other.cost)
    }
}

/// Finds the postings of single predicates.
struct Postings {
    let catalogue: Catalogue
    let present: Present
    let files: Int64

    /// The posting of a predicate, or `nil` where no index has its files in order, and they are too many to
    /// be sorted: more than `most`.
    func posting(_ leaf: Leaf, sorting most: Int64? = nil) -> Posting? {
        let most = min(most ?? .max, Catalogue.mostSorted)
        if case .files(let ids) = leaf { return files(ids) }
        guard case .predicate(let field, let test) = leaf else { return nil }
        switch field {
        case .tag(let key): return tag(key, test)
        case .attribute(let name):
            let value = ValueColumns(text: "CAST(p.value AS TEXT)")
            let conditions: [SQL] = ["p.name = \(name)", test.condition(value, present)]
            return Posting(
                arms: [Arm(table: "xattr p", id: "p.file", conditions: conditions)],
                cost: counted("xattr WHERE name = \(name)")
            )
        case .name:
            return names(test).flatMap { names in
                entries(names) {
                    "p.name = \($0)"
                } counted: {
                    "entry WHERE name = \($0)"
                }
            }
        case .ext:
            return (names(test) ?? test.foldedText.map { [$0] }).flatMap(extensions)
        case .mime:
            return extensions(FileKind.extensions { test.holds(FileFacts.Value($0.mime), present) })
        case .type:
            let types = test.typeNames
            guard !types.contains("file"), !types.contains("symlink") else { return nil }
            return extensions(FileKind.extensions { types.contains($0.type) })
        case .backend: return names(test).flatMap(backends)
        case .size: return sorted(most, by: "file_size", test.number("p.size"))
        case .modified: return sorted(most, by: "file_mtime", test.time("p.mtime", present))
        case .age: return sorted(most, by: "file_mtime", test.age("p.mtime", present))
        case .path, .dir: return posting(leaf, path: field, test, sorting: most)
        case .stem, .tagCount: return nil
        }
    }

    /// Files by an index that does not have them in the order of their numbers, if they are few enough to
    /// be sorted for each page.
    private func sorted(_ most: Int64, by index: SQL, _ condition: SQL) -> Posting? {
        let source: SQL = "file p INDEXED BY \(index) WHERE \(condition)"
        return sorted(most, "SELECT p.id AS id FROM \(source)", counted: source)
    }

    /// The same for any SELECT of ids.
    func sorted(_ most: Int64, _ select: SQL, counted source: SQL) -> Posting? {
        let count = catalogue.count(source, atMost: most + 1)
        guard count <= most else { return nil }
        return Posting(arms: [Arm(table: "(\(select)) p", id: "p.id")], cost: count)
    }

    /// How many rows there are; beyond the counting limit a quarter of all files stands for "very many".
    private func counted(_ source: SQL) -> Int64 {
        let count = catalogue.count(source)
        return count < Catalogue.countingLimit ? count : max(count, files / 4)
    }

    /// Given files; there are few, and SQLite sorts them.
    private func files(_ ids: FileList) -> Posting {
        let table: SQL = "(SELECT value AS id FROM json_each(\(ids.json))) p"
        return Posting(arms: [Arm(table: table, id: "p.id")], cost: Int64(ids.files.count))
    }

    private func tag(_ key: String, _ test: Test) -> Posting? {
        guard let key = catalogue.key(key) else { return .nothing }
        switch test {
        case .exists: return Posting(arms: [self.key(key.id)], cost: key.files)
        case .compare(.equal, .text(let text)):
            guard let value = catalogue.value(text, key: key.id) else { return .nothing }
            return Posting(arms: [self.value(value.id)], cost: value.files)
        default:
            let condition = test.condition(.tagValue("v"), present)
            let values = catalogue.values(
                key: key.id,
                condition: condition,
                isIndexed: test.foldedPattern == nil
            )
            if let values {
                let cost = values.reduce(0) { $0 + $1.files }
                return Posting(arms: values.map { value($0.id) }, cost: cost)
            }
            var arm = self.key(key.id)
            let passing: SQL = "SELECT 1 FROM tag_value v WHERE v.id = p.value AND \(condition)"
            arm.conditions.append("EXISTS (\(passing))")
            return Posting(arms: [arm], cost: key.files)
        }
    }

    private func key(_ id: Int64) -> Arm {
        Arm(table: "file_tag p", id: "p.file", conditions: ["p.key = \(id)"])
    }

    private func value(_ id: Int64) -> Arm {
        Arm(table: "file_tag p", id: "p.file", conditions: ["p.value = \(id)"])
    }

    /// The texts of which a test wants one, by exact bytes.
    private func names(_ test: Test) -> [String]? {
        switch test {
        case .compare(.equal, .text(let text)): [text]
        case .oneOf(let literals):
            literals.compactMap { literal in
                guard case .text(let text) = literal else { return nil }
                return text
            }
        default: nil
        }
    }

    private func entries(
        _ texts: [String],
        condition: (String) -> SQL,
        counted source: (String) -> SQL
    ) -> Posting? {
        var whole = Posting.nothing
        for text in texts {
            let cost = counted(source(text))
            guard cost > 0 else { continue }
            let conditions: [SQL] = [condition(text), "p.parent > 0"]
            let arm = Arm(table: "entry p", id: "p.file", conditions: conditions)
            guard let union = whole.union(Posting(arms: [arm], cost: cost)) else { return nil }
            whole = union
        }
        return whole
    }

    private func extensions(_ extensions: [String]) -> Posting? {
        entries(extensions) {
            "p.ext = \($0)"
        } counted: {
            "entry WHERE ext = \($0)"
        }
    }

    private func backends(_ names: [String]) -> Posting? {
        var whole = Posting.nothing
        for id in names.compactMap(catalogue.backend) {
            let arm = Arm(
                table: "file p",
                id: "p.id",
                row: "p",
                conditions: ["p.backend = \(id)"] + Arm.universe.conditions
            )
            let cost = counted("file WHERE backend = \(id)")
            guard let union = whole.union(Posting(arms: [arm], cost: cost)) else { return nil }
            whole = union
        }
        return whole
    }
}

extension Test {
    fileprivate var foldedText: String? {
        guard case .folded(let text) = self else { return nil }
        return text.caseFolded
    }
}
