/// Why a query can't be understood or answered, for the person who wrote it.
///
///     unknown field "colour"
///       colour=red AND size>1M
///       ^ did you mean tag:colour?
public struct QueryError: Error, Equatable, Sendable {
    /// What is wrong, in one line.
    public let message: String
    /// What was expected, or may have been meant.
    public let hint: String?
    /// The query, and where in it the mistake is, in bytes.
    public let query: String
    public let offset: Int

    /// What is wrong with a query as a whole.
    public init(_ message: String, in query: String) {
        self.init(message, query: query, offset: 0)
    }

    init(_ message: String, hint: String? = nil, query: String, offset: Int) {
        self.message = message
        self.hint = hint
        self.query = query
        self.offset = offset
    }
}

extension QueryError: CustomStringConvertible {
    /// How much of a long query is shown before and after the mistake, in characters.
    private static let context = 60

    /// The message, the query, and a caret below the mistake.
    public var description: String {
        let utf8 = query.utf8
        let end = utf8.index(utf8.startIndex, offsetBy: min(offset, utf8.count))
        var before = Self.printable(query[..<end])
        var after = Self.printable(query[end...])
        if before.count > Self.context { before = "…" + before.suffix(Self.context) }
        if after.count > Self.context { after = after.prefix(Self.context) + "…" }
        let caret = String(repeating: " ", count: before.count) + "^"
        return message + "\n  " + before + after + "\n  " + caret + (hint.map { " " + $0 } ?? "")
    }

    /// Without what would break the line or move the caret.
    private static func printable(_ text: some StringProtocol) -> String {
        String(
            text.map { $0.isNewline || $0.unicodeScalars.allSatisfy { $0.value < 32 } ? " " : $0 }
        )
    }
}

/// Finds what somebody meant among what there is.
enum Suggestion {
    /// The candidate that is nearest to a word, if any is near.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let limit = word.utf8.count < 4 ? 1 : 2
        let distances = candidates.map { ($0, distance(Array(word.utf8), Array($0.utf8))) }
        guard let best = distances.min(by: { $0.1 < $1.1 }), best.1 <= limit else { return nil }
        return best.0
    }

    /// How many insertions, deletions, changes and swaps of neighbours lie between two words.
    private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        guard one.count <= 32, other.count <= 32 else { return .max }
        var rows = [Array(0...other.count)]
        for i in one.indices {
            var row = [i + 1]
            for j in other.indices {
                let change = one[i] == other[j] ? 0 : 1
                var best = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + change)
                if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
                    best = min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[one.count][other.count]
    }
}
