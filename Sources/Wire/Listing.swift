/// Answer of `GET /v1/list`: a directory's entries, or the one entry of a file.
public struct Listing: Message {
    public var path: String
    public var entries: [Entry]
    /// Goes into `after` for the next page; absent on the last.
    public var next: String?

    public init(path: String, entries: [Entry], next: String? = nil) {
        self.path = path
        self.entries = entries
        self.next = next
    }
}

/// A file, directory or link.
public struct Entry: Message {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case file, directory, symlink
        /// A stored filter: a directory whose content a query decides.
        case filter
        case other
    }

    public var name: String
    public var kind: Kind
    public var inode: UInt64
    public var sizeBytes: Int64
    /// Permission bits only.
    public var mode: UInt32
    public var owner: UInt32
    public var group: UInt32
    public var modified: Moment
    /// Where a symbolic link leads.
    public var target: String?
    /// Of a directory that is a backend: how that is doing.
    public var state: VolumeStatus.Backend.State?

    public init(
        name: String,
        kind: Kind,
        inode: UInt64,
        sizeBytes: Int64,
        mode: UInt32,
        owner: UInt32,
        group: UInt32,
        modified: Moment,
        target: String? = nil,
        state: VolumeStatus.Backend.State? = nil
    ) {
        self.name = name
        self.kind = kind
        self.inode = inode
        self.sizeBytes = sizeBytes
        self.mode = mode
        self.owner = owner
        self.group = group
        self.modified = modified
        self.target = target
        self.state = state
    }
}
