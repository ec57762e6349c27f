public import Base

/// All that `mount.conf` can say, with defaults for what it does not.
public struct Configuration: Equatable, Sendable {
    /// The file this was read from; `nil` for the built-in default.
    public var path: String?
    public var mount: Mount
    public var cache: Cache
    public var metadata: Metadata
    public var encrypt = Encrypt()
    public var log = Logging()
    public var control = Control()
    public var telemetry = Telemetry()
    /// In the order of the file, and never empty.
    public var backends: [Backend] = []
    public var filters: [Filter] = []
    public var taggers: [Tagger] = []
    /// What the operator should know and nothing depends on, each a line ready to print.
    public var warnings: [String] = []

    /// Where the daemon listens for `gosync`.
    public var socketPath: String { mount.dataDirectory + "/gosync.sock" }

    /// What a client has to show where it does not come by the socket.
    public var tokenPath: String { mount.dataDirectory + "/token" }

    /// What a configuration without a file says.
    init(dataDirectory: String) {
        mount = Mount(dataDirectory: dataDirectory)
        cache = Cache(directory: dataDirectory + "/cache")
        metadata = Metadata(path: dataDirectory + "/metadata.db")
    }
}

extension Configuration {
    /// The section `[mount]`.
    public struct Mount: Equatable, Sendable {
        public var dataDirectory: String
        public var close = Close.async
        /// With `close = async`, a file goes to its store when it was left alone for this long.
        public var uploadAfterSeconds = 5.0
        public var durability = Durability.local
        public var unmount = Unmounting.flush
        /// How long an unmount waits for the stores at most.
        public var unmountLimitSeconds = 120.0
        /// Lets the kernel read what is wholly in the cache by itself, where it can.
        public var passthrough = true
        public var ioUring = IOUring.auto
        /// Lets users other than the one who mounts in, as far as the modes of the files allow.
        public var allowOther = false
        /// How long a listing counts as true before the store is asked again; at least 1.
        public var directoryTTLSeconds = 60.0
        /// The owner of what has none recorded; `nil` for the user who mounts.
        public var owner: UInt32?
        public var group: UInt32?
        /// The permission bits that what has no mode recorded does not get.
        public var umask: UInt32 = 0o022
    }

    /// When an upload has to be done.
    public enum Close: String, CaseIterable, Sendable {
        /// `close` returns once the store has the object.
        case sync
        /// `close` returns at once, and the upload follows when the file is left alone.
        case async
    }

    /// Where `fsync` has to have brought the bytes.
    public enum Durability: String, CaseIterable, Sendable {
        /// To this machine's disk.
        case local
        /// To the store.
        case remote
    }

    /// Whether requests come by io_uring.
    public enum IOUring: String, CaseIterable, Sendable {
        /// Where the kernel's switch for it is on.
        case auto
        /// There, and where it can be switched on.
        case yes
        case no
    }

    /// What an unmount does about what the stores have yet to get.
    public enum Unmounting: String, CaseIterable, Sendable {
        /// It waits for the stores, for so long.
        case flush
        /// It ends at once; the next start delivers.
        case leave
    }

    /// The section `[cache]`.
    public struct Cache: Equatable, Sendable {
        public var directory: String
        public var sizeBytes: Int64 = 20 << 30
        /// What it leaves free of its disk; `nil` for what suits the disk.
        public var minFreeBytes: Int64?
        /// The bytes that may be on their way at once; `nil` for what suits the machine.
        public var memoryBytes: Int64?

        /// Less could not hold what one reader and one writer need at a time.
        public static let smallestBytes: Int64 = 16 << 20
        /// Less could not keep a store busy.
        public static let smallestMemoryBytes: Int64 = 8 << 20
    }

    /// The section `[metadata]`.
    public struct Metadata: Equatable, Sendable {
        /// The database of names, attributes and tags.
        public var path: String
    }

    /// The section `[encrypt]`.
    public struct Encrypt: Equatable, Sendable {
        /// What the keys of provisioned backends are sealed with; `nil` leaves it to other places.
        public var secret: Secret?
    }

    /// The section `[log]`.
    public struct Logging: Equatable, Sendable {
        public var levels = LogLevels()
        public var format = LogFormat.text
        public var output = Output.automatic
        /// In place of `output`; `nil` for the usual place.
        public var file: String?
        public var rotation = LogFile.Rotation()

        public enum Output: String, CaseIterable, Sendable {
            /// The journal for a service of systemd, else standard error or, in the background, a file.
            case automatic = "auto"
            case standardError = "stderr"
            case journal
        }
    }

    /// The section `[control]`.
    public struct Control: Equatable, Sendable {
        /// Where the control API is to be had besides its socket; `nil` for nowhere.
        public var listen: Listening?

        public struct Listening: Equatable, Sendable {
            /// An address of this machine that no other reaches.
            public var address: String
            public var port: UInt16
        }
    }

    /// The section `[telemetry]`.
    public struct Telemetry: Equatable, Sendable {
        /// The collector of traces; `nil` for none.
        public var otlpEndpoint: String?
    }

    /// A section `[filter PATH]`.
    public struct Filter: Equatable, Sendable {
        /// Below `/filters`, without a `/` at either end.
        public var path: String
        public var query: Query
        public var layout = Layout.flat
        public var names = Naming.collide
        public var casing = Casing.exact
        /// Whether `ln` and `mv` into the view set the tags of its query.
        public var asserts = false
        public var unlink = Unlinking.refuse
        /// Where the section starts in the file.
        public var line: Int

        /// The text of a query, not yet parsed, and the line of the file an error in it belongs to.
        public struct Query: Equatable, Sendable {
            public var text: String
            public var line: Int
        }

        public enum Layout: String, CaseIterable, Sendable { case flat, tree }

        /// Which files of a view carry a suffix that tells equal names apart.
        public enum Naming: String, CaseIterable, Sendable { case collide, always }

        /// Whether names that differ in case only collide.
        public enum Casing: String, CaseIterable, Sendable { case exact, fold }

        /// What removing a name from the view does.
        public enum Unlinking: String, CaseIterable, Sendable { case refuse, untag }
    }

    /// A section `[tagger NAME]`: tags that the paths of files tell.
    public struct Tagger: Equatable, Sendable {
        public var name: String
        /// The rule, not yet parsed.
        public var rule: Rule
        /// The id of the only backend it is for.
        public var backend: String?

        public struct Rule: Equatable, Sendable {
            public var text: String
            public var line: Int
        }
    }
}

extension Configuration {
    /// A mistake in a rule, with the place of it.
    public func mistake(_ mistake: some Error, in tagger: Tagger) -> SettingsError {
        let message = "[tagger \(tagger.name)]: 'path' makes no sense: \(mistake)"
        return SettingsError(path: path, line: tagger.rule.line, message: message)
    }
}
