public import Base

@testable public import Queries

/// A file as the tests think of it, and the plainest possible reading of a query over it.
public struct ModelFile {
    public struct Place: Hashable {
        public var directory: String
        public var name: String

        public init(directory: String, name: String) {
            self.directory = directory
            self.name = name
        }

        public var path: String { directory == "/" ? "/" + name : directory + "/" + name }
    }

    /// The number of its inode.
    public var id: Int64 = 0
    public var isLink = false
    public var backend = "local"
    public var places: [Place] = []
    public var size: Int64 = 0
    public var modified = Timestamp(nanoseconds: 0)
    public var tags: [String: [String]] = [:]
    public var attributes: [String: String] = [:]

    public init() {}

    public func matches(_ query: Query, _ present: Present) -> Bool {
        switch query {
        case .everything: true
        case .untagged: tags.isEmpty
        case .filter: false
        case .not(let inner): !matches(inner, present)
        case .all(let queries): queries.allSatisfy { matches($0, present) }
        case .any(let queries): queries.contains { matches($0, present) }
        case .predicate(let field, let test): matches(field, test, present)
        }
    }

    private func matches(_ field: Field, _ test: Test, _ present: Present) -> Bool {
        switch field {
        case .size: Self.number(Double(size), test)
        case .tagCount: Self.number(Double(tags.values.reduce(0) { $0 + $1.count }), test)
        case .modified, .age: isModified(test, present)
        case .type: types.contains { Self.text($0, test, present) }
        case .tag(let key): (tags[key] ?? []).contains { Self.text($0, test, present) }
        case .attribute(let name): attributes[name].map { Self.text($0, test, present) } ?? false
        default: texts(field).contains { Self.text($0, test, present) }
        }
    }

    private func texts(_ field: Field) -> [String] {
        switch field {
        case .name: places.map(\.name)
        case .stem: places.map { FileName.stem($0.name) }
        case .ext: places.compactMap(\.ext)
        case .path: places.map(\.path)
        case .dir: places.map(\.directory)
        case .backend: [backend]
        case .mime:
            places.compactMap { $0.ext.flatMap { FileKind(ext: $0)?.mime } }
        default: []
        }
    }

    private var types: [String] {
        [isLink ? "symlink" : "file"]
            + places.compactMap { $0.ext.flatMap { FileKind(ext: $0)?.type } }
    }

    private static func number(_ value: Double, _ test: Test) -> Bool {
        func holds(_ comparison: Comparison, _ literal: Literal) -> Bool {
            guard case .number(let number) = literal else { return false }
            return ordered(comparison, value < number, value == number)
        }
        return compared(test, holds)
    }

    private func isModified(_ test: Test, _ present: Present) -> Bool {
        Self.compared(test) { comparison, literal in
            switch literal {
            case .time(let moment):
                Self.inside(modified.nanoseconds, comparison, present.interval(moment))
            case .duration(let duration):
                Self.older(
                    comparison,
                    modified.nanoseconds,
                    present.interval(.relative(.now, Duration(-duration.count, duration.unit)))
                        .start
                )
            default: false
            }
        }
    }

    private static func older(_ comparison: Comparison, _ time: Int64, _ limit: Int64) -> Bool {
        ordered(comparison, time > limit, time == limit)
    }

    private static func inside(
        _ time: Int64,
        _ comparison: Comparison,
        _ span: Interval
    ) -> Bool {
        ordered(comparison, time < span.start, time >= span.start && time < span.end)
    }

    private static func ordered(_ comparison: Comparison, _ isLess: Bool, _ isEqual: Bool) -> Bool {
        switch comparison {
        case .equal: isEqual
        case .less: isLess
        case .lessOrEqual: isLess || isEqual
        case .greater: !isLess && !isEqual
        case .greaterOrEqual: !isLess
        }
    }

    private static func compared(_ test: Test, _ holds: (Comparison, Literal) -> Bool) -> Bool {
        switch test {
        case .compare(let comparison, let literal): holds(comparison, literal)
        case .between(let low, let high):
            holds(.greaterOrEqual, low) && holds(.lessOrEqual, high)
        case .oneOf(let literals): literals.contains { holds(.equal, $0) }
        default: false
        }
    }

    private static func text(_ value: String, _ test: Test, _ present: Present) -> Bool {
        let folded = value.caseFolded
        switch test {
        case .exists: return true
        case .folded(let text): return Name(folded) == Name(text.caseFolded)
        case .glob(let pattern): return Glob.matches(pattern.caseFolded, folded)
        case .like(let pattern): return Glob.matches(Glob.pattern(like: pattern).caseFolded, folded)
        case .contains(let part): return folded.utf8.contains(part.caseFolded.utf8)
        case .startsWith(let part): return folded.utf8.starts(with: part.caseFolded.utf8)
        case .endsWith(let part):
            return folded.utf8.reversed().starts(with: part.caseFolded.utf8.reversed())
        case .under(let path):
            return value.utf8.starts(with: (path == "/" ? "/" : path + "/").utf8)
        default: break
        }
        return compared(test) { comparison, literal in
            switch literal {
            case .text(let text):
                ordered(comparison, Name(value) < Name(text), Name(value) == Name(text))
            case .number(let number):
                ValueReading(value).number.map {
                    ordered(comparison, $0 < number, $0 == number)
                } ?? false
            case .time(let moment):
                ValueReading(value).time.map {
                    inside($0, comparison, present.floatingInterval(moment))
                } ?? false
            case .duration: false
            }
        }
    }
}

extension String.UTF8View {
    fileprivate func contains(_ part: String.UTF8View) -> Bool {
        part.isEmpty || indices.contains { self[$0...].starts(with: part) }
    }
}

extension ModelFile {
    /// A file in the words of `RandomQuery`, changed some days before a moment, in seconds since 1970.
    public static func random(using random: inout SplitMix64, at now: Int64) -> ModelFile {
        var file = ModelFile()
        file.isLink = Int.random(in: 0..<10, using: &random) == 0
        file.backend = RandomQuery.backends.randomElement(using: &random)!
        for _ in 0..<(Int.random(in: 0..<8, using: &random) == 0 ? 2 : 1) {
            var name = RandomQuery.names.randomElement(using: &random)!
            if Bool.random(using: &random) { name = "\(random.next() % 9999)" + name }
            let directory = RandomQuery.directories.randomElement(using: &random)!
            file.places.append(Place(directory: directory, name: name))
        }
        file.size = [0, 1, 2, 999, 1000, 5000].randomElement(using: &random)!
        let days = [0, 1, 3, 7, 20, 40, 400].randomElement(using: &random)!
        file.modified = Timestamp(
            seconds: now - Int64(days) * 86_400,
            nanoseconds: Int64.random(in: 0...8, using: &random)
        )
        for key in RandomQuery.keys.dropLast() where Int.random(in: 0..<3, using: &random) > 0 {
            let count = Int.random(in: 0..<4, using: &random) == 0 ? 2 : 1
            let values = (0..<count).map { _ in RandomQuery.values.randomElement(using: &random)! }
            file.tags[key] = Set(values.map { Name($0) }).sorted().map(\.text)
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            file.attributes["user.note"] = RandomQuery.values.randomElement(using: &random)!
        }
        if Int.random(in: 0..<20, using: &random) == 0 { file.tags = [:] }
        return file
    }
}

extension ModelFile.Place {
    /// What follows the last dot, in lower case.
    fileprivate var ext: String? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last, !last.isEmpty else { return nil }
        return parts.count == 2 && parts[0].isEmpty ? nil : last.lowercased()
    }
}
