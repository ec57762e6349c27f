import Base
import SQLite

/// Who makes room at the moment, and whether it is worth trying.
struct Eviction {
    var isRunning = false
    /// Before that, there was nothing that could go.
    var uselessUntil: Double = 0
}

extension BlockCache {
    /// Sees to it that the limit is kept; `false` if too little could go.
    ///
    /// Waits while another thread does the same. What exists nowhere else stays, whatever it uses.
    public func makeRoom() -> Bool {
        room.lookIfDue(used: arrivedBytes)
        guard diskBytes > room.cleanBytes else { return true }
        evictInTurn {
            let limit = room.cleanBytes
            return limit - min(max(limit, 0) / Self.roomShare, Self.roomBytes)
        } unless: { eviction in
            diskBytes <= room.cleanBytes || monotonicSeconds() < eviction.uselessUntil
        }
        return diskBytes <= room.mostBytes
    }

    /// Frees half of the cache, as far as that can go, for writers that had to wait for uploads.
    ///
    /// With little room, what a large file gets next would have to be uploaded at once, each time with all
    /// that came before it.
    public func makeMuchRoom() {
        evictInTurn {
            max(room.mostBytes, 0) / 2
        } unless: { _ in
            false
        }
    }

    /// Evicts while no other thread does, unless that has become needless by then.
    private func evictInTurn(downTo target: () -> Int64, unless isNeedless: (Eviction) -> Bool) {
        let isOurs = eviction.wait { eviction -> Bool? in
            guard !eviction.isRunning else { return nil }
            eviction.isRunning = !isNeedless(eviction)
            return eviction.isRunning
        }
        guard isOurs else { return }
        evict(downTo: target())
        room.look(used: arrivedBytes)
        eviction.update { eviction in
            eviction.isRunning = false
            if diskBytes > room.cleanBytes {
                eviction.uselessUntil = monotonicSeconds() + Self.pauseSeconds
            }
        }
    }

    /// Has the next `makeRoom` go by what is free on the disk now: it was found full.
    public func lookAtDisk() {
        room.look(used: arrivedBytes)
        eviction.update { $0.uselessUntil = 0 }
    }

    /// What is promised to what is on its way is still free.
    private var arrivedBytes: Int64 { diskBytes - budget.takenBytes }

    /// Frees what was not used for longest until `target` is reached, or nothing more can go.
    ///
    /// Files that are open lose extents, those that are not go whole if they are no larger than what is
    /// to be freed: within them, the index does not know what was read last.
    func evict(downTo target: Int64) {
        var plan: [Candidate] = openCandidates() + closedCandidates()
        plan.sort { $0.used < $1.used }
        var excess = diskBytes - target
        var extents: [Int64: (file: CachedFile, numbers: [Int])] = [:]
        for candidate in plan {
            guard excess > 0 else { break }
            switch candidate.place {
            case .file(let number, let row):
                if row.disk <= max(excess, Self.smallFileBytes) {
                    removeUnused(number)
                } else {
                    trim(number, row, by: excess)
                }
            case .extent(let file, let number):
                extents[file.number, default: (file, [])].numbers.append(number)
            }
            excess -= candidate.bytes
        }
        for (file, numbers) in extents.values { file.evict(numbers) }
    }

    private struct Candidate {
        enum Place {
            case file(Int64, ContentRow)
            case extent(CachedFile, Int)
        }
        let place: Place
        let used: Int64
        let bytes: Int64
    }

    private func openCandidates() -> [Candidate] {
        openFiles.filter { !isPinned($0.number) }.flatMap { file in
            // What was not asked for since the file was opened is what was not used for longest.
            try? file.loadWhole()
            return file.table.withLock { $0.evictable() }.map { extent in
                Candidate(
                    place: .extent(file, extent.number),
                    used: extent.used,
                    bytes: extent.bytes
                )
            }
        }
    }

    private func closedCandidates() -> [Candidate] {
        let rows = try? database.read { (connection) throws(Errno) in
            connection.oldestContent(limit: Self.evictionBatch)
        }
        return (rows ?? []).filter { !isOpen($0.file) }.map { file, row in
            Candidate(place: .file(file, row), used: row.used, bytes: row.disk)
        }
    }

    /// Frees extents of a large file that is not open, from its beginning on.
    private func trim(_ number: Int64, _ row: ContentRow, by bytes: Int64) {
        guard let file = try? file(number, size: row.base) else { return }
        defer { release(file) }
        guard (try? file.loadWhole()) != nil else { return }
        var excess = bytes
        let extents = file.table.withLock { $0.evictable() }.sorted { $0.number < $1.number }
            .prefix { extent in
                defer { excess -= extent.bytes }
                return excess > 0
            }
        file.evict(extents.map(\.number))
    }

    /// Closed files looked at in one go of evicting.
    private static let evictionBatch = 256
    /// Files up to this size go whole.
    private static let smallFileBytes: Int64 = 16 << 20
    /// How much below the limit an eviction goes: a share of the cache, and this much at most.
    private static let roomShare: Int64 = 16
    private static let roomBytes: Int64 = 64 << 20
    private static let pauseSeconds: Double = 0.2
}

extension CachedFile {
    /// Frees the clean chunks of extents that nobody reads or fetches.
    ///
    /// The index forgets the chunks before their bytes go.
    func evict(_ numbers: [Int]) {
        let begun = table.withLock { $0.beginEviction(of: numbers) }
        guard !begun.isEmpty else { return }
        defer { table.update { $0.endEviction(of: begun) } }
        guard isPunchable else { return }
        let ranges = table.withLock { $0.forgetEvicted(begun) }
        saveIndex()
        for range in ranges {
            guard (try? descriptor.punchHole(range)) != nil else { break }
        }
        saveIndex()
    }
}
