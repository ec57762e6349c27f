import Settings
import Wire

// What `--json` prints where the daemon's own answer does not say it. What fails has an `error`.

/// A path that something was done to, or was not: a line for each.
struct PathReport: Message {
    /// As it was named.
    var path: String
    /// Where it went, or which file stays in its place.
    var target: String?
    /// How many files it stood for.
    var files: Int?
    /// Why it was not done.
    var error: String?
}

/// Why a command failed: the last line that it prints.
struct FailureReport: Message {
    var error: String
    var exitCode: Int32
}

/// How far `cache warm` is: a line about every second, and one at the end.
struct WarmReport: Message {
    enum State: String, Codable { case running, done, failed }

    var state = State.running
    var files: Int
    var filesDone = 0
    var bytes: Int64
    var bytesDone: Int64 = 0
    /// Files that could not be fetched.
    var failed: [PathReport] = []

    /// From 0 to 1.
    var share: Double {
        if state != .running { return 1 }
        // Files without a byte are no work.
        return bytes > 0 ? Double(bytesDone) / Double(bytes) : 0
    }
}

/// What `config validate` found to be right.
struct ValidConfiguration: Message {
    /// Absent for the built-in one.
    var path: String?
    var backends: Int
    var filters: Int
    var warnings: [String]
}

/// What `config show` prints.
struct ShownConfiguration: Message {
    var path: String?
    var sections: [ShownSection]
}

/// A query that makes sense.
struct CheckedQuery: Message {
    var query: String
    var warnings: [String]
}

/// What `unmount` did.
struct UnmountReport: Message {
    var mountPoints: [String]
    /// The GoSync that was behind them has ended, and its stores have what it could deliver.
    var ended: Bool
}
