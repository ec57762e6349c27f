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

/// What the writing connection notes of each row that changes: rows are written in many places, and none of
/// them can forget.
enum ChangedFiles {
    static let tables = [
        WatchedTable("entry") { change, notes in
            switch change.kind {
            // What was detached says of a key that its object is ours, and is no news.
            case .insertion:
                if change.after(EntryColumn.parent) > 0 { notes.append(placeAfter(change)) }
            case .deletion:
                if change.before(EntryColumn.parent) > 0 { notes.append(placeBefore(change)) }
            case .update:
                guard change.changes(EntryColumn.place) else { return }
                notes += [placeBefore(change), placeAfter(change)]
            }
        },
        WatchedTable("file") { change, notes in
            switch change.kind {
            case .insertion: break
            case .deletion:
                guard change.before(FileColumn.backend) > 0 else { return }
                notes.append(RowNote(change.before(FileColumn.id), ChangeKinds.names.rawValue))
            case .update:
                // Of directories, views tell neither.
                let type = change.after(FileColumn.mode) & 0o170000
                guard type == 0o100000 || type == 0o120000,
                    change.changes(FileColumn.shown)
                else { return }
                notes.append(RowNote(change.after(FileColumn.id), ChangeKinds.row.rawValue))
            }
        },
        WatchedTable("xattr") { change, notes in
            notes.append(RowNote(subject(of: change), ChangeKinds.attributes.rawValue))
        },
        WatchedTable("filter") { change, notes in
            guard change.kind != .update || change.changes(FilterColumn.shown) else { return }
            notes.append(RowNote(subject(of: change), ChangeKinds.filters.rawValue))
        },
    ]

    /// Columns of `entry`.
    private enum EntryColumn {
        static let parent: CInt = 1
        static let file: CInt = 4
        static let backend: CInt = 6
        /// With the name.
        static let place: [CInt] = [parent, 2, file]
    }

    /// Columns of `file`.
    private enum FileColumn {
        static let id: CInt = 0
        static let backend: CInt = 1
        static let mode: CInt = 2
        /// Size and time of modification.
        static let shown: [CInt] = [6, 7]
    }

    /// Columns of `filter`.
    private enum FilterColumn {
        /// `query`, `layout`, `names`, `folds`.
        static let shown: [CInt] = [1, 2, 3, 7]
    }

    private static func placeBefore(_ change: borrowing RowChange) -> RowNote {
        let kind = placeKind(change.before(EntryColumn.parent), change.before(EntryColumn.backend))
        return RowNote(change.before(EntryColumn.file), kind)
    }

    private static func placeAfter(_ change: borrowing RowChange) -> RowNote {
        let kind = placeKind(change.after(EntryColumn.parent), change.after(EntryColumn.backend))
        return RowNote(change.after(EntryColumn.file), kind)
    }

    /// Of a name that comes, goes or moves.
    private static func placeKind(_ parent: Int64, _ backend: Int64) -> Int64 {
        if parent == FileID.backends { return ChangeKinds.backend.rawValue }
        return backend == 0 ? ChangeKinds.filters.rawValue : ChangeKinds.names.rawValue
    }

    /// The file that a row begins with.
    private static func subject(of change: borrowing RowChange) -> FileID {
        change.kind == .deletion ? change.before(0) : change.after(0)
    }
}

extension Connection {
    /// Has triggers of this connection note what changes about tags.
    ///
    /// In words, because the rows of keys and values go with the last file that has them: SQLite tells of a
    /// row's numbers only. The notes are in a temporary table, so what is rolled back leaves none.
    func noteTags() {
        execute("CREATE TEMP TABLE tagged(file INTEGER, key TEXT, value TEXT, was INTEGER)")
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

    /// Hands out the notes taken since they were last handed out, by file.
    func takeChanges() -> [FileChange] {
        var changes: [FileID: FileChange] = [:]
        for note in takeNotes() {
            changes[note.subject, default: FileChange(file: note.subject)].kinds
                .insert(ChangeKinds(rawValue: note.kind))
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
