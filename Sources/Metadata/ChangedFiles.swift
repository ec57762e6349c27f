import SQLite

/// What changed about a file within one transaction.
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

/// What a transaction did about one file.
struct FileChange: Equatable {
    var file: FileID
    var kinds: ChangeKinds = []
    /// Of the tags that came or went.
    var keys: [Int64] = []
}

/// The notes that the writing connection takes, by triggers of its own, of what changes until a commit.
///
/// Triggers, because rows are written in many places and none of them can forget. The notes are in a
/// temporary table, so a transaction that is rolled back leaves none.
extension Connection {
    func noteChanges() {
        execute(
            """
            CREATE TEMP TABLE changed(file INTEGER, kind INTEGER, key INTEGER,
              PRIMARY KEY(file, kind, key)) WITHOUT ROWID;
            """
        )
        // No OR IGNORE: the statement that sets a trigger off overrides it.
        for (name, event, condition, file, kind) in Self.noted {
            let key = kind == "1" ? file.replacing("file", with: "key") : "0"
            execute(
                """
                CREATE TEMP TRIGGER changed_\(name) AFTER \(event) \(condition)
                BEGIN INSERT INTO changed SELECT \(file), \(kind), \(key) WHERE NOT EXISTS (
                SELECT 1 FROM changed WHERE file = \(file) AND kind = \(kind) AND key = \(key)); END;
                """
            )
        }
    }

    private static func entryKind(_ row: String) -> String {
        "CASE WHEN \(row).parent = 2 THEN 32 WHEN \(row).backend = 0 THEN 16 ELSE 2 END"
    }

    private static let moved =
        "WHEN OLD.parent IS NOT NEW.parent OR OLD.name IS NOT NEW.name OR OLD.file IS NOT NEW.file"

    private static let noted: [(String, String, String, String, String)] = [
        ("tag_in", "INSERT ON main.file_tag", "", "NEW.file", "1"),
        ("tag_out", "DELETE ON main.file_tag", "", "OLD.file", "1"),
        ("entry_in", "INSERT ON main.entry", "", "NEW.file", entryKind("NEW")),
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

    /// Hands out the notes taken since they were last handed out.
    func takeChanges() -> [FileChange] {
        var changes: [FileChange] = []
        each("SELECT file, kind, key FROM temp.changed ORDER BY file") { row in
            let file = row.integer(0)
            if changes.last?.file != file { changes.append(FileChange(file: file)) }
            changes[changes.count - 1].kinds.insert(ChangeKinds(rawValue: row.integer(1)))
            if row.integer(2) != 0 { changes[changes.count - 1].keys.append(row.integer(2)) }
            return true
        }
        if !changes.isEmpty { runUnrecorded("DELETE FROM temp.changed") }
        return changes
    }
}

extension FileChange {
    mutating func formUnion(_ other: FileChange) {
        kinds.formUnion(other.kinds)
        for key in other.keys where !keys.contains(key) { keys.append(key) }
    }
}

/// What the writes since the last commit have changed, and what the change log needs to know of it that
/// neither the database as it was nor as it is can tell.
struct NotedChanges {
    private(set) var changes: [FileID: FileChange] = [:]
    /// Names of keys that came in one of these writes, and may have gone in a later one.
    private var keyNames: [Int64: String] = [:]
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
        let keys = change.keys.compactMap { name(ofKey: $0, before, rows) }
        rows.log(.tagged, path, file: change.file, .list("keys", keys))
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

    private mutating func name(ofKey key: Int64, _ before: Connection, _ rows: Connection)
        -> String?
    {
        let name = rows.tagKeyName(key) ?? keyNames[key] ?? before.tagKeyName(key)
        keyNames[key] = name
        return name
    }
}

extension Connection {
    func tagKeyName(_ key: Int64) -> String? {
        first("SELECT name FROM tag_key WHERE id = ?", .integer(key)) { $0.text(0) }
    }
}
