/// Answer of `GET /v1/file`: all that is known of a file, directory or link.
public struct FileDetails: Message {
    /// Below `/backends`, however it was asked for.
    public var path: String
    public var entry: Entry
    /// When its attributes or tags last changed.
    public var changed: Moment
    /// Absent for directories of GoSync's own.
    public var backend: String?
    /// The object it lies in.
    public var key: String?
    public var etag: String?
    /// `clean`, `dirty` (bytes that the store does not have yet), `pending` or `error`.
    public var state: String?
    /// Why it could not be delivered.
    public var error: String?
    public var tags: [Tag]

    public init(
        path: String,
        entry: Entry,
        changed: Moment,
        backend: String? = nil,
        key: String? = nil,
        etag: String? = nil,
        state: String? = nil,
        error: String? = nil,
        tags: [Tag] = []
    ) {
        self.path = path
        self.entry = entry
        self.changed = changed
        self.backend = backend
        self.key = key
        self.etag = etag
        self.state = state
        self.error = error
        self.tags = tags
    }
}

/// Body of `PATCH /v1/file`; what is absent stays.
public struct FileChange: Message {
    /// Renames it to this path, and replaces a file that is there.
    public var path: String?
    public var modified: Moment?

    public init(path: String? = nil, modified: Moment? = nil) {
        self.path = path
        self.modified = modified
    }
}

/// Body of `POST /v1/directory`.
public struct NewDirectory: Message {
    public var path: String
    /// Make what is missing above it as well; it is no error then if it is there.
    public var parents: Bool?

    public init(path: String, parents: Bool? = nil) {
        self.path = path
        self.parents = parents
    }
}
