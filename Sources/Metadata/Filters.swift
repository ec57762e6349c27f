public import Base
import Queries
public import SQLite

/// Filters, within `read` or `write`. The directories themselves are files and entries like others.
extension Connection {
    /// The filter of a directory, or `nil` where it is a plain one.
    public func filter(of directory: FileID) -> Filter? {
        first(
            """
            SELECT file, query, layout, names, configured, members, checked, folds, asserts, untags
            FROM filter WHERE file = ?
            """,
            .integer(directory)
        ) { Filter($0) }
    }

    /// All filters, in the order in which their directories were made.
    public func filters() -> [Filter] {
        var filters: [Filter] = []
        each(
            """
            SELECT file, query, layout, names, configured, members, checked, folds, asserts, untags
            FROM filter ORDER BY file
            """
        ) {
            filters.append(Filter($0))
            return true
        }
        return filters
    }

    /// The filter at a path below `/filters`, with or without slashes around it.
    public func filter(at path: String) -> Filter? {
        var directory = FileID.filters
        // By bytes: a character may reach over the slash before it.
        for component in path.utf8.split(separator: UInt8(ascii: "/")) {
            let found = first(
                "SELECT file FROM entry WHERE parent = ? AND name = ?",
                .integer(directory),
                .text(String(decoding: component, as: UTF8.self))
            ) { $0.integer(0) }
            guard let found else { return nil }
            directory = found
        }
        return filter(of: directory)
    }

    /// Stores a filter, new or changed, if its query can be evaluated.
    ///
    /// Returns what may be a mistake in the query but is no error, such as a tag that no file has.
    ///
    /// - Throws: `.query` where the query can't be understood, refers to a filter that does not exist,
    ///   or to itself; then what was there before is kept.
    @discardableResult
    public func store(_ filter: Filter) throws(MetadataError) -> [String] {
        let before = self.filter(of: filter.file)
        // Made at the first need: few ask for it, and every name costs.
        if filter.folds {
            execute(
                """
                CREATE INDEX IF NOT EXISTS entry_folded ON entry(gosync_fold(name), file, parent)
                """
            )
        }
        write(filter)
        do throws(MetadataError) {
            // After the row is written, so that a circle through this very filter is found.
            return try check(query: filter.query)
        } catch {
            if let before { write(before) } else { deleteFilter(of: filter.file) }
            throw error
        }
    }

    private func write(_ filter: Filter) {
        run(
            """
            INSERT INTO filter(file, query, layout, names, configured, members, folds, asserts, untags)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(file) DO UPDATE
            SET query = ?2, layout = ?3, names = ?4, configured = ?5, members = ?6, folds = ?7,
              asserts = ?8, untags = ?9
            """,
            .integer(filter.file),
            .text(filter.query),
            .text(filter.layout.rawValue),
            .text(filter.names.rawValue),
            .integer(filter.isConfigured ? 1 : 0),
            filter.members.map(Value.blob) ?? .null,
            .integer(filter.folds ? 1 : 0),
            .integer(filter.asserts ? 1 : 0),
            .integer(filter.untags ? 1 : 0)
        )
    }

    /// Remembers up to when the passing of time has been looked at.
    public func setChecked(_ time: Timestamp, of filter: FileID) {
        run(
            "UPDATE filter SET checked = ? WHERE file = ?",
            .integer(time.nanoseconds),
            .integer(filter)
        )
    }

    /// Remembers what the filter held when its directory's mtime was moved.
    public func setMembers(_ fingerprint: [UInt8], of filter: FileID) {
        run(
            "UPDATE filter SET members = ? WHERE file = ?",
            .blob(fingerprint),
            .integer(filter)
        )
    }

    /// Makes the directory a plain one again.
    public func deleteFilter(of directory: FileID) {
        run("DELETE FROM filter WHERE file = ?", .integer(directory))
    }

    /// Reads a query as a filter would, and returns what may be a mistake.
    ///
    /// - Throws: `.query` with what is wrong, for people to read.
    public func check(query: String) throws(MetadataError) -> [String] {
        try prepare(query, at: .local()).warnings(catalogue)
    }
}

extension Filter {
    fileprivate init(_ row: borrowing Row) {
        self.init(file: row.integer(0), query: row.text(1))
        layout = Layout(rawValue: row.text(2)) ?? .flat
        names = Names(rawValue: row.text(3)) ?? .collide
        isConfigured = row.integer(4) != 0
        members = row.isNull(5) ? nil : row.blob(5)
        checked = row.optionalInteger(6).map(Timestamp.init(nanoseconds:))
        folds = row.integer(7) != 0
        asserts = row.integer(8) != 0
        untags = row.integer(9) != 0
    }
}

/// How a filter's text becomes SQL.
extension Connection {
    /// A query with its filters filled in.
    func prepare(_ text: String, at present: Present) throws(MetadataError) -> PreparedQuery {
        do throws(QueryError) {
            let query = try QueryCache.shared.query(text)
            return try PreparedQuery(query, present: present) { self.filter(at: $0)?.query }
        } catch {
            throw .query(error)
        }
    }

    var catalogue: Catalogue {
        Catalogue { sql, columns in
            var rows: [[Int64]] = []
            self.each(query: sql) { row in
                rows.append((0..<columns).map { row.integer($0) })
                return true
            }
            return rows
        }
    }
}
