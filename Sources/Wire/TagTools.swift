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
    /// The answer is a `TagReport` a line.
    public var reports: Bool?

    public init(
        query: String? = nil,
        paths: [String]? = nil,
        recursive: Bool? = nil,
        set: [Tag]? = nil,
        add: [Tag]? = nil,
        remove: [Tag]? = nil,
        reports: Bool? = nil
    ) {
        self.query = query
        self.paths = paths
        self.recursive = recursive
        self.set = set
        self.add = add
        self.remove = remove
        self.reports = reports
    }
}

/// Answer of `POST /v1/tags/bulk`, `POST /v1/tags/rename` and `POST /v1/tags/auto`.
public struct ChangedFiles: Message {
    public var files: Int
    /// Of a dry run, what the first thousand would get.
    public var proposed: [FileTags]?

    public init(files: Int, proposed: [FileTags]? = nil) {
        self.files = files
        self.proposed = proposed
    }
}

/// A line of the answer to a change of many files whose body has `reports`; one at each whole percent.
public struct TagReport: Message {
    public enum State: String, Codable, Sendable, CaseIterable { case running, done, failed }

    public var state: State
    public var filesDone: Int
    /// How many there are.
    public var files: Int
    /// On the last line, where it was done.
    public var changed: ChangedFiles?
    /// On the last line, where it failed: nothing was changed then.
    public var problem: Problem?

    public init(
        state: State,
        filesDone: Int,
        files: Int,
        changed: ChangedFiles? = nil,
        problem: Problem? = nil
    ) {
        self.state = state
        self.filesDone = filesDone
        self.files = files
        self.changed = changed
        self.problem = problem
    }
}

/// Body of `POST /v1/tags/auto`: give files the tags that something tells of them.
public struct AutoTag: Message {
    /// What tells.
    public enum Method: String, Codable, Sendable, CaseIterable {
        /// Where they lie, by the rules `[tagger NAME]` of the configuration.
        case path
    }

    /// A file, or a directory with all below it.
    public var path: String
    public var by: Method
    /// Also in place of values that a key has already.
    public var replace: Bool?
    /// Changes nothing.
    public var dryRun: Bool?
    /// The answer is a `TagReport` a line.
    public var reports: Bool?

    public init(
        path: String,
        by: Method,
        replace: Bool? = nil,
        dryRun: Bool? = nil,
        reports: Bool? = nil
    ) {
        self.path = path
        self.by = by
        self.replace = replace
        self.dryRun = dryRun
        self.reports = reports
    }
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
    /// The answer is a `TagReport` a line.
    public var reports: Bool?

    public init(key: String, new: String, reports: Bool? = nil) {
        self.key = key
        self.new = new
        self.reports = reports
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
