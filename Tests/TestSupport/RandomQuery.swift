public import Queries

/// Random queries over a small vocabulary, so that they find something.
public struct RandomQuery {
    public static let keys = ["colour", "rating", "taken", "people", "flag", "absent"]
    public static let values = [
        "red", "Red", "blue", "", "4", "04", "4.5", "-1", "2024-05-01", "2024-05", "Straße",
        "STRASSE", "2.1.0", "family dinner", "a*b", "100%",
    ]
    public static let names = [
        "a.jpg", "A.JPG", "b.mkv", "b.en.srt", "notes", ".hidden", "é.txt", "e\u{301}.txt",
        "x.tar.gz",
    ]
    public static let directories = ["/", "/pictures", "/pictures/2024", "/Straße", "/docs"]
    public static let backends = ["local", "remote"]

    public static func query(
        depth: Int,
        using random: inout some RandomNumberGenerator
    ) -> Query {
        let kind =
            depth == 0
            ? Int.random(in: 0..<8, using: &random) : Int.random(in: 0..<14, using: &random)
        switch kind {
        case 0: return Bool.random(using: &random) ? .everything : .untagged
        case 1..<8: return predicate(using: &random)
        case 8, 9: return .not(query(depth: depth - 1, using: &random))
        default:
            let parts = (0..<Int.random(in: 2...3, using: &random)).map { _ in
                query(depth: depth - 1, using: &random)
            }
            return kind < 12 ? .all(parts) : .any(parts)
        }
    }

    private static func predicate(using random: inout some RandomNumberGenerator) -> Query {
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<6:
            return .predicate(
                .tag(keys.randomElement(using: &random) ?? ""),
                anyTest(using: &random)
            )
        case 6: return .predicate(.attribute("user.note"), anyTest(using: &random))
        case 7:
            let fields: [(Field, [String])] = [
                (.name, names), (.stem, ["a", "x.tar", ".hidden"]), (.ext, ["jpg", "srt", "gz"]),
                (.path, ["/a.jpg", "/pictures/a.jpg", "/Straße/b.mkv"]), (.dir, directories),
                (.backend, backends), (.mime, ["image/jpeg", "video/x-matroska", "text/plain"]),
            ]
            let (field, words) = fields.randomElement(using: &random) ?? (.name, names)
            return .predicate(field, textTest(field, words, using: &random))
        case 8:
            let names = ["file", "symlink", "image", "video", "text"]
            let name = names.randomElement(using: &random) ?? ""
            return .predicate(.type, .compare(.equal, .text(name)))
        case 9:
            let literals = [Literal.number(0), .number(2), .number(1000)]
            let field = Bool.random(using: &random) ? Field.size : .tagCount
            return .predicate(field, valueTest(literals, using: &random))
        case 10:
            let literals = ["now", "today", "now-7d", "2024-05", "lastmonth", "yesterday"]
                .compactMap { Moment($0).map(Literal.time) }
            return .predicate(.modified, valueTest(literals, using: &random))
        default:
            let comparison =
                [Comparison.less, .greaterOrEqual].randomElement(using: &random) ?? .less
            return .predicate(.age, .compare(comparison, .duration(Duration(7, .days))))
        }
    }

    /// A test of a tag or attribute, with a literal of any kind.
    private static func anyTest(using random: inout some RandomNumberGenerator) -> Test {
        let literals: [Literal] = [
            .text(values.randomElement(using: &random) ?? ""), .number(4), .number(0),
        ]
        let times = ["2024-05", "2024-05-01", "today"].compactMap { Moment($0).map(Literal.time) }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return .exists
        case 1: return valueTest(literals + times, using: &random)
        case 2:
            let text = Literal.text(values.randomElement(using: &random) ?? "")
            return valueTest([text], using: &random)
        default: return patternTest(values, using: &random)
        }
    }

    private static func textTest(
        _ field: Field,
        _ words: [String],
        using random: inout some RandomNumberGenerator
    ) -> Test {
        switch Int.random(in: 0..<3, using: &random) {
        case 0 where field == .ext || field == .mime: return .exists
        case 0 where field == .path || field == .dir:
            return .under(directories.randomElement(using: &random) ?? "/")
        case 1: return patternTest(words, using: &random)
        default: return valueTest(words.map(Literal.text), using: &random)
        }
    }

    private static func valueTest(
        _ literals: [Literal],
        using random: inout some RandomNumberGenerator
    ) -> Test {
        let literal = literals.randomElement(using: &random) ?? .number(0)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return .oneOf([literal, literals[0]])
        case 1: return .between(literal, literal)
        default:
            let comparison = Comparison.allCases.randomElement(using: &random) ?? .equal
            return .compare(comparison, literal)
        }
    }

    private static func patternTest(
        _ words: [String],
        using random: inout some RandomNumberGenerator
    ) -> Test {
        let word = words.randomElement(using: &random) ?? ""
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return .folded(word)
        case 1:
            return .glob(["*a*", "[a-e]*", "?*.JPG", "*\\**"].randomElement(using: &random) ?? "*")
        case 2: return .like(["%a%", "_e%", "100\\%"].randomElement(using: &random) ?? "%")
        case 3: return .contains(String(word.prefix(3)))
        case 4: return .startsWith(String(word.prefix(2)))
        default: return .endsWith(String(word.suffix(2)))
        }
    }
}
