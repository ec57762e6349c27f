import Base
import Metadata
import SQLite
import Stores

/// A listing on its way into the tree: of one directory, or of everything below it.
///
/// It takes pages in any order. What a directory holds is added as it comes; what it was not shown to
/// hold goes once every key that could lie in it was listed, which `Coverage` knows.
struct Merge {
    let volume: Volume
    let backend: Int64
    let top: FileID
    let prefix: Key
    /// Whether folders come with what is in them.
    let isFlat: Bool
    private var coverage = Coverage()
    /// The directories whose keys are not all listed yet, by prefix; `nil` for one that is not shown.
    private var folders: [Key: Folder?] = [:]
    private(set) var objectCount = 0
    private(set) var counts = MergeCounts()
    /// Only looks what there would be to do.
    private let isDry: Bool

    struct Folder {
        var id: FileID
        /// The newest entry of all when the directory was first shown: what came later is not old.
        var newest: Int64
        var seen: Set<Int64> = []
        /// The kernel may remember which names there are not.
        var wasListed: Bool
        var hasChanged = false
        var hasMarker = false
        /// How many of the names that were known before are what they were, and how many are not.
        var kept = 0
        var lost = 0

        init(_ id: FileID, newest: Int64, in rows: Connection) {
            self.id = id
            self.newest = newest
            wasListed = rows.file(id)?.listed != nil
        }

        /// Stands for a directory that would be made, in a merge that makes nothing.
        static let unmade: FileID = 0
    }

    /// - Parameters:
    ///   - directory: to be listed, with what is below it if the listing is flat.
    ///   - prefix: of the keys of what it holds.
    ///   - isDry: only counts, and changes nothing.
    init(into directory: File, prefix: Key, isFlat: Bool, volume: Volume, isDry: Bool = false) {
        self.isFlat = isFlat
        self.isDry = isDry
        self.volume = volume
        backend = directory.backend
        top = directory.id
        self.prefix = prefix
    }

    /// Brings names in line with a page, and returns the directories that are now listed whole.
    mutating func add(_ piece: ListingPlan.Piece) throws(Errno) -> [FileID] {
        var orphans: [FileID] = []
        var listed: [FileID] = []
        var isDone = false
        objectCount += piece.page.objects.count
        if let covered = piece.covered { coverage.add(covered) }
        try inMetadata { (rows) throws(Errno) in
            merge(piece, in: rows, orphans: &orphans)
            isDone = finishCovered(&listed, in: rows)
        }
        Failpoint.listedPage.pass()
        while !isDone {
            try inMetadata { (rows) throws(Errno) in isDone = finishCovered(&listed, in: rows) }
        }
        for orphan in orphans { try volume.reap(orphan) }
        return listed
    }

    /// Everything behind `lower` and up to this key was listed, and is in the rows.
    func coveredTo(from lower: Key?) -> Key? { coverage.reach(from: lower) }

    private func inMetadata(_ body: (Connection) throws(Errno) -> Void) throws(Errno) {
        if isDry { return try volume.metadata.database.read(body) }
        try volume.metadata.database.write(isLong: true) { (rows) throws(Errno) in
            // What a backend holds that was taken away meanwhile is not to be shown any more.
            guard volume.backends[backend] != nil else { throw .ioError }
            try body(rows)
        }
    }

    private mutating func merge(
        _ piece: ListingPlan.Piece,
        in rows: Connection,
        orphans: inout [FileID]
    ) {
        let newest = rows.newestEntry
        let isSettled = rows.isSettled && volume.deleted.withLock { $0.isEmpty }
        var first = 0
        for level in ListedLevels(piece.page, below: prefix).all {
            guard let folder = open(level.prefix, in: rows) else { continue }
            var merge = LevelMerge(
                level,
                into: folder,
                backend: backend,
                asked: piece.asked,
                isSettled: isSettled,
                isDry: isDry,
                volume: volume
            )
            merge.run(in: rows, orphans: &orphans) { prefix, id in
                if isFlat, folders[prefix] == nil {
                    folders[prefix] = .some(id.map { Folder($0, newest: newest, in: rows) })
                }
            }
            folders[level.prefix] = merge.folder
            counts.add(merge.counts)
            if isDry { continue }
            if folder.wasListed {
                merge.appeared.log(in: folder.id, rows)
            } else {
                first += merge.appeared.count
            }
        }
        // What was never listed before is told in one line for a page, or that would cost as much.
        guard first > 0, let path = rows.path(of: top) else { return }
        rows.log(.appeared, path, file: top, .number("count", Int64(first)))
    }

    /// The state of a directory, if it is shown, and still where it was: one that was moved meanwhile
    /// is not the one that the listing speaks of.
    private mutating func open(_ prefix: Key, in rows: Connection) -> Folder? {
        if prefix == self.prefix, folders[prefix] == nil {
            folders[prefix] = Folder(top, newest: rows.newestEntry, in: rows)
        }
        guard let folder = folders[prefix] ?? nil else { return nil }
        if folder.id == Folder.unmade { return folder }
        guard isInPlace(folder, prefix, rows) else {
            folders[prefix] = .some(nil)
            return nil
        }
        return folder
    }

    private func isInPlace(_ folder: Folder, _ prefix: Key, _ rows: Connection) -> Bool {
        guard let components = rows.components(of: folder.id) else { return false }
        return Key(components.map { $0 + "/" }.joined()) == prefix
    }

    /// Ends the listing of what is covered; `false` while there is more to do for that.
    private mutating func finishCovered(_ listed: inout [FileID], in rows: Connection) -> Bool {
        for (prefix, folder) in folders {
            guard let asked = coverage.asked(from: prefix, until: prefix.afterAllBelow) else {
                continue
            }
            guard var folder, folder.id != Folder.unmade, isInPlace(folder, prefix, rows) else {
                close(prefix)
                continue
            }
            guard finish(&folder, asked: asked, in: rows) else {
                folders[prefix] = folder
                return false
            }
            close(prefix)
            listed.append(folder.id)
        }
        return true
    }

    private mutating func close(_ prefix: Key) {
        if prefix == self.prefix { folders[prefix] = .some(nil) } else { folders[prefix] = nil }
    }

    /// Takes away what a whole listing did not show, and remembers when that was; `false` where that is
    /// too much for one transaction.
    private mutating func finish(_ folder: inout Folder, asked: Timestamp, in rows: Connection)
        -> Bool
    {
        guard var file = rows.file(folder.id), file.listed.map({ $0 < asked }) ?? true else {
            return true
        }
        var count = 0
        for number in rows.childNumbers(of: folder.id, upTo: folder.newest)
        where !folder.seen.contains(number) {
            guard count < Self.removalsAtOnce else { return false }
            count += 1
            folder.seen.insert(number)
            guard let entry = rows.entry(number), let child = rows.file(entry.file) else {
                continue
            }
            if removeUnlisted(entry, child, before: asked, in: rows) {
                folder.hasChanged = true
                folder.lost += 1
            }
        }
        if isDry { return true }
        if !file.isKnown, !folder.hasMarker, rows.entries(of: file.id).first?.key == nil {
            // There is no object that could tell more of it.
            file.isKnown = true
            rows.update(file)
        }
        noteWhatIsLeft(of: folder)
        rows.setListed(folder.id, at: asked)
        if folder.hasChanged, file.listed != nil {
            rows.touch(directory: folder.id, at: .now())
            volume.notify(.attributes(of: UInt64(bitPattern: folder.id)))
        }
        return true
    }

    private static let removalsAtOnce = 1000

    /// Tells whoever runs this if hardly anything of what was known at the top of a backend is there.
    ///
    /// Somebody has emptied it, or it is another one. Nothing is lost by either.
    private func noteWhatIsLeft(of folder: Folder) {
        guard let backend = volume.backends[backend], backend.root == folder.id,
            folder.lost >= Self.fewNames, folder.lost > Self.fewNames * folder.kept
        else { return }
        backend.noteStrange(
            "hardly anything of what was known is there any more; is it still the same place? "
                + "What is pending overwrites and deletes nothing there"
        )
    }

    /// That fewer names go at once is nothing strange.
    private static let fewNames = 5

    /// Whether the object of an entry lies where its directory was before that was moved: what is listed
    /// where it is now says nothing of it.
    private func isElsewhere(_ entry: Entry, _ file: File, in rows: Connection) -> Bool {
        guard let key = entry.key, key != rows.wantedKey(of: entry, isDirectory: file.isDirectory)
        else { return false }
        return rows.isFollowing(entry.parent)
    }

    /// Removes what others removed; `false` where something below is ours and has to stay.
    private mutating func removeUnlisted(
        _ entry: Entry,
        _ file: File,
        before asked: Timestamp,
        in rows: Connection
    ) -> Bool {
        guard rows.work(for: entry.id) == nil, entry.touched < asked,
            !isElsewhere(entry, file, in: rows)
        else { return false }
        guard file.isDirectory else {
            guard entry.key != nil, volume.lagging(behind: entry, rows).isEmpty else {
                return false
            }
            counts.vanished += 1
            if !isDry { volume.detachVanished(entry, in: rows) }
            return true
        }
        var isEmpty = true
        for child in rows.children(of: file.id, after: 0, limit: .max) {
            if !removeUnlisted(child.entry, child.file, before: asked, in: rows) { isEmpty = false }
        }
        guard isEmpty, !entry.isKeptHere else { return false }
        if !isDry { volume.detachVanished(directory: entry, in: rows) }
        return true
    }
}

/// What a listing has found: names of files that others made, replaced or removed.
struct MergeCounts: Equatable, Sendable {
    var new = 0
    var changed = 0
    var vanished = 0

    mutating func add(_ other: MergeCounts) {
        new += other.new
        changed += other.changed
        vanished += other.vanished
    }
}
