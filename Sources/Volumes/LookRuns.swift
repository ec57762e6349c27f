import Metadata

/// Notices who looks at the names of a directory one after the other, as `ls -l` and `rsync` do: a plain value.
struct LookRuns {
    private struct Run {
        var last: Int64
        /// What the last look was told.
        var count: Int
    }

    private var runs: [FileID: Run] = [:]

    private static let limit = 64
    /// As many requests go at once.
    static let longest = 32

    /// How many names from this one on are worth looking at together: one, and twice as many each time
    /// that the next one comes after those before.
    ///
    /// - Parameter entry: the number of a name that has to be looked at; the same one may come twice.
    mutating func look(at entry: Int64, in directory: FileID) -> Int {
        if runs[directory] == nil, runs.count >= Self.limit { runs = [:] }
        guard let run = runs[directory], entry >= run.last else {
            runs[directory] = Run(last: entry, count: 1)
            return 1
        }
        let count = entry == run.last ? run.count : min(2 * run.count, Self.longest)
        runs[directory] = Run(last: entry, count: count)
        return count
    }
}
