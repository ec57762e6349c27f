import Metadata

/// The directories in which names are being removed one after the other: a plain value.
///
/// The kernel looks a name up before it removes it, and does not say what for. `rm -r` of files that were
/// only listed would so ask the store for the attributes of each.
struct Removals {
    /// Directories, with the monotonic second of the last removal in each.
    private var last: [FileID: Double] = [:]

    private static let limit = 64
    /// The next removal in a directory comes sooner, or is the first of others.
    private static let pauseSeconds = 1.0

    mutating func note(in directory: FileID, at now: Double) {
        if last[directory] == nil, last.count >= Self.limit {
            last = last.filter { now - $0.value < Self.pauseSeconds }
            if last.count >= Self.limit { last = [:] }
        }
        last[directory] = now
    }

    /// - Parameter above: holds `directory`; a tree is removed one directory after the other.
    func isUnderway(in directory: FileID, above: FileID, at now: Double) -> Bool {
        [directory, above].contains { id in
            last[id].map { now - $0 < Self.pauseSeconds } ?? false
        }
    }
}
