public import Base
import Metadata
import SQLite

extension Volume {
    /// Finds a name in a directory.
    public func lookup(_ name: Name, in directory: UInt64) throws(Errno) -> DirectoryEntry {
        guard name.text.utf8.count <= Name.longestBytes else { throw .tooLongName }
        if let found = try knownMember(name, of: FileID(bitPattern: directory)) { return found }
        var parent = try file(FileID(bitPattern: directory))
        guard parent.isDirectory else { throw .notDirectory }
        if try ensureListed(parent) { parent = try file(parent.id) }
        if ViewPlace(parent.id) == nil, let found = try child(name, of: parent.id) {
            let isGuess = !found.file.isKnown && isRemoving(in: parent.id)
            let (entry, file) = isGuess ? found : try learnedInPassing(found.entry, found.file)
            var attributes = attributes(of: file)
            // Whoever wants more than to remove it asks once more, and then the store is asked.
            if isGuess { attributes.validSeconds = 0 }
            return DirectoryEntry(
                name: name,
                cookie: cookie(of: entry, in: parent),
                attributes: attributes,
                validSeconds: isView(parent) ? Self.listedSeconds : try nameSeconds(in: parent)
            )
        }
        if let place = try place(name, in: parent) { return place }
        guard let found = try member(name, of: parent) else { throw .noEntry }
        return found
    }

    /// Whether names are being removed from a directory, or were from the one that holds it.
    func isRemoving(in directory: FileID) -> Bool {
        let above = FileID(bitPattern: parent(of: UInt64(bitPattern: directory)))
        return removals.withLock {
            $0.isUnderway(in: directory, above: above, at: monotonicSeconds())
        }
    }

    /// Whether it is `/filters` or lies below, where all that has a name of its own is a directory.
    func isView(_ directory: File) -> Bool {
        directory.backend == 0 && directory.id > .backends
    }

    /// For how long the kernel may remember that a name does not exist.
    public func absenceSeconds(in directory: UInt64) -> Double {
        guard let parent = try? file(FileID(bitPattern: directory)) else { return 0 }
        return (try? nameSeconds(in: parent)) ?? 0
    }

    public func attributes(of inode: UInt64) throws(Errno) -> Attributes {
        let id = FileID(bitPattern: inode)
        let file = try file(id)
        if file.isDirectory, file.backend == 0, try isFilter(id) {
            try refreshModified(ofFilter: id)
            return attributes(of: try self.file(id))
        }
        if !file.isKnown, let entry = try entries(of: id).first, entry.isAttached {
            let learned = try learnedInPassing(entry, file).1
            // Another version is another inode: the kernel has to look the name up again.
            guard learned.id == id else { throw .stale }
            return attributes(of: learned)
        }
        return attributes(of: file)
    }

    /// The target of a symbolic link.
    public func target(of inode: UInt64) throws(Errno) -> String {
        let file = try file(FileID(bitPattern: inode))
        guard file.kind == .link, let target = file.target else { throw .invalid }
        return target
    }

    /// What a row says, with what is newer in memory.
    func attributes(of file: File) -> Attributes {
        var file = file
        if file.kind == .regular, let node = nodes.node(file.id) {
            let now = node.now
            file.size = now.size
            if now.isUnsaved {
                file.modified = now.modified
                file.changed = now.modified
            }
        }
        var seconds = Self.attributeSeconds
        if !file.isKnown { seconds = isExact(backends[file.backend]) ? 0 : Self.guessSeconds }
        if file.isDirectory, let backend = backends[file.backend] {
            // Its times move with what others do in it.
            seconds = min(seconds, backend.directorySeconds)
        }
        if file.isDirectory, file.backend == 0, file.id > .backends { seconds = Self.viewSeconds }
        return Attributes(file, validSeconds: seconds)
    }

    /// For views and what lies above them, whose times move without the kernel's doing.
    ///
    /// The kernel asks for those on the way to a file each time it looks one up by its path, so that not
    /// to be asked for a moment is what makes `ls -l` of a view quick.
    private static let viewSeconds = 0.01

    /// Long enough for `ls -l` to use what the listing told, without a request per file.
    private static let guessSeconds: Double = 5

    /// Every change of attributes passes the kernel; the limit is for a person who edits the database.
    private static let attributeSeconds: Double = 60

    func child(_ name: Name, of parent: FileID) throws(Errno) -> (entry: Entry, file: File)? {
        try metadata.database.read { (rows) throws(Errno) in
            guard let entry = rows.entry(named: name, in: parent), let file = rows.file(entry.file)
            else { return nil }
            return (entry, file)
        }
    }

    func entries(of id: FileID) throws(Errno) -> [Entry] {
        try metadata.database.read { (rows) throws(Errno) in rows.entries(of: id) }
    }

    /// For how long the names of a directory may be taken for granted, as its row stands.
    func nameSeconds(in directory: File) throws(Errno) -> Double {
        // `/` holds what it holds, and of `/backends` the kernel is told what comes and goes.
        if directory.id <= .backends { return Self.attributeSeconds }
        guard let backend = try backend(of: directory) else { return 0 }
        guard let listed = directory.listed else { return 0 }
        let age = Timestamp.now().secondsSince(listed)
        return max(0, min(backend.directorySeconds, backend.directorySeconds - age))
    }
}
