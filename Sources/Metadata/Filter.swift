public import Base

/// A directory below `/filters` whose content is the answer to a query.
public struct Filter: Equatable, Sendable {
    public enum Layout: String, Sendable {
        /// All files side by side.
        case flat
        /// `<backend>/<path>`.
        case tree
    }

    /// Which files carry a mark in a flat view.
    public enum Names: String, Sendable {
        /// Those whose names collide.
        case collide
        case always
    }

    /// The directory.
    public var file: FileID
    public var query: String
    public var layout = Layout.flat
    public var names = Names.collide
    /// Whether names that differ in case only collide, for Samba and macOS.
    public var folds = false
    /// Whether `ln` and `mv` of a file into the view set the tags of its query.
    public var asserts = false
    /// Whether `unlink` in the view removes them.
    public var untags = false
    /// Whether it stands in the configuration, and so is not for programs to change.
    public var isConfigured = false
    /// Of a view with a LIMIT, the fingerprint of its members when the directory's mtime last moved.
    public var members: [UInt8]?
    /// Up to when the passing of time has been looked at, for a query that speaks of `now`.
    public var checked: Timestamp?

    public init(file: FileID, query: String) {
        self.file = file
        self.query = query
    }
}
