import Base
import Cache
import Metadata
import SQLite
import Stores

extension Volume {
    /// Deletes the objects of names that were removed, many in one request, and forgets the names.
    ///
    /// An object under a key that another entry has taken over meanwhile is that one's, and stays. One
    /// that is being read and not wholly in the cache stays until it is closed.
    ///
    /// An upload under way is waited for: what it makes is then known, and deleted.
    func removeObjects(of entries: [Entry]) throws(StoreError) {
        try countingTime { () throws(StoreError) in try removeObjectsNow(of: entries) }
    }

    private func removeObjectsNow(of entries: [Entry]) throws(StoreError) {
        try places.withEntries(Set(entries.map(\.id))) { () throws(StoreError) in
            // What an upload has just made is in the row by now.
            let now = try inMetadata { (rows) throws(Errno) in
                entries.compactMap { rows.entry($0.id) }
            }
            try removeObjects(ofHeld: now)
        }
    }

    private func removeObjects(ofHeld entries: [Entry]) throws(StoreError) {
        guard let number = entries.first?.backend else { return }
        guard let backend = backends[number] else { throw Self.unconfigured }
        guard !backend.isReadOnly else { throw .denied("the backend is read-only") }
        let keys = Set(entries.compactMap(\.key)).map { ObjectPlace(backend: number, key: $0) }
        try places.withPlaces(Set(keys)) { () throws(StoreError) in
            var (gone, pending) = try sort(entries)
            for i in pending.indices where pending[i].isAnnounced {
                pending[i].etag = try arrived(pending[i], backend)?.etag
            }
            gone += pending.filter(\.isAnnounced)
            pending.removeAll(where: \.isAnnounced)
            let removed = try deleteVersions(of: pending, backend)
            Failpoint.deleted.pass()
            for (id, error) in removed.failed { noteFailure(of: id, error) }
            try postpone(removed.recent, bySeconds: Self.recentSeconds)
            try forget(gone + removed.others, deleted: removed.gone)
        }
    }

    /// When to ask again whether an object is what is known of it.
    private static let recentSeconds: Double = 1

    private func postpone(_ entries: [Entry], bySeconds seconds: Double) throws(StoreError) {
        if entries.isEmpty { return }
        let due = Timestamp.now().adding(seconds: seconds)
        try inMetadataWriting { (rows) throws(Errno) in
            for entry in entries { rows.postponeWork(entry.id, to: due) }
        }
    }

    /// Sorts entries into those without an object of their own and those whose object is to be deleted.
    private func sort(_ entries: [Entry]) throws(StoreError) -> (gone: [Entry], pending: [Entry]) {
        var gone: [Entry] = []
        var pending: [Entry] = []
        var waiting: [(id: Int64, seconds: Double)] = []
        for entry in entries {
            try inMetadata { (rows) throws(Errno) in
                guard let now = rows.entry(entry.id), !now.isAttached, now.vanished == nil else {
                    return
                }
                let isTaken = rows.entries(under: now.key ?? "", backend: now.backend)
                    .contains { $0.isAttached }
                if now.key == nil || isTaken {
                    gone.append(now)
                } else if !lagging(behind: now, rows).isEmpty {
                    waiting.append((now.id, Self.othersFirstSeconds))
                } else if let due = heirDue(now, rows) {
                    let seconds = min(max(0, due.secondsSince(.now())), Self.oldestUnsentSeconds)
                    waiting.append((now.id, seconds + Self.othersFirstSeconds))
                } else if isBeingRead(now) {
                    waiting.append((now.id, Self.oldestUnsentSeconds))
                } else if hasDisplaced(below: now, besides: entries, rows) {
                    waiting.append((now.id, Self.othersFirstSeconds))
                } else {
                    pending.append(now)
                }
            }
        }
        if waiting.isEmpty { return (gone, pending) }
        // The last close makes due again what is open.
        let now = Timestamp.now()
        try inMetadataWriting { (rows) throws(Errno) in
            for item in waiting {
                rows.postponeWork(item.id, to: now.adding(seconds: item.seconds))
            }
        }
        return (gone, pending)
    }

    /// When a file's object is due where one lies that is to be removed, if one is.
    ///
    /// It takes that one's place, so that the store always has one of the two. One that could not be
    /// delivered is not waited for: its store may have no room before something goes.
    private func heirDue(_ entry: Entry, _ rows: Connection) -> Timestamp? {
        guard let key = entry.key, let root = backends[entry.backend]?.root else { return nil }
        var directory = root
        var names = key.text.split(separator: "/", omittingEmptySubsequences: false)
        guard let last = names.popLast(), !last.isEmpty else { return nil }
        for name in names {
            guard let above = rows.entry(named: Name(String(name)), in: directory) else {
                return nil
            }
            directory = above.file
        }
        guard let heir = rows.entry(named: Name(String(last)), in: directory),
            rows.wantedKey(of: heir, isDirectory: false) == key,
            rows.file(heir.file)?.isDirectory == false,
            let work = rows.work(for: heir.id), work.error == nil
        else { return nil }
        return work.due
    }

    /// A directory's own object goes after those that have yet to leave it: a real directory could not
    /// be removed before.
    private func hasDisplaced(below entry: Entry, besides batch: [Entry], _ rows: Connection)
        -> Bool
    {
        guard let key = entry.key, key.text.hasSuffix("/") else { return false }
        let ids = Set(batch.map(\.id))
        return rows.deepestEntries(
            below: Key(String(key.text.dropLast())),
            backend: entry.backend,
            limit: batch.count + 8
        ).contains { $0.id != entry.id && !ids.contains($0.id) && isDisplaced($0, rows) }
    }

    private static let othersFirstSeconds: Double = 0.2

    /// Whether a file is open and its object has bytes that the cache has not.
    func isBeingRead(_ entry: Entry) -> Bool {
        guard entry.file != 0, let node = nodes.node(entry.file) else { return false }
        return !((try? node.bytes.isPresent(0..<node.now.size)) ?? false)
    }

    /// Forgets names, some of whose objects were just deleted, and the files that have no other.
    private func forget(_ names: [Entry], deleted objects: [Entry]) throws(StoreError) {
        let now = tick()
        deleted.update { deleted in
            for entry in objects {
                guard let key = entry.key else { continue }
                deleted[ObjectPlace(backend: entry.backend, key: key)] = now
            }
        }
        noteDelivery(ofObjects: names.count + objects.count, bytes: 0)
        let orphans = try inMetadataWriting { (rows) throws(Errno) -> [FileID] in
            for entry in names + objects { rows.deleteEntry(entry.id) }
            for entry in objects {
                guard let key = entry.key else { continue }
                dropClaims(on: key, besides: [], backend: entry.backend, rows)
            }
            return Set((names + objects).map(\.file))
                .filter { $0 != 0 && rows.entries(of: $0).isEmpty }
        }
        try inErrno { () throws(Errno) in
            for orphan in orphans { try reap(orphan) }
        }
    }

    /// The last user of a file without a name has closed it.
    func leaveOrphan(_ id: FileID, _ entries: [Entry]) {
        for entry in entries where entry.vanished == nil { hasten(entry.file) }
        if entries.isEmpty { try? reap(id) }
    }

    /// Forgets a file that has no name left and is not open.
    func reap(_ id: FileID) throws(Errno) {
        guard !nodes.isInUse(id) else { return }
        try metadata.database.write { (rows) throws(Errno) in forget(id, in: rows) }
        cache.remove(id)
    }

    func forget(_ id: FileID, in rows: Connection) {
        guard rows.entries(of: id).isEmpty else { return }
        rows.removeAllTags(of: id)
        rows.deleteFile(id)
        nodes.forgetReplaced(id)
    }

    /// How long the tags of a file that others removed wait for it to come back.
    private static let vanishedSeconds: Double = 30 * 24 * 3600

    /// At start: files that had no name but were open when the process ended, and what vanished long ago.
    func reapOrphans() throws(Errno) {
        let old = Timestamp.now().adding(seconds: -Self.vanishedSeconds)
        let orphans = try metadata.database.write { (rows) throws(Errno) in
            rows.forgetVanished(before: old)
            return rows.filesWithoutName()
        }
        for orphan in orphans { try reap(orphan) }
    }
}
