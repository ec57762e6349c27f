/// Body of `POST /v1/tags/bulk`: one change for many files, all or none of them.
public struct BulkTagChange: Message {
    /// Files that a query selects, or else `paths`.
    public var query: String?
    public var paths: [String]?
    /// Of directories in `paths`, all files below.
    public var recursive: Bool?
    public var set: [Tag]?
    public var add: [Tag]?
    public var remove: [Tag]?

    public init(
        query: String? = nil,
        paths: [String]? = nil,
        recursive: Bool? = nil,
        set: [Tag]? = nil,
        add: [Tag]? = nil,
        remove: [Tag]? = nil
    ) {
        self.query = query
        self.paths = paths
        self.recursive = recursive
        self.set = set
        self.add = add
        self.remove = remove
    }
}

/// Answer of `POST /v1/tags/bulk` and `POST /v1/tags/rename`.
public struct ChangedFiles: Message {
    public var files: Int

    public init(files: Int) { self.files = files }
}

/// Answer of `GET /v1/tags/keys` and `GET /v1/tags/values`: what is in use, and on how many files.
public struct TagUse: Message {
    public struct Count: Message {
        public var text: String
        public var files: Int

        public init(text: String, files: Int) {
            self.text = text
            self.files = files
        }
    }

    public var counts: [Count]

    public init(counts: [Count]) { self.counts = counts }
}

/// Body of `POST /v1/tags/rename`.
public struct TagRename: Message {
    public var key: String
    public var new: String

    public init(key: String, new: String) {
        self.key = key
        self.new = new
    }
}

/// A file with its tags and other attributes: a line of an export.
public struct TaggedFile: Message {
    public struct Attribute: Message {
        public var name: String
        /// The bytes of its value, in base64.
        public var base64: String

        public init(name: String, base64: String) {
            self.name = name
            self.base64 = base64
        }
    }

    /// Below `/backends`, the backend's id first.
    public var path: String
    public var tags: [Tag]
    public var attributes: [Attribute]?

    public init(path: String, tags: [Tag], attributes: [Attribute]? = nil) {
        self.path = path
        self.tags = tags
        self.attributes = attributes
    }
}

/// Answer of `GET /v1/tags/export`, and body of `POST /v1/tags/import`.
public struct TaggedFiles: Message {
    public var files: [TaggedFile]
    /// Goes into `after` for the next page; absent on the last.
    public var next: String?

    public init(files: [TaggedFile], next: String? = nil) {
        self.files = files
        self.next = next
    }
}

/// Answer of `POST /v1/tags/import`.
public struct ImportedTags: Message {
    public var files: Int
    /// Paths at which there is nothing.
    public var missing: [String]

    public init(files: Int, missing: [String]) {
        self.files = files
        self.missing = missing
    }
}

/// Answer of `GET /v1/filters/explain`.
public struct QueryPlan: Message {
    public var query: String
    public var tree: String
    public var sql: String
    public var plan: [String]
    /// About how many rows are gone through.
    public var rows: Int64
    public var warnings: [String]

    public init(
        query: String,
        tree: String,
        sql: String,
        plan: [String],
        rows: Int64,
        warnings: [String]
    ) {
        self.query = query
        self.tree = tree
        self.sql = sql
        self.plan = plan
        self.rows = rows
        self.warnings = warnings
    }
}
