/// A query as set algebra over postings: SQL for a page of the files it selects.
///
/// One chain of SELECTs, each sorted by file id as its index has it, so SQLite merges them as it goes:
/// the first row comes at once, however many there are. It holds for the state of the database that it
/// was compiled in: compile and run it within one transaction.
public struct Selection {
    fileprivate var chain: Chain
    /// About how many rows the chain goes through.
    public let cost: Int64

    /// The selected files with a higher id than `file`, in ascending order, as the column `file`.
    ///
    /// Some may be no members of any view (directories, files without a name); the caller joins `file`
    /// and tests them with `memberCondition`. For use as a subquery in FROM, followed by CROSS JOINs.
    public func sql(after file: Int64) -> SQL {
        let first = chain.arms[0].1.select(after: file)
        // Without an operator to merge by, SQLite would give a file once for each of its values.
        var whole = chain.arms.count == 1 ? first.distinct : first
        for (operation, arm) in chain.arms.dropFirst() {
            whole = "\(whole) \(operation.sql) \(arm.select(after: file))"
        }
        // LIMIT -1 keeps SQLite from dropping the order, and then sorting.
        return "\(whole) ORDER BY 1 LIMIT -1"
    }

    /// Whether the file in a row of `file` is one that views show, apart from having a name: a regular
    /// file or a link, on a backend that is there.
    public static func memberCondition(row: SQL) -> SQL {
        """
        (\(row).mode & 61440) IN (32768, 40960) AND \(row).backend IN \
        (SELECT b.id FROM backend b CROSS JOIN entry e ON e.file = b.root WHERE e.parent > 0)
        """
    }
}

extension SQL {
    fileprivate var distinct: SQL {
        "SELECT DISTINCT \(SQL(text: String(text.dropFirst("SELECT ".count)), values: values))"
    }
}

/// A whole query made ready: parsed, with other filters filled in, for one moment.
public struct PreparedQuery: Sendable {
    let node: Node
    var present: Present
    /// What is taken of the selected files; `condition`, `holds` and `selection` don't look at it.
    public private(set) var order: Order?
    /// Whether it was made out of other filters too.
    public let refersToOthers: Bool

    /// Fills in the filters a query refers to.
    ///
    /// - Throws: where one does not exist, can't be read, or refers back in a circle.
    public init(_ query: FilterQuery, present: Present, filter: @escaping (String) -> String?)
        throws(QueryError)
    {
        var expansion = Expansion(query.query, filter: filter)
        node = try expansion.node()
        refersToOthers = expansion.hasExpanded
        order = query.order
        self.present = present
    }

    private init(node: Node, present: Present) {
        self.node = node
        self.present = present
        refersToOthers = false
    }

    /// The query that selects these files and no others.
    public func taking(_ files: [Int64]) -> PreparedQuery {
        PreparedQuery(node: .leaf(.files(FileList(files)), true), present: present)
    }

    /// The files that `LIMIT` takes, in no useful order; `nil` where there is no limit.
    ///
    /// The newest of very many are found by the index of times, and others by sorting.
    public func taken(_ catalogue: Catalogue) -> SQL? {
        guard let order, let limit = order.limit else { return nil }
        let direction: SQL = order.isDescending ? "DESC" : "ASC"
        let terms = order.field?.orderTerms(file: "f", entry: "e", direction: direction) ?? []
        let chosen = (terms + ["f.id \(direction)"]).joined(by: ", ")
        let entry: SQL = "(SELECT min(m.id) FROM entry m WHERE m.file = f.id AND m.parent > 0)"
        let selection = selection(catalogue)
        let files = catalogue.files()
        // By the index, `limit` hits take so many rows if the selected are spread evenly.
        let rowsByIndex = Int64(limit) * files / max(selection.cost, 1)
        if order.field == .modified, rowsByIndex < selection.cost {
            return """
                SELECT f.id FROM file f INDEXED BY file_mtime WHERE \(condition(file: "f.id")) \
                ORDER BY f.mtime \(direction), f.id \(direction) LIMIT \(Int64(limit))
                """
        }
        return """
            SELECT f.id FROM (\(selection.sql(after: 0))) d CROSS JOIN file f ON f.id = d.file \
            CROSS JOIN entry e ON e.id = \(entry) WHERE \(Selection.memberCondition(row: "f")) \
            ORDER BY \(chosen) LIMIT \(Int64(limit))
            """
    }

    /// The same query, of files with one name only.
    public func named(_ name: String) -> PreparedQuery { requiring(.name, name) }

    /// The same query, of files on one backend only.
    public func onBackend(_ name: String) -> PreparedQuery { requiring(.backend, name) }

    private func requiring(_ field: Field, _ text: String) -> PreparedQuery {
        let required = Node.leaf(.predicate(field, .compare(.equal, .text(text))), true)
        return PreparedQuery(node: .all(flattening: [required, node]), present: present)
    }

    /// Whether one file, whose id is given as SQL, is selected and a member of views.
    ///
    /// The condition needs no catalogue and stays right as the database changes.
    public func condition(file: SQL) -> SQL {
        let subject = Subject(id: file)
        return "\(subject.isMember) AND \(Probe(present: present).condition(node, subject))"
    }

    /// The files it selects, by the plan that is best for what is in the database now.
    public func selection(_ catalogue: Catalogue) -> Selection {
        let files = max(catalogue.files(), 1)
        let postings = Postings(catalogue: catalogue, present: present, files: files)
        let compiler = Compiler(postings: postings, probe: Probe(present: present), files: files)
        let chain = compiler.chain(node)
        return Selection(chain: chain, cost: chain.cost)
    }

    /// What may be a mistake but isn't an error, such as a tag that no file has.
    public func warnings(_ catalogue: Catalogue) -> [String] { node.warnings(catalogue) }
}

/// SELECTs with the operators before them; evaluated from the left, as SQLite does.
struct Chain {
    enum Operation { case union, intersect, except }

    var arms: [(Operation, Arm)]
    var cost: Int64
}

extension Chain.Operation {
    fileprivate var sql: SQL {
        switch self {
        case .union: "UNION"
        case .intersect: "INTERSECT"
        case .except: "EXCEPT"
        }
    }
}

struct Compiler {
    let postings: Postings
    let probe: Probe
    let files: Int64

    /// Above this, asking of every row is cheaper than merging with all of a child's.
    private static let mergeRatio: Int64 = 6
    /// A statement of a megabyte is more than SQLite takes; this many predicates stay well below.
    private static let mostRepeated = 1024
    /// No more than this many sets are merged with the first one.
    private static let mostMerged = 16

    func chain(_ node: Node) -> Chain {
        switch node {
        case .all(let nodes): return conjunction(nodes)
        case .leaf(_, false): return conjunction([node])
        default:
            guard let union = posting(node) else { return conjunction([node]) }
            return chain(union)
        }
    }

    /// The smallest posting first; what is not much larger is merged with it, the rest is asked per row.
    private func conjunction(_ nodes: [Node]) -> Chain {
        var rest = postings(of: nodes)
        let smallest = rest.indices
            .filter { !rest[$0].node.isComplement && canDrive(rest[$0].posting, nodes) }
            .min { (rest[$0].posting?.cost ?? 0) < (rest[$1].posting?.cost ?? 0) }
        var driver = Posting(arms: [.universe], cost: files)
        if let smallest, let posting = rest[smallest].posting {
            driver = posting
            rest.remove(at: smallest)
        }
        var merged: [(Chain.Operation, Arm)] = []
        for (node, posting) in rest.sorted(by: { ($0.posting?.cost ?? 0) < ($1.posting?.cost ?? 0) }
        ) {
            if let posting, posting.cost / Self.mergeRatio <= driver.cost,
                merged.count + posting.arms.count <= Self.mostMerged,
                node.isComplement || posting.arms.count == 1
            {
                let operation: Chain.Operation = node.isComplement ? .except : .intersect
                merged += posting.arms.map { (operation, $0) }
            } else {
                driver.require(node, probe)
            }
        }
        var whole = chain(driver)
        whole.arms += merged
        return whole
    }

    /// The posting of each node, or of what a complement leaves out.
    ///
    /// To sort files is worth while only where they are fewer than those of any other posting, and only
    /// so far they are counted.
    private func postings(of nodes: [Node]) -> [(node: Node, posting: Posting?)] {
        var found = nodes.map { (node: $0, posting: $0.isSorted ? nil : positive($0)) }
        let least = found.filter { !$0.node.isComplement }.compactMap(\.posting?.cost).min()
        for index in nodes.indices where nodes[index].isSorted {
            found[index].posting = positive(nodes[index], sorting: least)
        }
        return found
    }

    /// Whether to ask the other predicates of every row of a posting: they are repeated for each arm.
    private func canDrive(_ posting: Posting?, _ nodes: [Node]) -> Bool {
        guard let posting else { return false }
        let predicates = nodes.reduce(0) { $0 + $1.leafCount }
        return posting.arms.count * predicates <= Self.mostRepeated
    }

    private func chain(_ posting: Posting) -> Chain {
        var arms = posting.arms
        if arms.isEmpty {
            var nothing = Arm.universe
            nothing.conditions = ["0"]
            arms = [nothing]
        }
        return Chain(arms: arms.map { (.union, $0) }, cost: posting.cost)
    }

    /// The posting of a node, or of what a complement leaves out; no more than `most` files are sorted
    /// for it.
    private func positive(_ node: Node, sorting most: Int64? = nil) -> Posting? {
        guard case .leaf(let leaf, _) = node else { return posting(node) }
        return postings.posting(leaf, sorting: most)
    }

    /// The postings whose union a node is, or `nil` where all files have to be gone through.
    private func posting(_ node: Node) -> Posting? {
        switch node {
        case .constant(false): return .nothing
        case .constant(true), .leaf(_, false): return nil
        case .leaf(let leaf, true): return postings.posting(leaf)
        case .any(let nodes):
            var whole = Posting.nothing
            for node in nodes {
                guard let part = posting(node), let union = whole.union(part) else { return nil }
                whole = union
            }
            return whole
        case .all(let nodes):
            let candidates = postings(of: nodes).enumerated().compactMap { index, found in
                found.node.isComplement ? nil : found.posting.map { (index: index, posting: $0) }
            }
            .filter { canDrive($0.posting, nodes) }
            guard let best = candidates.min(by: { $0.posting.cost < $1.posting.cost }) else {
                return nil
            }
            var smallest = best.posting
            for (index, node) in nodes.enumerated() where index != best.index {
                smallest.require(node, probe)
            }
            return smallest
        }
    }
}

extension Posting {
    /// Keeps only the files of which a node holds.
    fileprivate mutating func require(_ node: Node, _ probe: Probe) {
        for index in arms.indices {
            arms[index].conditions.append(probe.condition(node, arms[index].subject))
        }
    }
}

extension Node {
    fileprivate var isComplement: Bool {
        guard case .leaf(_, false) = self else { return false }
        return true
    }

    /// Whether no index has its files in the order of their numbers.
    fileprivate var isSorted: Bool {
        guard case .leaf(.predicate(let field, _), _) = self else { return false }
        switch field {
        case .size, .modified, .age, .path, .dir: return true
        default: return false
        }
    }

    /// Tags and backends that a query names, and nothing has.
    fileprivate func warnings(_ catalogue: Catalogue) -> [String] {
        var warnings: [String] = []
        func visit(_ node: Node) {
            switch node {
            case .constant: break
            case .all(let nodes), .any(let nodes): nodes.forEach(visit)
            case .leaf(.predicate(.tag(let key), _), _) where catalogue.key(key) == nil:
                warnings.append("no file has the tag \"\(key)\"")
            case .leaf(.predicate(.backend, .compare(.equal, .text(let name))), _)
            where catalogue.backend(name) == nil:
                warnings.append("there is no backend \"\(name)\"")
            case .leaf: break
            }
        }
        visit(self)
        return warnings.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
