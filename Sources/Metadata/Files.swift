public import Base
public import SQLite

/// An inode: what `stat` tells of a file, and where it stands against the store.
public struct File: Equatable, Sendable {
    public var id: FileID
    /// The backend it lives on; 0 for directories of GoSync's own.
    public var backend: Int64
    /// Type and permissions, as `st_mode`.
    public var mode: UInt32
    public var owner: UInt32
    public var group: UInt32
    public var links: Int64
    /// In bytes.
    public var size: Int64
    public var modified: Timestamp
    public var accessed: Timestamp
    public var changed: Timestamp
    public var device: UInt64 = 0
    /// Where a symbolic link points to.
    public var target: String?
    /// Content type and foreign metadata of the object, as JSON.
    public var extra: String?
    /// Whether the attributes were read from the object itself, not guessed from a listing.
    public var isKnown = true
    /// Generation of the bytes: an entry whose `storedData` is lower has an outdated object.
    public var data: Int64 = 0
    /// Generation of the attributes.
    public var meta: Int64 = 0
    /// When this directory was last listed whole.
    public var listed: Timestamp?

    public init(backend: Int64, mode: UInt32, owner: UInt32, group: UInt32, at now: Timestamp) {
        id = 0
        self.backend = backend
        self.mode = mode
        self.owner = owner
        self.group = group
        links = mode & 0o170000 == 0o040000 ? 2 : 1
        size = 0
        modified = now
        accessed = now
        changed = now
    }

    public enum Kind: Equatable, Sendable { case regular, directory, link, special }

    public var kind: Kind {
        switch mode & 0o170000 {
        case 0o100000: .regular
        case 0o040000: .directory
        case 0o120000: .link
        default: .special
        }
    }

    public var isDirectory: Bool { kind == .directory }

    /// Whether it is known what kind of file it is: a listing does not tell a symbolic link, or a special
    /// file, from a short one.
    public var hasCertainType: Bool {
        Self.isTypeCertain(isKnown: isKnown, mode: mode, size: size)
    }

    /// Symbolic links longer than Linux allows (`PATH_MAX`) are cut off, and so refused by it.
    public static let longestTarget: Int64 = 4095

    static func isTypeCertain(isKnown: Bool, mode: UInt32, size: Int64) -> Bool {
        isKnown || mode & 0o170000 != 0o100000 || size > longestTarget
    }
}

extension File {
    static let columnCount = 17

    /// Reads the columns named by `fileColumns`, starting at `first`.
    init(_ row: borrowing Row, from first: Int = 0) {
        id = row.integer(first)
        backend = row.integer(first + 1)
        mode = UInt32(truncatingIfNeeded: row.integer(first + 2))
        owner = UInt32(truncatingIfNeeded: row.integer(first + 3))
        group = UInt32(truncatingIfNeeded: row.integer(first + 4))
        links = row.integer(first + 5)
        size = row.integer(first + 6)
        modified = Timestamp(nanoseconds: row.integer(first + 7))
        accessed = Timestamp(nanoseconds: row.integer(first + 8))
        changed = Timestamp(nanoseconds: row.integer(first + 9))
        device = UInt64(bitPattern: row.integer(first + 10))
        target = row.optionalText(first + 11)
        extra = row.optionalText(first + 12)
        isKnown = row.integer(first + 13) != 0
        data = row.integer(first + 14)
        meta = row.integer(first + 15)
        listed = row.optionalInteger(first + 16).map(Timestamp.init(nanoseconds:))
    }
}

extension Connection {
    /// A file; the writing connection remembers it.
    public func file(_ id: FileID) -> File? {
        remembered("file", id, row: \.id) {
            first(
                """
                SELECT id, backend, mode, uid, gid, links, size, mtime, atime, ctime, device, target,
                  extra, known, data, meta, listed FROM file WHERE id = ?
                """,
                .integer(id)
            ) { File($0) }
        }
    }

    /// Adds a file, and gives it the next number; its `id` is ignored.
    public func insert(_ file: File) -> FileID {
        run(
            """
            INSERT INTO file(backend, mode, uid, gid, links, size, mtime, atime, ctime, device, target,
              extra, known, data, meta, listed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .integer(file.backend),
            .integer(Int64(file.mode)),
            .integer(Int64(file.owner)),
            .integer(Int64(file.group)),
            .integer(file.links),
            .integer(file.size),
            .integer(file.modified.nanoseconds),
            .integer(file.accessed.nanoseconds),
            .integer(file.changed.nanoseconds),
            .integer(Int64(bitPattern: file.device)),
            .optional(file.target),
            .optional(file.extra),
            .integer(file.isKnown ? 1 : 0),
            .integer(file.data),
            .integer(file.meta),
            .optional(file.listed?.nanoseconds)
        )
        return lastInsertedRow
    }

    /// Writes every column of a file but `links`, which only the names change.
    public func update(_ file: File) {
        run(
            """
            UPDATE file SET mode = ?, uid = ?, gid = ?, size = ?, mtime = ?, atime = ?, ctime = ?,
              target = ?, extra = ?, known = ?, data = ?, meta = ?, listed = ? WHERE id = ?
            """,
            .integer(Int64(file.mode)),
            .integer(Int64(file.owner)),
            .integer(Int64(file.group)),
            .integer(file.size),
            .integer(file.modified.nanoseconds),
            .integer(file.accessed.nanoseconds),
            .integer(file.changed.nanoseconds),
            .optional(file.target),
            .optional(file.extra),
            .integer(file.isKnown ? 1 : 0),
            .integer(file.data),
            .integer(file.meta),
            .optional(file.listed?.nanoseconds),
            .integer(file.id)
        )
    }

    /// Moves the times of a directory whose entries changed.
    public func touch(directory: FileID, at now: Timestamp) {
        run(
            "UPDATE file SET mtime = ?, ctime = ? WHERE id = ?",
            .integer(now.nanoseconds),
            .integer(now.nanoseconds),
            .integer(directory)
        )
    }

    public func touchChange(of file: FileID, at now: Timestamp) {
        run("UPDATE file SET ctime = ? WHERE id = ?", .integer(now.nanoseconds), .integer(file))
    }

    public func addLinks(_ count: Int64, to file: FileID) {
        run("UPDATE file SET links = links + ? WHERE id = ?", .integer(count), .integer(file))
    }

    public func setListed(_ directory: FileID, at time: Timestamp?) {
        run(
            "UPDATE file SET listed = ? WHERE id = ?",
            .optional(time?.nanoseconds),
            .integer(directory)
        )
    }

    /// Forgets a file that has no name left; its tags and attributes are the caller's to remove.
    public func deleteFile(_ id: FileID) {
        run("DELETE FROM file WHERE id = ?", .integer(id))
    }
}

extension Connection {
    /// How many of what there are.
    public func counts() -> Counts {
        first(
            """
            SELECT (SELECT count(*) FROM entry WHERE parent > 3), (SELECT count(*) FROM file_tag),
              (SELECT count(*) FROM filter),
              (SELECT count(*) FROM entry WHERE parent > 3 AND name GLOB ?)
            """,
            .text(conflictPattern)
        ) {
            Counts(
                files: $0.integer(0),
                tags: $0.integer(1),
                filters: $0.integer(2),
                conflicts: $0.integer(3)
            )
        } ?? Counts()
    }

    /// Whether a file of this name is ours of two versions, `name.conflict-HOST-TIME`.
    public func isConflict(_ name: Name) -> Bool {
        first("SELECT ? GLOB ?", .text(name.text), .text(conflictPattern)) {
            $0.integer(0) != 0
        } ?? false
    }

    private var conflictPattern: String { "*.conflict-*-\(digits(8))T\(digits(6))Z*" }

    private func digits(_ count: Int) -> String { String(repeating: "[0-9]", count: count) }
}

/// How much the database knows of.
public struct Counts: Equatable, Sendable {
    /// With a name.
    public var files: Int64 = 0
    /// On all files together.
    public var tags: Int64 = 0
    public var filters: Int64 = 0
    /// Files that are ours of two versions, `name.conflict-HOST-TIME`.
    public var conflicts: Int64 = 0
}
