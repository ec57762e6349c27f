public import Base
public import Metadata
import Queries
public import SQLite
public import Stores

/// Why something asked of the volume by name was not done.
public enum VolumeProblem: Error, Equatable, Sendable {
    case errno(Errno)
    /// A query that makes no sense: one line, the query, a caret and what was expected.
    case query(String)
    /// A filter that stands in the configuration, and is changed there.
    case configured
}

/// Why a filter of the configuration cannot be stored.
public struct ConfiguredFilterProblem: Error, Equatable, Sendable {
    /// `nil` where it is the database that failed.
    public var path: String?
    public var problem: VolumeProblem
}

/// A filter with its place.
public struct FilterDescription: Equatable, Sendable {
    /// Below `/filters`, without a slash at either end.
    public var path: String
    public var query: String
    public var layout: Filter.Layout
    public var names: Filter.Names
    /// Whether names that differ in case only collide.
    public var folds: Bool
    /// Whether `ln` and `mv` into the view set the tags of its query, and `unlink` removes them.
    public var asserts: Bool
    public var untags: Bool
    public var isConfigured: Bool
    /// Why it cannot be evaluated, if so.
    public var problem: String?

    public init(
        path: String,
        query: String,
        layout: Filter.Layout = .flat,
        names: Filter.Names = .collide,
        folds: Bool = false,
        asserts: Bool = false,
        untags: Bool = false,
        isConfigured: Bool
    ) {
        self.path = path
        self.query = query
        self.layout = layout
        self.names = names
        self.folds = folds
        self.asserts = asserts
        self.untags = untags
        self.isConfigured = isConfigured
    }
}

/// A file that a query selects.
public struct Found: Equatable, Sendable {
    /// Continues after this file.
    public var file: FileID
    /// Absolute in the volume.
    public var path: String
    public var attributes: Attributes
}

/// Changes of a file's tags, all at once: first what is removed, then what is set, then what is added.
public struct TagChanges: Equatable, Sendable {
    /// Keys, each with one value or, with `nil`, all of them.
    public var removed: [(key: String, value: String?)] = []
    public var set: [(key: String, values: [String])] = []
    public var added: [Tag] = []

    public init() {}

    public static func == (one: TagChanges, other: TagChanges) -> Bool {
        one.added == other.added && one.removed.elementsEqual(other.removed, by: ==)
            && one.set.elementsEqual(other.set) { $0.key == $1.key && $0.values == $1.values }
    }
}

/// How the volume is doing.
public struct VolumeSummary: Equatable, Sendable {
    public struct Backend: Equatable, Sendable {
        public var name: String
        public var label: String?
        public var type: String
        public var place: String
        public var isReadOnly: Bool
        public var isProvisioned: Bool
        public var state: BackendState
        public var problem: String?
        /// As far as they are known by now.
        public var capabilities: Capabilities?
        public var pending: Int64
        public var failed: Int64
    }

    public var backends: [Backend]
    public var cacheBytes: Int64
    public var cacheSizeBytes: Int64
    public var pendingBytes: Int64
    public var pending: FlushProgress
    public var files: Int64
    public var tags: Int64
    public var filters: Int64
    /// Files that were changed here and elsewhere at once, and that nobody has settled yet.
    public var conflicts: Int64
}

extension VolumeProblem: DatabaseFailure {
    public init(_ error: DatabaseError) { self = .errno(Errno(error)) }

    init(_ error: MetadataError) {
        switch error {
        case .query(let error): self = .query(error.description)
        case .database(let error): self = .errno(Errno(error))
        case .newerSchema: self = .errno(.ioError)
        }
    }
}
