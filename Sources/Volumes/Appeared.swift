import Metadata
import SQLite

/// The names that a page of a listing added to a directory, for the change log.
struct Appeared {
    private var entries: [Entry] = []
    private(set) var count = 0

    /// So many are told one by one; of more, only how many there are.
    private static let mostNamed = 100

    mutating func add(_ entry: Entry) {
        count += 1
        if count <= Self.mostNamed { entries.append(entry) }
    }

    func log(in directory: FileID, _ rows: Connection) {
        guard count > Self.mostNamed else {
            for entry in entries {
                rows.log(.appeared, entry.name, in: directory, file: entry.file)
            }
            return
        }
        guard let path = rows.path(of: directory) else { return }
        rows.log(.appeared, path, file: directory, .number("count", Int64(count)))
    }
}
