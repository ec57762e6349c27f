import Base
import Metadata
import SQLite
import Stores
import Synchronization

extension Volume {
    /// Makes sure that what is known of a directory is not older than its backend allows.
    ///
    /// Returns whether its row may have changed. Where the store cannot be reached, what was known
    /// before stands; a directory never listed is EIO.
    @discardableResult
    func ensureListed(_ directory: File) throws(Errno) -> Bool {
        guard let backend = try backend(of: directory), isStale(directory, backend) else {
            return false
        }
        if asksNoStore {
            guard directory.listed != nil else { throw .ioError }
            return false
        }
        let place = try place(of: directory)
        startSweep(around: place, backend)
        let since = monotonicSeconds()
        let begin = { (refreshing: inout Refreshing) -> Bool? in
            refreshing.begin(place, at: self.tick(), waitingSince: since) ? true : nil
        }
        if refreshing.update(begin) == nil {
            try backend.bulkhead.admit()
            // Patience ends by the clock, also where nothing else happens.
            let limit = Refreshing.patienceSeconds
            while try refreshing.wait(whileWantedAtMost: limit, until: begin) == nil {}
        }
        defer { endRefreshing { $0.end(directory.id) } }
        // Another thread may have listed it while this one waited.
        let now = try file(directory.id)
        guard isStale(now, backend) else { return true }
        do throws(Errno) {
            try refresh(now, try self.place(of: now).prefix, backend)
        } catch {
            guard now.listed != nil, error != .noEntry, !error.isUnfinished else { throw error }
            Log.debug("directory \(now.id): what was known before stands")
        }
        return true
    }

    func isStale(_ directory: File, _ backend: Backend) -> Bool {
        guard let listed = directory.listed else { return true }
        return Timestamp.now().secondsSince(listed) >= backend.directorySeconds
    }

    func place(of directory: File) throws(Errno) -> DirectoryPlace {
        let found = try metadata.database.read { (rows) throws(Errno) in
            rows.components(of: directory.id).map { ($0, rows.ancestors(of: directory.id)) }
        }
        guard let (components, ancestors) = found else { throw .stale }
        return DirectoryPlace(
            id: directory.id,
            prefix: Key(components.map { $0 + "/" }.joined()),
            ancestors: ancestors
        )
    }

    /// Lists a directory's prefix and brings the names in line, page by page; what was not listed goes
    /// only after the last page has come.
    @discardableResult
    func refresh(
        _ directory: File,
        _ prefix: Key,
        _ backend: Backend
    ) throws(Errno) -> (objects: Int, counts: MergeCounts) {
        let pages = ListingPages(of: prefix, isDelimited: true, on: backend) { [self] in tick() }
        defer { pages.stop() }
        var merge = Merge(into: directory, prefix: prefix, isFlat: false, volume: self)
        while let piece = try next(of: pages, of: prefix, backend) { _ = try merge.add(piece) }
        return (merge.objectCount, merge.counts)
    }

    func next(
        of pages: ListingPages,
        of prefix: Key,
        _ backend: Backend
    ) throws(Errno) -> ListingPlan.Piece? {
        do throws(StoreError) {
            let piece = try pages.next()
            if let piece {
                let isOrdered = backend.trustsOrder.load(ordering: .relaxed)
                backend.listsInRanges.store(piece.page.isInRanges && isOrdered, ordering: .relaxed)
            }
            return piece
        } catch {
            let errno = Errno(error)
            if !errno.isUnfinished { Log.info("cannot list \(backend.name)/\(prefix): \(error)") }
            throw errno
        }
    }

    /// Ends the part that `end` tells, and forgets the deletions that no listing under way can mistake.
    func endRefreshing(_ end: (inout Refreshing) -> Void) {
        let now = tick()
        let oldest = refreshing.update { refreshing in
            end(&refreshing)
            return refreshing.oldest
        }
        let limit = min(oldest ?? now, now)
        deleted.update { deleted in
            if !deleted.isEmpty { deleted = deleted.filter { $0.value > limit } }
        }
    }

    func removedSince(_ start: Timestamp, _ place: ObjectPlace) -> Bool {
        deleted.withLock { ($0[place]).map { $0 > start } ?? false }
    }

    func removedSince(_ start: Timestamp, below prefix: Key, backend: Int64) -> Bool {
        deleted.withLock { deleted in
            deleted.contains { place, time in
                time > start && place.backend == backend
                    && place.key.text.utf8.starts(with: prefix.text.utf8)
            }
        }
    }

    /// Writes an object's attributes over a file's, with this mount's defaults for what it lacks.
    func apply(_ info: ObjectInfo, to file: inout File) {
        let attributes = info.attributes ?? ObjectAttributes()
        let isDirectory = file.isDirectory || info.key.text.hasSuffix("/")
        let type: UInt32 = isDirectory ? 0o040000 : 0o100000
        let usual = isDirectory ? options.directoryMode : options.fileMode
        let mode = attributes.mode ?? (type | usual)
        // A mode without a type (some tools write only permissions) is that of what it stands on, and
        // a directory stays one whatever its marker says.
        let given = mode & 0o170000
        file.mode = (given == 0 || isDirectory ? type : given) | (mode & 0o7777)
        file.owner = attributes.owner ?? options.owner
        file.group = attributes.group ?? options.group
        file.modified = attributes.modified ?? info.modified
        file.accessed = file.modified
        file.changed = max(file.modified, info.modified)
        file.size = isDirectory ? 0 : info.size
        file.extra = ObjectExtra(attributes)?.text
        file.isKnown = info.attributes != nil
    }

    /// Gives an entry a new file with the tags of its old one, because the object is another now.
    ///
    /// Returns the old file if no name is left to it.
    func replaceFile(of entry: inout Entry, with file: File, in rows: Connection) -> FileID? {
        notifyOfName(entry)
        let old = entry.file
        var new = file
        new.links = new.isDirectory ? 2 : 1
        new.data = 0
        new.meta = 0
        let id = rows.insert(new)
        carry(from: old, to: id, rows)
        entry.file = id
        entry.storedData = 0
        entry.storedMeta = 0
        entry.touched = tick()
        rows.update(entry)
        rows.log(.changed, entry.name, in: entry.parent, file: id, .number("size", new.size))
        rows.addLinks(-1, to: old)
        guard rows.entries(of: old).isEmpty else { return nil }
        nodes.noteReplaced(old)
        return old
    }

    /// Others removed the object: the name goes, and tags wait for the key to return.
    func vanish(_ entry: Entry) throws(Errno) {
        try metadata.database.write { (rows) throws(Errno) in
            guard let now = rows.entry(entry.id), now.isAttached, rows.work(for: now.id) == nil
            else { return }
            detachVanished(now, in: rows)
        }
    }

    /// - Parameter isNews: nobody knows it yet, so the change log tells.
    func detachVanished(_ entry: Entry, in rows: Connection, isNews: Bool = true) {
        notifyOfName(entry)
        if isNews { rows.log(.vanished, entry.name, in: entry.parent, file: entry.file) }
        var entry = entry
        rows.touch(directory: entry.parent, at: .now())
        entry.parent = -entry.id
        entry.vanished = .now()
        rows.update(entry)
        rows.addLinks(-1, to: entry.file)
    }

    /// The same for an empty directory; only tags and attributes are worth remembering of one.
    func detachVanished(directory entry: Entry, in rows: Connection, isNews: Bool = true) {
        let parent = entry.parent
        if rows.hasTagsOrAttributes(entry.file) {
            // Found again by its key, though it may never have had an object of its own.
            var entry = entry
            entry.key = rows.wantedKey(of: entry, isDirectory: true)
            detachVanished(entry, in: rows, isNews: isNews)
        } else {
            notifyOfName(entry)
            if isNews { rows.log(.vanished, entry.name, in: parent, file: entry.file) }
            rows.deleteEntry(entry.id)
            rows.deleteFile(entry.file)
        }
        rows.addLinks(-1, to: parent)
    }
}
