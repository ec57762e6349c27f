public import Base
import Cache
import Metadata
import SQLite

/// Who makes a file, and with which permissions.
public struct NewFile: Equatable, Sendable {
    /// Type and permissions, as `st_mode`.
    public var mode: UInt32
    public var owner: UInt32
    public var group: UInt32
    public var device: UInt64
    /// Of a symbolic link.
    public var target: String?

    public init(
        mode: UInt32,
        owner: UInt32,
        group: UInt32,
        device: UInt64 = 0,
        target: String? = nil
    ) {
        self.mode = mode
        self.owner = owner
        self.group = group
        self.device = device
        self.target = target
    }

    var isDirectory: Bool { mode & 0o170000 == 0o040000 }
}

extension Volume {
    /// Makes a file, directory, symbolic link or special file.
    public func make(_ new: NewFile, named name: Name, in directory: UInt64) throws(Errno)
        -> DirectoryEntry
    {
        let settles = new.mode & 0o170000 != 0o100000 || options.waitsForStore
        if settles { try admitSettling(in: directory) }
        let (entry, file) = try insert(new, named: name, in: directory)
        // An empty regular file goes to the store like any other, with what is then known of it.
        if settles {
            let due = Timestamp.now().adding(seconds: quietSeconds)
            settle([entry.id], on: backends[entry.backend], due: due)
        }
        return try shown(entry, file)
    }

    /// Makes a regular file and opens it for writing; opens the one that is there if `exclusive` is off.
    public func create(
        _ new: NewFile,
        named name: Name,
        in directory: UInt64,
        exclusive: Bool
    ) throws(Errno) -> (DirectoryEntry, Handle) {
        do throws(Errno) {
            let (entry, file) = try insert(new, named: name, in: directory)
            let handle: Handle
            do throws(Errno) {
                handle = try hold(file.id, forWriting: true)
            } catch {
                takeBack(entry)
                throw error
            }
            handle.node.update { $0.isEnded = false }
            return (try shown(entry, file), handle)
        } catch {
            guard error == .exists, !exclusive else { throw error }
            let found = try lookup(name, in: directory)
            return (found, try open(found.attributes.inode, forWriting: true))
        }
    }

    /// Removes a file that was just made and could not be opened: to whoever asked, it was never there.
    private func takeBack(_ made: Entry) {
        do throws(Errno) {
            try metadata.database.write { (rows) throws(Errno) in
                guard let entry = rows.entry(made.id), entry.isAttached else { return }
                detach(entry, in: rows)
            }
        } catch {
            Log.error("\(describe(made)): made, but neither opened nor removed again: \(error)")
        }
        wakeSchedule(for: gathered)
    }

    /// Removes a name that is not a directory's.
    public func unlink(_ name: Name, in directory: UInt64) throws(Errno) {
        if try untag(name, in: directory) { return }
        let parent = try changeable(directory)
        try admitSettling(in: directory)
        let removed = try metadata.database.write { (rows) throws(Errno) in
            guard let entry = rows.entry(named: name, in: parent.id),
                let file = rows.file(entry.file)
            else { throw .noEntry }
            guard !file.isDirectory else { throw .isDirectory }
            detach(entry, in: rows)
            return entry
        }
        removals.update { $0.note(in: parent.id, at: monotonicSeconds()) }
        settle([removed.id], on: backends[removed.backend], due: gathered)
    }

    /// Removes a directory that is empty, also of what others have put into it meanwhile.
    public func removeDirectory(_ name: Name, in directory: UInt64) throws(Errno) {
        let parent = try file(FileID(bitPattern: directory))
        guard let child = try child(name, of: parent.id) else { throw .noEntry }
        guard child.file.isDirectory else { throw .notDirectory }
        if child.file.backend == 0 { return try removeFilter(child.entry) }
        let above = try changeable(directory)
        try ensureListed(child.file)
        try admitSettling(in: directory)
        let removed = try metadata.database.write { (rows) throws(Errno) in
            guard let entry = rows.entry(named: name, in: above.id), entry.file == child.file.id
            else {
                throw .noEntry
            }
            guard !rows.hasChildren(entry.file) else { throw .notEmpty }
            detach(entry, in: rows)
            rows.addLinks(-1, to: above.id)
            return entry
        }
        removals.update { $0.note(in: above.id, at: monotonicSeconds()) }
        settle([removed.id], on: backends[removed.backend], due: gathered)
    }

    private func insert(_ new: NewFile, named name: Name, in directory: UInt64)
        throws(Errno) -> (Entry, File)
    {
        guard name.text.utf8.count <= Name.longestBytes else { throw .tooLongName }
        let id = FileID(bitPattern: directory)
        let given = try file(id)
        if given.backend == 0 { return try makeFilterDirectory(new, named: name, in: given) }
        let parent = try changeable(directory)
        let now = Timestamp.now()
        return try metadata.database.write { (rows) throws(Errno) in
            guard rows.file(parent.id) != nil,
                rows.entry(ofDirectory: parent.id)?.isAttached == true
            else { throw .noEntry }
            guard rows.entry(named: name, in: parent.id) == nil else { throw .exists }
            var file = File(
                backend: parent.backend,
                mode: new.mode,
                owner: new.owner,
                // A set-group-id directory hands its group down, as on Linux file systems.
                group: parent.mode & 0o2000 != 0 ? parent.group : new.group,
                at: now
            )
            if new.isDirectory { file.mode |= parent.mode & 0o2000 }
            file.device = new.device
            file.target = new.target
            file.size = Int64(new.target?.utf8.count ?? 0)
            file.data = 1
            file.meta = 1
            // A new directory is empty until others say otherwise.
            if new.isDirectory { file.listed = now }
            file.id = rows.insert(file)
            var entry = Entry(parent: parent.id, name: name, file: file.id, backend: parent.backend)
            entry.touched = tick()
            guard
                rows.wantedKey(of: entry, isDirectory: new.isDirectory).map({ isLegal($0) })
                    ?? false
            else { throw .tooLongName }
            entry.id = rows.insert(entry)
            if file.kind == .regular { rows.journalNewContent(of: file.id) }
            if new.isDirectory { rows.addLinks(1, to: parent.id) }
            let wait = file.kind == .regular ? Self.oldestUnsentSeconds : quietSeconds
            rows.addWork(entry.id, due: now.adding(seconds: wait))
            rows.log(.created, name, in: parent.id, file: file.id)
            noteChange(in: parent.id, at: now, rows)
            return (entry, file)
        }
    }

    /// The longest key S3 takes counts the prefix too, which the store knows: this is the first guard.
    func isLegal(_ key: Key) -> Bool { key.text.utf8.count <= Key.longestBytes }

    /// Takes a name away; its object goes when the uploader comes to it.
    func detach(_ entry: Entry, in rows: Connection) {
        var entry = entry
        let parent = entry.parent
        let now = Timestamp.now()
        rows.log(.removed, entry.name, in: parent, file: entry.file)
        entry.parent = -entry.id
        entry.touched = tick()
        rows.update(entry)
        rows.addLinks(-1, to: entry.file)
        rows.touchChange(of: entry.file, at: now)
        rows.addWork(entry.id, due: gathered)
        noteChange(in: parent, at: now, rows)
    }

    /// When removals and renames go that happen now: they wait for others that come with them, and go
    /// together.
    var gathered: Timestamp { options.waitsForStore ? .now() : Self.gathered(at: .now()) }

    /// The same moment for all that happens within `gatheringSeconds`, which is one to two of these later:
    /// of a thousand removals a second, a request takes hundreds.
    static func gathered(at now: Timestamp) -> Timestamp {
        let step = Int64(gatheringSeconds * 1e9)
        return Timestamp(nanoseconds: (now.nanoseconds / step + 2) * step)
    }

    static let gatheringSeconds = 0.4

    /// A directory's names have changed: its times move, and if it is there only because of what was
    /// in it, it gets an object of its own, or it would vanish with the last one.
    func noteChange(in directory: FileID, at now: Timestamp, _ rows: Connection) {
        rows.touch(directory: directory, at: now)
        guard let entry = rows.entry(ofDirectory: directory), entry.isAttached, entry.key == nil,
            !entry.isKeptHere, entry.parent != .backends, !rows.hasChildren(directory)
        else { return }
        rows.addWork(entry.id, due: now)
    }

    /// A directory on a backend that may be written to, listed.
    func changeable(_ inode: UInt64) throws(Errno) -> File {
        let directory = try file(FileID(bitPattern: inode))
        guard directory.isDirectory else { throw .notDirectory }
        _ = try writableBackend(of: directory)
        try ensureListed(directory)
        return directory
    }

    func shown(_ entry: Entry, _ file: File) throws(Errno) -> DirectoryEntry {
        DirectoryEntry(
            name: entry.name,
            cookie: entry.id + Self.cookiesBefore,
            attributes: attributes(of: file),
            validSeconds: try nameSeconds(in: try self.file(entry.parent))
        )
    }

    /// Unsent bytes of a file that stays open, or is written again and again, are sent after this long.
    static let oldestUnsentSeconds: Double = 30

    /// How long what was made or changed waits for more, before it goes to the store.
    var quietSeconds: Double {
        options.waitsForStore ? 0 : min(options.uploadAfterSeconds, Self.oldestUnsentSeconds)
    }
}

extension Entry {
    private static let keptHere = "kept here"

    /// A directory that exists only here, because its store keeps no object for it.
    var isKeptHere: Bool { key == nil && etag == Self.keptHere }

    mutating func keepHere() {
        key = nil
        etag = Self.keptHere
    }
}
