public import SQLite

/// Names, attributes, tags and filters, in one SQLite database.
///
/// The rows are read and written by the methods of `Connection` in this module, from within `read`,
/// `snapshot` or `write`. Each of these throws what its body throws, or the database's own failure as
/// the same type.
public final class Metadata: Sendable {
    public let database: Database
    /// Moves the times of views with what they hold.
    public let views = ViewWatch()

    /// Opens or creates the metadata at a path.
    public init(path: String) throws(MetadataError) {
        database = try Database(
            path: path,
            functions: QueryFunctions.all,
            version: Schema.version,
            watching: ChangedFiles.tables,
            watch: WriteWatch { [views] before, after in
                views.note(before: before, after: after)
            } settle: { [views] before, after in
                views.settle(before: before, after: after)
            } end: { [views] isCommitted in
                views.end(isCommitted)
            }
        ) { (rows) throws(MetadataError) in
            try Schema.prepare(rows)
            rows.noteTags()
        }
    }
}

/// The number of a file: its inode number and its row.
public typealias FileID = Int64

extension FileID {
    /// The directories that exist in every volume.
    ///
    /// The backends' and the filters' come after.
    public static let root: FileID = 1
    public static let backends: FileID = 2
    public static let filters: FileID = 3
}
