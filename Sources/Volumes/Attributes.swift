public import Base
import Metadata
import Stores

/// What the kernel learns of a file, and for how long it may rely on it.
public struct Attributes: Equatable, Sendable {
    public var inode: UInt64
    /// Type and permissions, as `st_mode`.
    public var mode: UInt32
    public var owner: UInt32
    public var group: UInt32
    public var links: UInt32
    /// In bytes.
    public var size: Int64
    public var modified: Timestamp
    public var accessed: Timestamp
    public var changed: Timestamp
    public var device: UInt64
    /// How long these may be kept without asking again.
    public var validSeconds: Double

    init(_ file: File, validSeconds: Double) {
        inode = UInt64(bitPattern: file.id)
        mode = file.mode
        owner = file.owner
        group = file.group
        links = UInt32(clamping: file.links)
        size = file.size
        modified = file.modified
        accessed = file.accessed
        changed = file.changed
        device = file.device
        self.validSeconds = validSeconds
    }

    /// What a listing of names tells.
    init(inode: UInt64, mode: UInt32) {
        self.inode = inode
        self.mode = mode
        owner = 0
        group = 0
        links = 0
        size = 0
        modified = Timestamp(nanoseconds: 0)
        accessed = modified
        changed = modified
        device = 0
        validSeconds = 0
    }

    public var isDirectory: Bool { mode & 0o170000 == 0o040000 }
}

extension File {
    /// Whether `stat` tells this file from what was known of it.
    func isShown(otherwiseThan file: File) -> Bool {
        Attributes(self, validSeconds: 0) != Attributes(file, validSeconds: 0)
    }
}

extension File {
    /// Whether what is recorded with an object shows that guesses about others like it would be wrong.
    ///
    /// Who records a mode or an owner has links too, whatever this one has. Many record nothing but the
    /// time of the file; where that is about the object's own, nothing much is lost by the guess.
    func isRefuted(by recorded: ObjectAttributes) -> Bool {
        if recorded.mode != nil || recorded.owner != nil || recorded.group != nil { return true }
        guard let time = recorded.modified, !isDirectory else { return false }
        return abs(time.secondsSince(modified)) > Self.uploadSeconds
    }

    /// What is sent soon after it was written is sent within this time.
    private static let uploadSeconds: Double = 120
}

/// A name and what it stands for.
public struct DirectoryEntry: Equatable, Sendable {
    public var name: Name
    /// Continues a listing after this entry.
    public var cookie: Int64
    public var attributes: Attributes
    /// How long the kernel may take the name for granted.
    public var validSeconds: Double
    /// How much of `attributes` holds; the rest is a guess, or missing.
    public var certainty = Certainty.all

    public enum Certainty: Equatable, Sendable {
        case all
        /// Number and type.
        case type
        /// The number.
        case number
    }
}

/// What `setattr` is to change; `nil` stays.
public struct AttributeChanges: Equatable, Sendable {
    public var mode: UInt32?
    public var owner: UInt32?
    public var group: UInt32?
    public var size: Int64?
    public var modified: Timestamp?
    public var accessed: Timestamp?

    public init() {}

    var isOnlySize: Bool {
        mode == nil && owner == nil && group == nil && modified == nil && accessed == nil
    }
}
