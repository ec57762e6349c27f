/// What about a file can change whether a query selects it.
///
/// Where in doubt it says more than need be: keys are compared as `String`, so two spellings of one
/// character are one key here.
public struct Dependencies: Equatable, Sendable {
    public struct TagValue: Hashable, Sendable {
        public let key: String
        public let value: String

        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }

        // By bytes: a value that is spelled anew is another.
        public static func == (one: TagValue, other: TagValue) -> Bool {
            one.key.utf8.elementsEqual(other.key.utf8)
                && one.value.utf8.elementsEqual(other.value.utf8)
        }

        public func hash(into hasher: inout Hasher) {
            for byte in key.utf8 { hasher.combine(byte) }
            for byte in value.utf8 { hasher.combine(byte) }
        }
    }

    /// Keys of which any value counts, and single values that count for themselves.
    public fileprivate(set) var keys: Set<String> = []
    public fileprivate(set) var values: Set<TagValue> = []
    /// Whether a file has tags at all, or how many.
    public fileprivate(set) var countsTags = false
    public fileprivate(set) var hasAttributes = false
    /// Size or time of the file's row.
    public fileprivate(set) var hasRow = false
    /// Where the file lies, beyond its name.
    public fileprivate(set) var hasPaths = false
    /// Whether a file without tags and attributes can be selected.
    public fileprivate(set) var mayHoldUntagged = true
    /// Tests that change their answer as time passes.
    fileprivate var rolling: [(field: Field, moments: [Moment])] = []

    public init() {}

    public var isRolling: Bool { !rolling.isEmpty }

    public static func == (one: Dependencies, other: Dependencies) -> Bool {
        one.keys == other.keys && one.values == other.values
            && one.countsTags == other.countsTags && one.hasAttributes == other.hasAttributes
            && one.hasRow == other.hasRow && one.hasPaths == other.hasPaths
            && one.mayHoldUntagged == other.mayHoldUntagged
            && one.rolling.elementsEqual(other.rolling) {
                $0.field == $1.field && $0.moments == $1.moments
            }
    }

    fileprivate mutating func add(_ field: Field, _ test: Test) {
        switch field {
        case .tag(let key):
            if case .compare(.equal, .text(let value)) = test {
                values.insert(TagValue(key, value))
            } else {
                keys.insert(key)
            }
        case .attribute: hasAttributes = true
        case .size, .modified, .age: hasRow = true
        case .tagCount: countsTags = true
        case .path, .dir: hasPaths = true
        // A file's names count for every query, and what it is never changes.
        case .name, .stem, .ext, .type, .mime, .backend: break
        }
        let moments = test.rollingMoments
        if !moments.isEmpty { rolling.append((field, moments)) }
    }
}

extension PreparedQuery {
    /// Whether it is the same query, at whatever moment.
    public func selects(asMuchAs other: PreparedQuery?) -> Bool {
        node == other?.node && order == other?.order
    }

    public var dependencies: Dependencies {
        var dependencies = Dependencies()
        func visit(_ node: Node) {
            switch node {
            case .constant: break
            case .all(let nodes), .any(let nodes): nodes.forEach(visit)
            case .leaf(.everything, _): break
            case .leaf(.untagged, _): dependencies.countsTags = true
            case .leaf(.files, _): break
            case .leaf(.predicate(let field, let test), _): dependencies.add(field, test)
            }
        }
        visit(node)
        if let field = order?.field { dependencies.add(field, .exists) }
        dependencies.mayHoldUntagged = node.mayHold { leaf in
            guard case .predicate(let field, _) = leaf else { return nil }
            switch field {
            case .tag, .attribute: return false
            default: return nil
            }
        }
        return dependencies
    }

    /// The spans of values for which the passing of time from one moment to another changed the answer
    /// of some test; a file outside all of them is selected now if it was then.
    public func turning(from past: Present, to present: Present) -> [Turning] {
        dependencies.rolling.flatMap { field, moments in
            moments.flatMap { moment -> [Turning] in
                let isFloating = field != .modified && field != .age
                let (then, now) =
                    isFloating
                    ? (past.floatingInterval(moment), present.floatingInterval(moment))
                    : (past.interval(moment), present.interval(moment))
                return [(then.start, now.start), (then.end, now.end)]
                    .filter { $0.0 != $0.1 }
                    .map { Turning(field: field, from: min($0, $1), to: max($0, $1)) }
            }
        }
    }
}

/// Values of a field of which the passing of time may have changed what a query says.
public struct Turning: Equatable, Sendable {
    public let field: Field
    /// Nanoseconds since 1970, both ends included.
    public let from: Int64
    public let to: Int64
}

extension Node {
    /// Whether it may hold, with what `answer` says of leaves; `nil` is "either way".
    fileprivate func mayHold(_ answer: (Leaf) -> Bool?) -> Bool {
        switch self {
        case .constant(let value): value
        case .leaf(let leaf, let isPositive): answer(leaf).map { $0 == isPositive } ?? true
        case .all(let nodes): nodes.allSatisfy { $0.mayHold(answer) }
        case .any(let nodes): nodes.contains { $0.mayHold(answer) }
        }
    }
}

extension Test {
    fileprivate var rollingMoments: [Moment] {
        let literals: [Literal] =
            switch self {
            case .compare(_, let literal): [literal]
            case .between(let low, let high): [low, high]
            case .oneOf(let literals): literals
            default: []
            }
        return literals.compactMap { literal in
            switch literal {
            case .time(let moment) where moment.isRelative: moment
            case .duration(let duration): .ago(duration)
            default: nil
            }
        }
    }
}
