public import Base
public import SQLite

/// A name in a directory, and the object that the store holds for it.
public struct Entry: Equatable, Sendable {
    public var id: Int64
    /// The directory; negative for a name that was removed while its object is still there.
    public var parent: FileID
    public var name: Name
    /// The component of the key, where `name` is an escaped spelling of it.
    public var component: String?
    public var file: FileID
    public var backend: Int64
    /// Where the object lies now; `nil` while there is none.
    public var key: Key?
    public var etag: String?
    /// The generations of the file that the object holds.
    public var storedData: Int64 = 0
    public var storedMeta: Int64 = 0
    public var touched = Timestamp(nanoseconds: 0)
    /// When others removed the object; until it is forgotten, its tags return with the key.
    public var vanished: Timestamp?

    public init(parent: FileID, name: Name, component: String? = nil, file: FileID, backend: Int64)
    {
        id = 0
        self.parent = parent
        self.name = name
        self.component = component
        self.file = file
        self.backend = backend
    }

    public var isAttached: Bool { parent > 0 }
}

extension Entry {
    static let columnCount = 12

    init(_ row: borrowing Row, from first: Int = 0) {
        id = row.integer(first)
        parent = row.integer(first + 1)
        name = Name(row.text(first + 2))
        component = row.optionalText(first + 3)
        file = row.integer(first + 4)
        backend = row.integer(first + 5)
        key = row.optionalText(first + 6).map(Key.init)
        etag = row.optionalText(first + 7)
        storedData = row.integer(first + 8)
        storedMeta = row.integer(first + 9)
        touched = Timestamp(nanoseconds: row.integer(first + 10))
        vanished = row.optionalInteger(first + 11).map(Timestamp.init(nanoseconds:))
    }
}

/// What a listing compares an object with.
public struct KnownObject: Sendable {
    public var entry: Int64
    /// Of the key, also where the name is an escaped spelling of it.
    public var component: String
    public var key: Key?
    public var etag: String?
    public var touched: Timestamp
    /// The store has yet to follow.
    public var isPending: Bool
    public var file: FileID
    public var isDirectory: Bool

    public init(_ entry: Entry, isDirectory: Bool, isPending: Bool) {
        self.entry = entry.id
        component = entry.component ?? entry.name.text
        key = entry.key
        etag = entry.etag
        touched = entry.touched
        file = entry.file
        self.isPending = isPending
        self.isDirectory = isDirectory
    }
}

extension KnownObject {
    init(_ row: borrowing Row) {
        entry = row.integer(0)
        component = row.optionalText(2) ?? row.text(1)
        key = row.optionalText(3).map(Key.init)
        etag = row.optionalText(4)
        touched = Timestamp(nanoseconds: row.integer(5))
        isPending = row.integer(6) != 0
        file = row.integer(7)
        isDirectory = row.integer(8) != 0
    }
}

extension Name {
    /// What follows the last dot, in lower case; none for `name`, `name.` and `.name`.
    public var fileExtension: String? {
        guard let dot = text.utf8.lastIndex(of: UInt8(ascii: ".")), dot != text.startIndex else {
            return nil
        }
        let suffix = text[text.utf8.index(after: dot)...]
        let isLower = suffix.utf8.allSatisfy { $0 < 0x80 && !(0x41...0x5a ~= $0) }
        return suffix.isEmpty ? nil : isLower ? String(suffix) : suffix.lowercased()
    }
}

/// What a listing of names shows of one.
public struct ListedName: Sendable {
    public var entry: Int64
    public var name: Name
    public var file: FileID
    public var mode: UInt32
    /// Whether it is known what kind of file it is.
    public var hasCertainType: Bool
}

extension Connection {
    public func entry(_ id: Int64) -> Entry? {
        first(
            """
            SELECT id, parent, name, component, file, backend, key, etag, stored_data, stored_meta, touched, vanished
            FROM entry WHERE id = ?
            """,
            .integer(id)
        ) { Entry($0) }
    }

    public func entry(named name: Name, in parent: FileID) -> Entry? {
        first(
            """
            SELECT id, parent, name, component, file, backend, key, etag, stored_data, stored_meta, touched, vanished
            FROM entry WHERE parent = ? AND name = ?
            """,
            .integer(parent),
            .text(name.text)
        ) { Entry($0) }
    }

    /// The names of a file, attached ones first; a directory has one.
    public func entries(of file: FileID) -> [Entry] {
        var entries: [Entry] = []
        each(
            """
            SELECT id, parent, name, component, file, backend, key, etag, stored_data, stored_meta, touched, vanished
            FROM entry WHERE file = ? ORDER BY id
            """,
            .integer(file)
        ) {
            entries.append(Entry($0))
            return true
        }
        // Nearly every file has one name, and SQLite would prepare to sort it.
        if entries.count < 2 { return entries }
        return entries.filter(\.isAttached) + entries.filter { !$0.isAttached }
    }

    /// The name of a directory; the writing connection remembers it.
    public func entry(ofDirectory directory: FileID) -> Entry? {
        remembered("entry", directory, row: \.id) { entries(of: directory).first }
    }

    /// The entries whose object lies under a key now, wherever their names are.
    public func entries(under key: Key, backend: Int64) -> [Entry] {
        var entries: [Entry] = []
        each(
            """
            SELECT id, parent, name, component, file, backend, key, etag, stored_data, stored_meta, touched, vanished
            FROM entry WHERE backend = ? AND key = ?
            """,
            .integer(backend),
            .text(key.text)
        ) {
            entries.append(Entry($0))
            return true
        }
        return entries
    }

    /// Entries whose objects lie below a key as if it were a directory, the last keys first.
    public func deepestEntries(below key: Key, backend: Int64, limit: Int) -> [Entry] {
        var entries: [Entry] = []
        // "0" comes right after "/".
        each(
            """
            SELECT id, parent, name, component, file, backend, key, etag, stored_data, stored_meta, touched, vanished
            FROM entry WHERE backend = ? AND key >= ? AND key < ? ORDER BY key DESC LIMIT ?
            """,
            .integer(backend),
            .text(key.text + "/"),
            .text(key.text + "0"),
            .integer(Int64(limit))
        ) {
            entries.append(Entry($0))
            return true
        }
        return entries
    }

    /// Whether the object of an entry that others did not remove lies below a key that ends in `/`.
    public func hasObject(below prefix: Key, backend: Int64) -> Bool {
        let end = String(decoding: prefix.text.utf8.dropLast(), as: UTF8.self) + "0"
        return first(
            """
            SELECT 1 FROM entry WHERE backend = ? AND key >= ? AND key < ? AND vanished IS NULL LIMIT 1
            """,
            .integer(backend),
            .text(prefix.text),
            .text(end)
        ) { _ in true } ?? false
    }

    /// A page of a directory in the order of the entries' numbers, which is the order of their making.
    public func children(
        of parent: FileID,
        after id: Int64,
        limit: Int
    ) -> [(entry: Entry, file: File)] {
        var page: [(entry: Entry, file: File)] = []
        each(
            """
            SELECT e.id, e.parent, e.name, e.component, e.file, e.backend, e.key, e.etag, e.stored_data,
              e.stored_meta, e.touched, e.vanished, f.id, f.backend, f.mode, f.uid, f.gid, f.links, f.size, f.mtime,
              f.atime, f.ctime, f.device, f.target, f.extra, f.known, f.data, f.meta, f.listed
            FROM entry e INDEXED BY entry_order JOIN file f ON f.id = e.file
            WHERE e.parent = ? AND e.id > ? ORDER BY e.id LIMIT ?
            """,
            .integer(parent),
            .integer(id),
            .integer(Int64(limit))
        ) {
            page.append((Entry($0), File($0, from: Entry.columnCount)))
            return true
        }
        return page
    }

    /// A page of a directory like `children`, with no more than a listing of names shows.
    public func childNames(
        of parent: FileID,
        after id: Int64,
        limit: Int
    ) -> [ListedName] {
        var page: [ListedName] = []
        page.reserveCapacity(limit)
        each(
            """
            SELECT e.id, e.name, e.file, f.mode, f.known, f.size
            FROM entry e INDEXED BY entry_order JOIN file f ON f.id = e.file
            WHERE e.parent = ? AND e.id > ? ORDER BY e.id LIMIT ?
            """,
            .integer(parent),
            .integer(id),
            .integer(Int64(limit))
        ) {
            let mode = UInt32(truncatingIfNeeded: $0.integer(3))
            page.append(
                ListedName(
                    entry: $0.integer(0),
                    name: Name($0.text(1)),
                    file: $0.integer(2),
                    mode: mode,
                    hasCertainType: File.isTypeCertain(
                        isKnown: $0.integer(4) != 0,
                        mode: mode,
                        size: $0.integer(5)
                    )
                )
            )
            return true
        }
        return page
    }

    /// What a directory holds under names of a range, with no more than a listing needs to know.
    public func knownObjects(
        in parent: FileID,
        from first: Name,
        through last: Name
    ) -> [Name: KnownObject] {
        var found: [Name: KnownObject] = [:]
        each(
            """
            SELECT e.id, e.name, e.component, e.key, e.etag, e.touched, w.entry IS NOT NULL, f.id,
              f.mode & 61440 = 16384
            FROM entry e JOIN file f ON f.id = e.file LEFT JOIN work w ON w.entry = e.id
            WHERE e.parent = ? AND e.name >= ? AND e.name <= ?
            """,
            .integer(parent),
            .text(first.text),
            .text(last.text)
        ) {
            found[Name($0.text(1))] = KnownObject($0)
            return true
        }
        return found
    }

    /// The first component, by the order of keys, of those directories in one that were not listed since
    /// a moment, or are a given one.
    public func firstFolder(
        in parent: FileID,
        listedBefore time: Timestamp,
        or file: FileID
    ) -> String? {
        let first = first(
            """
            SELECT min(coalesce(e.component, e.name) || '/') FROM entry e JOIN file f ON f.id = e.file
            WHERE e.parent = ? AND f.mode & 61440 = 16384
              AND (f.listed IS NULL OR f.listed < ? OR f.id = ?)
            """,
            .integer(parent),
            .integer(time.nanoseconds),
            .integer(file)
        ) { $0.optionalText(0) }
        return (first ?? nil).map { String(decoding: $0.utf8.dropLast(), as: UTF8.self) }
    }

    /// The directories in one.
    public func folders(in parent: FileID) -> [FileID] {
        var folders: [FileID] = []
        each(
            """
            SELECT f.id FROM entry e JOIN file f ON f.id = e.file
            WHERE e.parent = ? AND f.mode & 61440 = 16384
            """,
            .integer(parent)
        ) {
            folders.append($0.integer(0))
            return true
        }
        return folders
    }

    /// The directory in one whose keys have a given component.
    public func folder(of component: String, in parent: FileID) -> FileID? {
        first(
            """
            SELECT f.id FROM entry e JOIN file f ON f.id = e.file
            WHERE e.parent = ? AND f.mode & 61440 = 16384 AND coalesce(e.component, e.name) = ?
            """,
            .integer(parent),
            .text(component)
        ) { $0.integer(0) }
    }

    /// The number of the entry that was made last.
    public var newestEntry: Int64 { first("SELECT max(id) FROM entry") { $0.integer(0) } ?? 0 }

    /// The numbers of a directory's entries, in order.
    public func childNumbers(of parent: FileID, upTo newest: Int64) -> [Int64] {
        var numbers: [Int64] = []
        each(
            "SELECT id FROM entry WHERE parent = ? AND id <= ? ORDER BY id",
            .integer(parent),
            .integer(newest)
        ) {
            numbers.append($0.integer(0))
            return true
        }
        return numbers
    }

    /// Whether every object lies where its name is: nothing is on its way, and nothing removed is
    /// remembered.
    public var isSettled: Bool {
        first(
            """
            SELECT NOT EXISTS(SELECT 1 FROM work) AND NOT EXISTS(SELECT 1 FROM entry WHERE parent < 0)
            """
        ) { $0.integer(0) != 0 } ?? false
    }

    public func hasChildren(_ directory: FileID) -> Bool {
        first("SELECT 1 FROM entry WHERE parent = ? LIMIT 1", .integer(directory)) { _ in true }
            ?? false
    }

    /// Adds a name; its `id` is ignored.
    public func insert(_ entry: Entry) -> Int64 {
        run(
            """
            INSERT INTO entry(parent, name, component, file, ext, backend, key, etag, stored_data,
              stored_meta, touched) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .integer(entry.parent),
            .text(entry.name.text),
            .optional(entry.component),
            .integer(entry.file),
            .optional(entry.name.fileExtension),
            .integer(entry.backend),
            .optional(entry.key?.text),
            .optional(entry.etag),
            .integer(entry.storedData),
            .integer(entry.storedMeta),
            .integer(entry.touched.nanoseconds)
        )
        return lastInsertedRow
    }

    /// Writes every column of an entry.
    public func update(_ entry: Entry) {
        run(
            """
            UPDATE entry SET parent = ?, name = ?, component = ?, file = ?, ext = ?, key = ?, etag = ?,
              stored_data = ?, stored_meta = ?, touched = ?, vanished = ? WHERE id = ?
            """,
            .integer(entry.parent),
            .text(entry.name.text),
            .optional(entry.component),
            .integer(entry.file),
            .optional(entry.name.fileExtension),
            .optional(entry.key?.text),
            .optional(entry.etag),
            .integer(entry.storedData),
            .integer(entry.storedMeta),
            .integer(entry.touched.nanoseconds),
            .optional(entry.vanished?.nanoseconds),
            .integer(entry.id)
        )
    }

    /// Writes what is known of an entry's object, and nothing else: whoever writes a column touches its indexes.
    public func updateObject(of entry: Entry) {
        run(
            """
            UPDATE entry SET key = ?, etag = ?, stored_data = ?, stored_meta = ?, touched = ?
            WHERE id = ?
            """,
            .optional(entry.key?.text),
            .optional(entry.etag),
            .integer(entry.storedData),
            .integer(entry.storedMeta),
            .integer(entry.touched.nanoseconds),
            .integer(entry.id)
        )
    }

    /// Adds an entry that is no name, but says of a key that what lies there is ours; returns its number.
    ///
    /// It gets its own place (`parent`) with the row, because moving it there would write each index twice.
    public func insertDetached(_ entry: Entry) -> Int64 {
        var entry = entry
        let last = first("SELECT seq FROM sqlite_sequence WHERE name = 'entry'") { $0.integer(0) }
        entry.id = (last ?? 0) + 1
        entry.parent = -entry.id
        run(
            """
            INSERT INTO entry(id, parent, name, file, ext, backend, key, etag, touched)
              VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .integer(entry.id),
            .integer(entry.parent),
            .text(entry.name.text),
            .integer(entry.file),
            .optional(entry.name.fileExtension),
            .integer(entry.backend),
            .optional(entry.key?.text),
            .optional(entry.etag),
            .integer(entry.touched.nanoseconds)
        )
        return entry.id
    }

    public func deleteEntry(_ id: Int64) {
        run("DELETE FROM entry WHERE id = ?", .integer(id))
        run("DELETE FROM work WHERE entry = ?", .integer(id))
    }

    /// Gives up names that others removed before a moment; their files then have no name.
    public func forgetVanished(before time: Timestamp) {
        run("DELETE FROM entry WHERE vanished < ?", .integer(time.nanoseconds))
    }

    /// Files on backends that no entry names; the backends' own directories are not among them.
    public func filesWithoutName() -> [FileID] {
        var files: [FileID] = []
        each(
            """
            SELECT id FROM file WHERE backend > 0 AND id NOT IN (SELECT root FROM backend)
              AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.file = file.id)
            """
        ) {
            files.append($0.integer(0))
            return true
        }
        return files
    }

    /// The components from the top of the backend down to a directory, as the key spells them;
    /// `nil` where a directory on the way is no longer there.
    public func components(of directory: FileID) -> [String]? {
        var components: [String] = []
        var current = directory
        for _ in 0..<Self.deepest {
            guard let entry = entry(ofDirectory: current), entry.isAttached else { return nil }
            if entry.parent == .backends { return components.reversed() }
            components.append(entry.component ?? entry.name.text)
            current = entry.parent
        }
        return nil
    }

    /// The directories above one, the nearest first, up to that of its backend.
    public func ancestors(of directory: FileID) -> [FileID] {
        var ancestors: [FileID] = []
        var current = directory
        while ancestors.count < Self.deepest {
            guard let entry = entry(ofDirectory: current), entry.parent > .backends else { break }
            ancestors.append(entry.parent)
            current = entry.parent
        }
        return ancestors
    }

    /// Deeper directories than a key of 1,024 bytes can name do not exist.
    private static let deepest = 1024

    /// Where the store should hold the object of an entry; a directory's ends in `/`.
    public func wantedKey(of entry: Entry, isDirectory: Bool) -> Key? {
        guard let above = components(of: entry.parent) else { return nil }
        let path = (above + [entry.component ?? entry.name.text]).joined(separator: "/")
        return Key(isDirectory ? path + "/" : path)
    }
}
