/// What the compiler may ask of the database: ids and counts, by a few small look-ups.
public struct Catalogue {
    /// Runs SQL that answers in whole numbers; the second argument is how many columns it has.
    let rows: (SQL, Int) -> [[Int64]]

    public init(rows: @escaping (SQL, Int) -> [[Int64]]) { self.rows = rows }

    /// Rows are counted up to here; what is more counts as very many.
    static let countingLimit: Int64 = 2000
    /// A predicate on tags becomes a union of so many values' postings at most.
    static let mostValues = 16
    /// A key with more values than this has no test run over each of them.
    static let mostTestedValues: Int64 = 4096

    /// So many files are sorted where no index has them in order; what is more is gone through.
    static let mostSorted: Int64 = 10_000
    /// Names of a directory that are looked through for one in other letters.
    static let mostFolded: Int64 = 2_000

    func files() -> Int64 { rows("SELECT coalesce(max(id), 0) FROM file", 1).first?[0] ?? 0 }

    func key(_ name: String) -> (id: Int64, files: Int64)? {
        rows("SELECT id, n FROM tag_key WHERE name = \(name)", 2).first.map { ($0[0], $0[1]) }
    }

    func value(_ raw: String, key: Int64) -> (id: Int64, files: Int64)? {
        rows("SELECT id, n FROM tag_value WHERE key = \(key) AND raw = \(raw)", 2).first
            .map { ($0[0], $0[1]) }
    }

    /// The values that pass a test; `nil` where they or the values to be tested are too many.
    func values(key: Int64, condition: SQL, isIndexed: Bool) -> [(id: Int64, files: Int64)]? {
        if !isIndexed,
            count("tag_value WHERE key = \(key)", atMost: Self.mostTestedValues + 1)
                > Self.mostTestedValues
        {
            return nil
        }
        let found = rows(
            """
            SELECT v.id, v.n FROM tag_value v WHERE v.key = \(key) AND \(condition) \
            LIMIT \(Int64(Self.mostValues + 1))
            """,
            2
        )
        return found.count > Self.mostValues ? nil : found.map { ($0[0], $0[1]) }
    }

    func backend(_ name: String) -> Int64? {
        rows("SELECT id FROM backend WHERE name = \(name)", 1).first?[0]
    }

    /// The directories that have a path in some backend, `/` among them; `nil` where that takes too long to
    /// find out.
    ///
    /// - Parameter isFolded: whether upper and lower case are one, as in a path that is folded already.
    func directories(at path: [String], isFolded: Bool) -> [Int64]? {
        var found = rows("SELECT root FROM backend", 1).map { $0[0] }
        for name in path {
            var below: [Int64] = []
            for directory in found {
                guard isFolded else {
                    below += rows(
                        "SELECT file FROM entry WHERE parent = \(directory) AND name = \(name)",
                        1
                    ).map { $0[0] }
                    continue
                }
                let limit = Self.mostFolded + 1
                guard count("entry WHERE parent = \(directory)", atMost: limit) < limit else {
                    return nil
                }
                below += rows(
                    """
                    SELECT file FROM entry WHERE parent = \(directory) AND gosync_fold(name) = \(name)
                    """,
                    1
                ).map { $0[0] }
            }
            found = below
        }
        return found
    }

    /// How many rows there are, or `atMost`.
    func count(_ source: SQL, atMost: Int64 = countingLimit) -> Int64 {
        rows("SELECT count(*) FROM (SELECT 1 FROM \(source) LIMIT \(atMost))", 1).first?[0] ?? 0
    }
}
