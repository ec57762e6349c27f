/// What a query may ask of one file, taken out of the database: for deciding about it without SQL.
public struct FileFacts: Equatable, Sendable {
    /// A value of a tag, or another text, with what it is worth to comparisons.
    public struct Value: Equatable, Sendable {
        public let raw: String
        private let known: ValueReading?

        /// - Parameter known: how the text was read before; worked out when asked for if `nil`.
        public init(_ raw: String, known: ValueReading? = nil) {
            self.raw = raw
            self.known = known
        }

        var folded: String { known?.folded ?? raw.caseFolded }
        var number: Double? { (known ?? ValueReading(raw)).number }
        var time: Int64? { (known ?? ValueReading(raw)).time }

        public static func == (one: Value, other: Value) -> Bool {
            one.raw.utf8.elementsEqual(other.raw.utf8)
        }
    }

    public struct Tag: Equatable, Sendable {
        public let key: String
        public let value: Value

        public init(_ key: String, _ value: Value) {
            self.key = key
            self.value = value
        }
    }

    /// One of the file's names.
    public struct Place: Equatable, Sendable {
        /// The entry and its directory.
        public let entry: Int64
        public let parent: Int64
        public let name: String
        public let ext: String?
        /// Inside the backend; `nil` where it was not asked for or can't be reached.
        public let path: String?
        public let directory: String?

        public init(
            entry: Int64,
            parent: Int64,
            name: String,
            ext: String?,
            path: String?,
            directory: String?
        ) {
            self.entry = entry
            self.parent = parent
            self.name = name
            self.ext = ext
            self.path = path
            self.directory = directory
        }
    }

    public var id: Int64 = 0
    /// Whether views may show it, apart from having a name.
    public var isMember = false
    public var isLink = false
    public var backend = ""
    public var size: Int64 = 0
    /// Nanoseconds since 1970.
    public var modified: Int64 = 0
    /// The attached names, the oldest first.
    public var places: [Place] = []
    public var tags: [Tag] = []
    public var attributes: [String: Value] = [:]

    public init() {}
}

extension PreparedQuery {
    /// The same query at another moment.
    public func at(_ present: Present) -> PreparedQuery {
        var moved = self
        moved.present = present
        return moved
    }

    /// Whether a file is selected and a member of views: what `condition(file:)` asks of the database.
    public func holds(_ file: FileFacts) -> Bool {
        file.isMember && !file.places.isEmpty && Matcher(file: file, present: present).holds(node)
    }
}

/// Reads a query over the facts of one file.
struct Matcher {
    let file: FileFacts
    let present: Present

    func holds(_ node: Node) -> Bool {
        switch node {
        case .constant(let value): value
        case .leaf(let leaf, let isPositive): holds(leaf) == isPositive
        case .all(let nodes): nodes.allSatisfy(holds)
        case .any(let nodes): nodes.contains(where: holds)
        }
    }

    private func holds(_ leaf: Leaf) -> Bool {
        switch leaf {
        case .everything: true
        case .untagged: file.tags.isEmpty
        case .files(let list): list.files.contains(file.id)
        case .predicate(let field, let test): holds(field, test)
        }
    }

    private func holds(_ field: Field, _ test: Test) -> Bool {
        switch field {
        case .tag(let key):
            file.tags.contains {
                $0.key.utf8.elementsEqual(key.utf8) && test.holds($0.value, present)
            }
        case .attribute(let name): file.attributes[name].map { test.holds($0, present) } ?? false
        case .size: test.holds(number: Double(file.size))
        case .tagCount: test.holds(number: Double(file.tags.count))
        case .modified: test.holds(time: file.modified, present)
        case .age: test.holds(ageOf: file.modified, present)
        case .type: test.typeNames.contains { types.contains($0) }
        default: texts(field).contains { test.holds(FileFacts.Value($0), present) }
        }
    }

    private func texts(_ field: Field) -> [String] {
        switch field {
        case .name: file.places.map(\.name)
        case .stem: file.places.map { FileName.stem($0.name) }
        case .ext: file.places.compactMap(\.ext)
        case .path: file.places.compactMap(\.path)
        case .dir: file.places.compactMap(\.directory)
        case .backend: [file.backend]
        case .mime: file.places.compactMap { $0.ext.flatMap { FileKind(ext: $0)?.mime } }
        default: []
        }
    }

    private var types: [String] {
        [file.isLink ? "symlink" : "file"]
            + file.places.compactMap { $0.ext.flatMap { FileKind(ext: $0)?.type } }
    }
}

/// Tests of single values; `Condition` and `Probe` say the same in SQL.
extension Test {
    func holds(_ value: FileFacts.Value, _ present: Present) -> Bool {
        if let foldedPattern { return Glob.matches(foldedPattern, value.folded) }
        switch self {
        case .exists: return true
        case .folded(let text): return value.folded.utf8.elementsEqual(text.caseFolded.utf8)
        case .under(let path):
            let prefix = path.utf8.elementsEqual("/".utf8) ? "/" : path + "/"
            return value.raw.utf8.starts(with: prefix.utf8)
        default: break
        }
        return compared { comparison, literal in
            switch literal {
            case .text(let text):
                comparison.holds(
                    isLess: value.raw.utf8.lexicographicallyPrecedes(text.utf8),
                    isEqual: value.raw.utf8.elementsEqual(text.utf8)
                )
            case .number(let number):
                value.number.map { comparison.holds(isLess: $0 < number, isEqual: $0 == number) }
                    ?? false
            case .time(let moment):
                value.time.map { present.floatingInterval(moment).holds(comparison, $0) } ?? false
            case .duration: false
            }
        }
    }

    func holds(number: Double) -> Bool {
        if self == .exists { return true }
        return compared { comparison, literal in
            guard case .number(let wanted) = literal else { return false }
            return comparison.holds(isLess: number < wanted, isEqual: number == wanted)
        }
    }

    func holds(time: Int64, _ present: Present) -> Bool {
        if self == .exists { return true }
        return compared { comparison, literal in
            guard case .time(let moment) = literal else { return false }
            return present.interval(moment).holds(comparison, time)
        }
    }

    func holds(ageOf time: Int64, _ present: Present) -> Bool {
        if self == .exists { return true }
        return compared { comparison, literal in
            guard case .duration(let duration) = literal else { return false }
            let limit = present.interval(.ago(duration)).start
            switch comparison {
            case .equal: return false
            case .less: return time > limit
            case .lessOrEqual: return time >= limit
            case .greater: return time < limit
            case .greaterOrEqual: return time <= limit
            }
        }
    }

    private func compared(_ holds: (Comparison, Literal) -> Bool) -> Bool {
        switch self {
        case .compare(let comparison, let literal): holds(comparison, literal)
        case .between(let low, let high):
            holds(.greaterOrEqual, low) && holds(.lessOrEqual, high)
        case .oneOf(let literals): literals.contains { holds(.equal, $0) }
        default: false
        }
    }
}

extension Moment {
    /// As long before now as a duration says.
    static func ago(_ duration: Duration) -> Moment {
        .relative(.now, Duration(-duration.count, duration.unit))
    }
}

extension Comparison {
    func holds(isLess: Bool, isEqual: Bool) -> Bool {
        switch self {
        case .equal: isEqual
        case .less: isLess
        case .lessOrEqual: isLess || isEqual
        case .greater: !isLess && !isEqual
        case .greaterOrEqual: !isLess
        }
    }
}

extension Interval {
    fileprivate func holds(_ comparison: Comparison, _ moment: Int64) -> Bool {
        comparison.holds(isLess: moment < start, isEqual: moment >= start && moment < end)
    }
}
