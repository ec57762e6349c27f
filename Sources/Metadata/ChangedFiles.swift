import Base
import Queries
import SQLite

/// What changed about a file within one transaction, or several that are settled together.
struct ChangeKinds: OptionSet, Equatable {
    let rawValue: Int64

    static let tags = ChangeKinds(rawValue: 1)
    /// Its names, or where they are.
    static let names = ChangeKinds(rawValue: 2)
    /// Its size or time.
    static let row = ChangeKinds(rawValue: 4)
    static let attributes = ChangeKinds(rawValue: 8)
    /// A filter, or the place of a directory below `/filters`.
    static let filters = ChangeKinds(rawValue: 16)
    /// A backend came or went.
    static let backend = ChangeKinds(rawValue: 32)
}

/// What was done about one file.
struct FileChange: Equatable {
    /// A value of a tag that came, went, or did both by turns.
    struct Tag: Equatable {
        var key: String
        var value: String
        /// Whether the file had it before all of that.
        var wasThere: Bool

        func isSame(_ key: String, _ value: String) -> Bool {
            Name(self.key) == Name(key) && Name(self.value) == Name(value)
        }
    }

    var file: FileID
    var kinds: ChangeKinds = []
    var tags: [Tag] = []

    /// The keys of the tags, each once.
    var keys: [String] {
        tags.reduce(into: []) { keys, tag in
            if !keys.contains(where: { Name($0) == Name(tag.key) }) { keys.append(tag.key) }
        }
    }

    /// Adds what was done after this.
    mutating func formUnion(_ later: FileChange) {
        kinds.formUnion(later.kinds)
        for tag in later.tags where !tags.contains(where: { $0.isSame(tag.key, tag.value) }) {
            tags.append(tag)
        }
    }

    /// The tags that the file had before, if it has these now.
    func before(_ now: [FileFacts.Tag]) -> [FileFacts.Tag] {
        let untouched = now.filter { tag in
            !tags.contains { $0.isSame(tag.key, tag.value.raw) }
        }
        return untouched
            + tags.filter(\.wasThere).map { FileFacts.Tag($0.key, FileFacts.Value($0.value)) }
    }
}

/// The notes that the writing connection takes, by triggers of its own, of what changes until a commit.
///
/// Triggers, because rows are written in many places and none of them can forget. The notes are in a
/// temporary table, so a transaction that is rolled back leaves none. New names, of which there are the
/// most, SQLite tells without a trigger (`takeInserted`).
extension Connection {
    func noteChanges() {
        execute(
            """
            CREATE TEMP TABLE changed(file INTEGER, kind INTEGER, PRIMARY KEY(file, kind)) WITHOUT ROWID;
            CREATE TEMP TABLE tagged(file INTEGER, key TEXT, value TEXT, was INTEGER);
            """
        )
        // No OR IGNORE: the statement that sets a trigger off overrides it.
        for (name, event, condition, file, kind) in Self.noted {
            execute(
                """
                CREATE TEMP TRIGGER changed_\(name) AFTER \(event) \(condition)
                BEGIN INSERT INTO changed SELECT \(file), \(kind) WHERE NOT EXISTS (
                SELECT 1 FROM changed WHERE file = \(file) AND kind = \(kind)); END;
                """
            )
        }
        // In words, because the rows of keys and values go with the last file that has them.
        for (name, event, row, was) in [
            ("in", "INSERT", "NEW", 0), ("out", "DELETE", "OLD", 1),
        ] {
            execute(
                """
                CREATE TEMP TRIGGER tagged_\(name) AFTER \(event) ON main.file_tag
                BEGIN INSERT INTO tagged SELECT \(row).file, k.name, v.raw, \(was)
                FROM main.tag_key k, main.tag_value v WHERE k.id = \(row).key AND v.id = \(row).value;
                END;
                """
            )
        }
    }

    private static func entryKind(_ row: String) -> String {
        "CASE WHEN \(row).parent = 2 THEN 32 WHEN \(row).backend = 0 THEN 16 ELSE 2 END"
    }

    /// Of a name; what was detached says of a key that its object is ours, and is no news.
    private static let newEntry =
        "SELECT file, \(entryKind("entry")) FROM entry WHERE id = ? AND parent > 0"

    private static let moved =
        "WHEN OLD.parent IS NOT NEW.parent OR OLD.name IS NOT NEW.name OR OLD.file IS NOT NEW.file"

    private static let noted: [(String, String, String, String, String)] = [
        ("entry_out", "DELETE ON main.entry", "WHEN OLD.parent > 0", "OLD.file", entryKind("OLD")),
        (
            "entry_from", "UPDATE OF parent, name, file ON main.entry", moved, "OLD.file",
            entryKind("OLD")
        ),
        (
            "entry_to", "UPDATE OF parent, name, file ON main.entry", moved, "NEW.file",
            entryKind("NEW")
        ),
        (
            "row", "UPDATE OF size, mtime ON main.file",
            """
            WHEN (NEW.mode & 61440) IN (32768, 40960)
            AND (OLD.size IS NOT NEW.size OR OLD.mtime IS NOT NEW.mtime)
            """, "NEW.id", "4"
        ),
        ("row_out", "DELETE ON main.file", "WHEN OLD.backend > 0", "OLD.id", "2"),
        ("attribute_in", "INSERT ON main.xattr", "", "NEW.file", "8"),
        ("attribute_out", "DELETE ON main.xattr", "", "OLD.file", "8"),
        ("filter_in", "INSERT ON main.filter", "", "NEW.file", "16"),
        ("filter_out", "DELETE ON main.filter", "", "OLD.file", "16"),
        (
            "filter", "UPDATE OF query, layout, names, folds ON main.filter",
            """
            WHEN OLD.query IS NOT NEW.query OR OLD.layout IS NOT NEW.layout
            OR OLD.names IS NOT NEW.names OR OLD.folds IS NOT NEW.folds
            """, "NEW.file", "16"
        ),
    ]

    /// Hands out the notes taken since they were last handed out, by file.
    func takeChanges() -> [FileChange] {
        var changes: [FileID: FileChange] = [:]
        each("SELECT file, kind FROM temp.changed") { row in
            let file = row.integer(0)
            changes[file, default: FileChange(file: file)].kinds
                .insert(ChangeKinds(rawValue: row.integer(1)))
            return true
        }
        if !changes.isEmpty { runUnrecorded("DELETE FROM temp.changed") }
        for row in takeInserted() {
            each(composed: Self.newEntry, [.integer(row)]) { row in
                let file = row.integer(0)
                changes[file, default: FileChange(file: file)].kinds
                    .insert(ChangeKinds(rawValue: row.integer(1)))
                return false
            }
        }
        // To sort nothing costs more than to see that there is nothing.
        let hasTags = first("SELECT 1 FROM temp.tagged LIMIT 1") { _ in true } ?? false
        if hasTags { takeTags(&changes) }
        return changes.values.sorted { $0.file < $1.file }
    }

    private func takeTags(_ changes: inout [FileID: FileChange]) {
        // Other columns are those of the row with the minimum: the first that happened.
        each(
            """
            SELECT file, key, value, was, min(rowid) FROM temp.tagged
            GROUP BY file, key, value ORDER BY file, key, value
            """
        ) { row in
            let file = row.integer(0)
            let tag = FileChange.Tag(
                key: row.text(1),
                value: row.text(2),
                wasThere: row.integer(3) != 0
            )
            changes[file, default: FileChange(file: file)].kinds.insert(.tags)
            changes[file]?.tags.append(tag)
            return true
        }
        runUnrecorded("DELETE FROM temp.tagged")
    }
}

/// What the writes since the last commit have changed, and what the change log needs to know of it that
/// neither the database as it was nor as it is can tell.
struct NotedChanges {
    private(set) var changes: [FileID: FileChange] = [:]
    /// Where filters are that were stored by one of these writes.
    private var filterPaths: [FileID: String] = [:]

    mutating func add(_ change: FileChange) {
        changes[change.file, default: FileChange(file: change.file)].formUnion(change)
    }

    /// Writes down what a write did to tags, attributes and filters, however it came to that.
    ///
    /// Names and bytes are told where they change, which knows more of it.
    ///
    /// - Parameter before: the database before the first of the writes.
    mutating func log(_ change: FileChange, before: Connection, in rows: Connection) {
        if change.kinds.contains(.filters) { logFilter(change.file, before, rows) }
        guard !change.kinds.isDisjoint(with: [.tags, .attributes]),
            let path = rows.path(of: change.file)
        else { return }
        rows.log(.tagged, path, file: change.file, .list("keys", change.keys))
    }

    private mutating func logFilter(_ file: FileID, _ before: Connection, _ rows: Connection) {
        if let filter = rows.filter(of: file) {
            guard let path = rows.path(of: file) else { return }
            filterPaths[file] = path
            rows.log(.filter, path, file: file, .text("query", filter.query))
        } else if let path = filterPaths[file]
            ?? (before.filter(of: file) == nil ? nil : before.path(of: file))
        {
            filterPaths[file] = nil
            rows.log(.unfiltered, path, file: file)
        }
    }
}
