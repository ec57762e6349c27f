/// What a person most likely meant by a word that is not known.
public enum Spelling {
    /// The known word that is fewest edits away from `word`, or `nil` if none comes close.
    ///
    /// An edit inserts, drops or replaces a letter or swaps two neighbours; a third of the word may
    /// be wrong. Words over 64 letters are not looked at.
    public static func nearest(to word: String, among known: [String]) -> String? {
        let letters = Array(word.lowercased())
        guard (1...longestWord).contains(letters.count) else { return nil }
        let limit = max(1, letters.count / 3)
        var best: (word: String, edits: Int)?
        for candidate in known where candidate.count <= longestWord {
            let edits = distance(letters, Array(candidate.lowercased()))
            if edits <= limit, edits < best?.edits ?? .max { best = (candidate, edits) }
        }
        return best?.word
    }

    /// The end of an error message: "; did you mean 'x'?", or nothing.
    public static func suggestion(for word: String, among known: [String]) -> String {
        nearest(to: word, among: known).map { "; did you mean '\($0)'?" } ?? ""
    }

    private static let longestWord = 64

    /// Damerau–Levenshtein distance (optimal string alignment), by rows.
    private static func distance(_ one: [Character], _ other: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...other.count)
        for i in 0..<one.count {
            var row = [i + 1]
            for j in 0..<other.count {
                let replaced = last[j] + (one[i] == other[j] ? 0 : 1)
                var edits = min(replaced, last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
                    edits = min(edits, beforeLast[j - 1] + 1)
                }
                row.append(edits)
            }
            (beforeLast, last) = (last, row)
        }
        return last[other.count]
    }
}
