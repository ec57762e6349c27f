import Base
import Metadata
import SQLite
import TestSupport

@testable import Queries

/// A file as the tests think of it, and the plainest possible reading of a query over it.
struct ModelFile {
    struct Place: Hashable {
        var directory: String
        var name: String

        var path: String { directory == "/" ? "/" + name : directory + "/" + name }
    }

    var id: FileID = 0
    var isLink = false
    var backend = "local"
    var places: [Place] = []
    var size: Int64 = 0
    var modified = Timestamp(nanoseconds: 0)
    var tags: [String: [String]] = [:]
    var attributes: [String: String] = [:]

    func matches(_ query: Query, _ present: Present) -> Bool {
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
        case .ext: places.compactMap { Name($0.name).fileExtension }
        case .path: places.map(\.path)
        case .dir: places.map(\.directory)
        case .backend: [backend]
        case .mime:
            places.compactMap { Name($0.name).fileExtension.flatMap { FileKind(ext: $0)?.mime } }
        default: []
        }
    }

    private var types: [String] {
        [isLink ? "symlink" : "file"]
            + places.compactMap { Name($0.name).fileExtension.flatMap { FileKind(ext: $0)?.type } }
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
