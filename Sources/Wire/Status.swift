/// Answer of `GET /v1/version`.
public struct Version: Message {
    public var version: String
    /// The revision of this API: grows with what is added, while `/v1` promises what stays.
    public var api: Int

    public init(version: String, api: Int = 1) {
        self.version = version
        self.api = api
    }
}

/// Answer of `GET /v1/status`: the daemon, its backends, its cache.
public struct Status: Message {
    public var daemon: Daemon
    public var volume: VolumeStatus

    public init(daemon: Daemon, volume: VolumeStatus) {
        self.daemon = daemon
        self.volume = volume
    }

    /// The process.
    public struct Daemon: Message {
        public var version: String
        public var pid: Int32
        public var started: Moment
        /// The configuration file; absent for the built-in default.
        public var configuration: String?
        public var dataDirectory: String
        public var mountPoints: [String]
        /// What the operator should know, such as a configuration that others can read.
        public var warnings: [String]

        public init(
            version: String,
            pid: Int32,
            started: Moment,
            configuration: String?,
            dataDirectory: String,
            mountPoints: [String],
            warnings: [String]
        ) {
            self.version = version
            self.pid = pid
            self.started = started
            self.configuration = configuration
            self.dataDirectory = dataDirectory
            self.mountPoints = mountPoints
            self.warnings = warnings
        }
    }
}

/// What the file system says of itself.
public struct VolumeStatus: Message {
    public var backends: [Backend]
    public var cache: Cache
    /// Files whose newest content is not yet in their store.
    public var pendingUploads: Int
    public var pendingBytes: Int64
    /// What the stores have yet to get, in more detail.
    public var pending: Pending
    /// Files known, tags on them, filters stored.
    public var files: Int
    public var tags: Int
    public var filters: Int
    /// Files that were changed here and elsewhere at once: ours, beside theirs.
    public var conflicts: Int

    public init(
        backends: [Backend],
        cache: Cache,
        pendingUploads: Int,
        pendingBytes: Int64,
        pending: Pending = Pending(),
        files: Int,
        tags: Int,
        filters: Int,
        conflicts: Int = 0
    ) {
        self.backends = backends
        self.cache = cache
        self.pendingUploads = pendingUploads
        self.pendingBytes = pendingBytes
        self.pending = pending
        self.files = files
        self.tags = tags
        self.filters = filters
        self.conflicts = conflicts
    }

    public struct Pending: Message {
        /// Objects to be sent, to be copied within their store, and to be removed from it.
        public var uploads = 0
        public var copies = 0
        public var removals = 0
        /// Of the uploads.
        public var bytes: Int64 = 0
        /// How many of all these failed when last tried, and are tried again.
        public var failed = 0
        /// Since when the oldest is pending.
        public var oldest: Moment?
        public var objectsPerSecond = 0.0
        public var bytesPerSecond = 0.0
        /// An estimate; absent while nothing moves.
        public var secondsLeft: Double?

        public init() {}
    }

    public struct Backend: Message {
        public enum State: String, Codable, Sendable, CaseIterable {
            /// It is new, and was not looked through yet.
            case provisioning
            case ready
            /// It cannot be reached.
            case offline
            /// It refuses what it is asked, or has not taken what it should.
            case error
        }

        /// Who set it up, and so where it can be changed.
        public enum Source: String, Codable, Sendable, CaseIterable {
            case configuration, provisioned
        }

        public var id: String
        /// What people call it; absent where they gave it no name.
        public var name: String?
        /// `s3` or `local`.
        public var type: String
        /// Where it is, such as `http://localhost:9000/bucket/prefix/` or a directory.
        public var place: String
        public var readOnly: Bool
        public var source: Source
        public var state: State
        /// Why the last request failed; absent while all is well.
        public var error: String?
        /// Absent until the store was first asked to change something.
        public var conditions: Conditions?

        /// Which requests the store itself refuses where somebody else was faster; before all others it is
        /// asked, which leaves a moment.
        public struct Conditions: Message {
            public enum Deletion: String, Codable, Sendable, CaseIterable {
                /// None.
                case no
                /// By the time of the object, of one to a request.
                case byTime
                /// Of one to a request.
                case one
                case always
            }

            /// That put an object where it belongs.
            public var put: Bool
            /// That copy one there.
            public var copy: Bool
            public var delete: Deletion

            public init(put: Bool, copy: Bool, delete: Deletion) {
                self.put = put
                self.copy = copy
                self.delete = delete
            }
        }

        public init(
            id: String,
            name: String? = nil,
            type: String,
            place: String,
            readOnly: Bool,
            source: Source = .configuration,
            state: State = .ready,
            error: String?,
            conditions: Conditions? = nil
        ) {
            self.id = id
            self.name = name
            self.type = type
            self.place = place
            self.readOnly = readOnly
            self.source = source
            self.state = state
            self.error = error
            self.conditions = conditions
        }
    }

    public struct Cache: Message {
        public var usedBytes: Int64
        public var sizeBytes: Int64

        public init(usedBytes: Int64, sizeBytes: Int64) {
            self.usedBytes = usedBytes
            self.sizeBytes = sizeBytes
        }
    }
}
