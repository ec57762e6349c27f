import Metadata

/// Notices who looks at the names of a directory one after the other, as `ls -l` and `rsync` do, and what
/// is looked at ahead of him: a plain value.
struct LookRuns {
    /// So many names behind one are to be looked at.
    struct Batch: Equatable {
        var after: Int64
        var count: Int
    }

    private struct Run {
        var last: Int64
        var count = 1
        /// The last name that was looked at ahead, and the one at which the next ones are begun: enough
        /// is under way as long as nobody has come there.
        var end: Int64
        var middle: Int64
    }

    private var runs: [FileID: Run] = [:]
    private(set) var underway: Set<Int64> = []

    private static let limit = 64
    static let longest = 64

    /// - Parameter entry: the number of a name that somebody looks at and that is not known.
    /// - Returns: which names are to be looked at ahead (`begin`), from this one on if it is not under way;
    ///   twice as many each time.
    mutating func look(at entry: Int64, in directory: FileID) -> Batch? {
        if runs[directory] == nil, runs.count >= Self.limit { runs = [:] }
        guard var run = runs[directory], entry >= run.last else {
            runs[directory] = Run(last: entry, end: entry, middle: entry)
            return nil
        }
        run.last = entry
        defer { runs[directory] = run }
        guard entry > run.middle else { return nil }
        run.count = min(2 * run.count, Self.longest)
        // Not twice.
        run.middle = .max
        return Batch(after: max(run.end, entry - 1), count: run.count)
    }

    /// Takes names as looked at from here on, of a batch in which the others are known.
    mutating func begin(_ entries: [Int64], of batch: Batch, in directory: FileID) {
        underway.formUnion(entries)
        runs[directory]?.end = entries.last ?? batch.after
        runs[directory]?.middle = entries.isEmpty ? batch.after : entries[entries.count / 2]
    }

    mutating func end(_ entry: Int64) { underway.remove(entry) }
}
