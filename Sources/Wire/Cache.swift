/// Answer of `GET /v1/cache`.
public struct CacheState: Message {
    public var usedBytes: Int64
    public var sizeBytes: Int64
    /// Of files whose newest bytes are only here.
    public var unsentBytes: Int64
    /// Paths of files that are not evicted.
    public var pinned: [String]

    public init(usedBytes: Int64, sizeBytes: Int64, unsentBytes: Int64, pinned: [String]) {
        self.usedBytes = usedBytes
        self.sizeBytes = sizeBytes
        self.unsentBytes = unsentBytes
        self.pinned = pinned
    }
}

/// Answer of `POST /v1/cache/clear`.
public struct ClearedCache: Message {
    public var freedBytes: Int64

    public init(freedBytes: Int64) { self.freedBytes = freedBytes }
}

/// Body of `POST /v1/cache/pin`.
public struct PinChange: Message {
    /// A file, or a directory for all that is below it now.
    public var path: String
    public var pinned: Bool

    public init(path: String, pinned: Bool) {
        self.path = path
        self.pinned = pinned
    }
}
