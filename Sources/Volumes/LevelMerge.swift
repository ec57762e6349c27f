import Base
import Digest
import Metadata
import SQLite
import Stores

/// Brings the names of one directory in line with what a page shows of it.
///
/// What is known of these names is read in one go, and a name that is new and nowhere else costs its two
/// rows.
struct LevelMerge {
    private let level: ListedLevels.Level
    private(set) var folder: Merge.Folder
    private let backend: Int64
    /// When the page was asked for: our own changes since then are newer than it.
    private let asked: Timestamp
    /// Nothing is under way or remembered that could make a new key anything but a new object.
    private let isSettled: Bool
    /// Only counts.
    private let isDry: Bool
    private let volume: Volume
    private var known: [Name: KnownObject] = [:]
    /// New names that others made.
    private(set) var appeared = Appeared()
    private(set) var counts = MergeCounts()

    init(
        _ level: ListedLevels.Level,
        into folder: Merge.Folder,
        backend: Int64,
        asked: Timestamp,
        isSettled: Bool,
        isDry: Bool,
        volume: Volume
    ) {
        self.level = level
        self.folder = folder
        self.backend = backend
        self.asked = asked
        self.isSettled = isSettled
        self.isDry = isDry
        self.volume = volume
    }

    /// - Parameter show: is told each folder's prefix and its directory, or `nil` where that is not to
    ///   be shown.
    mutating func run(
        in rows: Connection,
        orphans: inout [FileID],
        show: (Key, FileID?) -> Void
    ) {
        if let marker = level.marker, !isDry { merge(marker: marker, in: rows) }
        readKnown(rows)
        for (component, object) in level.objects {
            merge(object, component, in: rows, orphans: &orphans)
        }
        for component in level.folders {
            show(Key(level.prefix.text + component + "/"), merge(folder: component, in: rows))
        }
    }

    /// The directory's own object: its attributes are asked for when somebody looks.
    private mutating func merge(marker object: ObjectInfo, in rows: Connection) {
        folder.hasMarker = true
        guard var entry = rows.entries(of: folder.id).first, entry.isAttached,
            entry.etag != object.etag, rows.work(for: entry.id) == nil, entry.touched < asked,
            var file = rows.file(folder.id)
        else { return }
        entry.key = object.key
        entry.etag = object.etag
        rows.update(entry)
        if object.attributes != nil {
            volume.apply(object, to: &file)
        } else {
            file.isKnown = false
        }
        rows.update(file)
    }

    private mutating func merge(
        _ object: ObjectInfo,
        _ component: String,
        in rows: Connection,
        orphans: inout [FileID]
    ) {
        if let found = existing(component, isDirectory: false, in: rows) {
            folder.seen.insert(found.entry)
            if found.etag == object.etag { folder.kept += 1 } else { folder.lost += 1 }
            guard !found.isPending, found.touched < asked,
                found.etag != object.etag || found.key != object.key,
                !isElsewhere(found, object.key, in: rows), var entry = rows.entry(found.entry),
                volume.lagging(behind: entry, rows).isEmpty
            else { return }
            counts.changed += 1
            if isDry { return }
            entry.key = object.key
            entry.etag = object.etag
            folder.hasChanged = true
            if let orphan = volume.replaceFile(of: &entry, with: file(of: object), in: rows) {
                orphans.append(orphan)
            }
            return
        }
        guard isSettled || !isOurDoing(object.key, in: rows) else { return }
        counts.new += 1
        if isDry { return }
        folder.hasChanged = true
        if !isSettled, let returned = returning(object, in: rows) {
            folder.seen.insert(returned)
            return
        }
        let id = rows.insert(file(of: object))
        var entry = newEntry(component, suffix: KeyEscapes.objectSuffix, file: id, in: rows)
        entry.key = object.key
        entry.etag = object.etag
        insert(entry, isDirectory: false, in: rows)
    }

    /// Whether a known object lies where this directory was before it was moved: then another one under
    /// its key is somebody else's, and both are kept when the known one comes.
    private func isElsewhere(_ found: KnownObject, _ key: Key, in rows: Connection) -> Bool {
        found.key != nil && found.key != key && rows.isFollowing(folder.id)
    }

    private mutating func merge(folder component: String, in rows: Connection) -> FileID? {
        if let found = existing(component, isDirectory: true, in: rows) {
            folder.seen.insert(found.entry)
            folder.kept += 1
            return found.file
        }
        let key = Key(level.prefix.text + component + "/")
        guard isSettled || !isOurDoing(folder: key, in: rows) else { return nil }
        if isDry { return Merge.Folder.unmade }
        folder.hasChanged = true
        makeRoom(for: component, in: rows)
        if !isSettled, let returned = returning(folder: key, component, in: rows) {
            return returned
        }
        let mode = 0o040000 | volume.options.directoryMode
        var file = File(
            backend: backend,
            mode: mode,
            owner: volume.options.owner,
            group: volume.options.group,
            at: .now()
        )
        file.isKnown = false
        let id = rows.insert(file)
        let entry = newEntry(component, suffix: KeyEscapes.directorySuffix, file: id, in: rows)
        insert(entry, isDirectory: true, in: rows)
        rows.addLinks(1, to: folder.id)
        return id
    }

    /// The new file that an object stands for.
    private func file(of object: ObjectInfo) -> File {
        var file = File(backend: backend, mode: 0, owner: 0, group: 0, at: .now())
        volume.apply(object, to: &file)
        file.links = 1
        return file
    }

    private mutating func insert(_ entry: Entry, isDirectory: Bool, in rows: Connection) {
        var entry = entry
        // A listing that was asked for before this one does not know of it.
        entry.touched = asked
        entry.id = rows.insert(entry)
        appeared.add(entry)
        // Only a folder can want the name of what the same page has shown.
        if level.folders.isEmpty { return }
        known[entry.name] = KnownObject(entry, isDirectory: isDirectory, isPending: false)
    }

    /// An object that was listed before the directory of the same name steps aside.
    private mutating func makeRoom(for component: String, in rows: Connection) {
        guard var entry = rows.entry(named: shown(component), in: folder.id),
            rows.work(for: entry.id) == nil
        else { return }
        volume.notifyOfName(entry)
        known[entry.name] = nil
        entry.name = shown(component, suffix: KeyEscapes.objectSuffix)
        entry.component = component
        rows.update(entry)
        known[entry.name] = KnownObject(entry, isDirectory: false, isPending: false)
    }

    private func shown(_ component: String, suffix: String = "") -> Name {
        if isPlain(component) { return Name(component + suffix) }
        return KeyEscapes.name(for: component, suffix: suffix) { hex(sha256($0)) }
    }

    /// Reads what is known of all names on the page that are spelled as they are.
    private mutating func readKnown(_ rows: Connection) {
        let names = (level.objects.map(\.component) + level.folders).filter(isPlain).map {
            Name($0)
        }
        guard let first = names.min(), let last = names.max() else { return }
        // Those with a suffix come behind `last` only where their name is the beginning of it.
        let end = names.filter { last.text.utf8.starts(with: $0.text.utf8) }
            .map { Name($0.text + "%)") }.max()
        known = rows.knownObjects(in: folder.id, from: first, through: end ?? last)
    }

    /// Whether a component is its own name, also with a suffix.
    private func isPlain(_ component: String) -> Bool {
        let bytes = component.utf8
        let isShort = 1...Name.longestBytes - Self.longestSuffixBytes ~= bytes.count
        let isDots = bytes.count <= 2 && bytes.allSatisfy { $0 == UInt8(ascii: ".") }
        return isShort && !isDots && bytes.allSatisfy { $0 != UInt8(ascii: "%") && $0 != 0 }
    }

    private static let longestSuffixBytes = 16

    /// The entry that stands for a component already, under its plain or its escaped name.
    private func existing(
        _ component: String,
        isDirectory: Bool,
        in rows: Connection
    ) -> KnownObject? {
        let suffix = isDirectory ? KeyEscapes.directorySuffix : KeyEscapes.objectSuffix
        if isPlain(component) {
            if known.isEmpty { return nil }
            return [Name(component), Name(component + suffix)].lazy.compactMap { known[$0] }
                .first { isFor(component, $0) && $0.isDirectory == isDirectory }
        }
        for name in [Name(component), shown(component), shown(component, suffix: suffix)] {
            guard let entry = rows.entry(named: name, in: folder.id),
                let file = rows.file(entry.file), file.isDirectory == isDirectory
            else { continue }
            let isPending = rows.work(for: entry.id) != nil
            let found = KnownObject(entry, isDirectory: isDirectory, isPending: isPending)
            if isFor(component, found) { return found }
        }
        return nil
    }

    private func isFor(_ component: String, _ found: KnownObject) -> Bool {
        found.component.utf8.elementsEqual(component.utf8)
    }

    /// A key that lies there only until the uploader has caught up with a rename or removal of ours.
    private func isOurDoing(_ key: Key, in rows: Connection) -> Bool {
        volume.removedSince(asked, ObjectPlace(backend: backend, key: key))
            || rows.entries(under: key, backend: backend).contains { $0.vanished == nil }
    }

    /// Whether a folder that nothing here stands for was removed or moved here.
    ///
    /// Then it has an object of ours in it that has yet to follow. What others may have put there shows
    /// at the next listing.
    private func isOurDoing(folder prefix: Key, in rows: Connection) -> Bool {
        volume.removedSince(asked, below: prefix, backend: backend)
            || rows.hasObject(below: prefix, backend: backend)
    }

    /// Takes up a name that had vanished: with the same bytes it is the same file again.
    private mutating func returning(_ object: ObjectInfo, in rows: Connection) -> Int64? {
        let gone = rows.entries(under: object.key, backend: backend)
            .first { $0.vanished != nil }
        guard var entry = gone, rows.entry(named: entry.name, in: folder.id) == nil else {
            return nil
        }
        let isSame = entry.etag == object.etag
        entry.parent = folder.id
        entry.vanished = nil
        entry.etag = object.etag
        rows.addLinks(1, to: entry.file)
        volume.notifyOfName(entry)
        appeared.add(entry)
        if isSame {
            rows.update(entry)
            return entry.id
        }
        if let orphan = volume.replaceFile(of: &entry, with: file(of: object), in: rows) {
            volume.forget(orphan, in: rows)
        }
        return entry.id
    }

    /// Takes up a directory that had vanished, with its tags.
    private mutating func returning(
        folder key: Key,
        _ component: String,
        in rows: Connection
    ) -> FileID? {
        let gone = rows.entries(under: key, backend: backend).first { $0.vanished != nil }
        guard var entry = gone, let file = rows.file(entry.file), file.isDirectory,
            rows.entry(named: entry.name, in: folder.id) == nil
        else { return nil }
        entry.parent = folder.id
        entry.vanished = nil
        entry.key = nil
        entry.etag = nil
        rows.update(entry)
        // As it was left, but for what lies in it, which the listing will tell.
        rows.setListed(file.id, at: nil)
        rows.addLinks(1, to: file.id)
        rows.addLinks(1, to: folder.id)
        volume.notifyOfName(entry)
        appeared.add(entry)
        folder.seen.insert(entry.id)
        return file.id
    }

    private func newEntry(
        _ component: String,
        suffix: String,
        file: FileID,
        in rows: Connection
    ) -> Entry {
        let plain = shown(component)
        let isTaken =
            isPlain(component)
            ? known[plain] != nil : rows.entry(named: plain, in: folder.id) != nil
        let name = isTaken ? shown(component, suffix: suffix) : plain
        let entry = Entry(
            parent: folder.id,
            name: name,
            component: name.text.utf8.elementsEqual(component.utf8) ? nil : component,
            file: file,
            backend: backend
        )
        if folder.wasListed { volume.notifyOfName(entry) }
        return entry
    }
}
