import Base
import Metadata

/// Where a directory lies, as listings see it.
struct DirectoryPlace: Equatable {
    var id: FileID
    /// Of the keys in it; ends in `/`, or is empty.
    var prefix: Key
    /// The directories above it, its parent first, the backend's own last.
    var ancestors: [FileID]
}

/// Which directories are being listed, and which are listed together: a plain value.
struct Refreshing {
    /// One flat listing of everything below a directory.
    struct Sweep {
        /// Directories before this key are not in it.
        var lower: Key
        var start: Timestamp
        /// Those that it is done with.
        var listed: Set<FileID> = []
    }

    private var directories: [FileID: Timestamp] = [:]
    private var sweeps: [FileID: Sweep] = [:]
    /// When scans under way began; nobody waits for one.
    private var scans: [Timestamp] = []
    private var walks = Walks()

    /// For how long a directory waits for a sweep to reach it.
    static let patienceSeconds = 2.0
    /// For how long a directory that was of no use is not swept again.
    private static let uselessSeconds = 60.0

    /// When the oldest listing under way began.
    var oldest: Timestamp? {
        [directories.values.min(), sweeps.values.map(\.start).min(), scans.min()]
            .compactMap { $0 }.min()
    }

    /// Takes the listing of a directory on; `false` while somebody else has it.
    mutating func begin(_ place: DirectoryPlace, at now: Timestamp, waitingSince: Double) -> Bool {
        guard directories[place.id] == nil else { return false }
        let isPatient = monotonicSeconds() - waitingSince < Self.patienceSeconds
        if isPatient, isAwaited(place) { return false }
        directories[place.id] = now
        return true
    }

    mutating func end(_ id: FileID) { directories[id] = nil }

    /// The directory above that should be listed whole, because `place` is one of many below it that
    /// are looked at one after the other.
    mutating func walk(at place: DirectoryPlace, now: Double) -> FileID? {
        guard !isAwaited(place) else { return nil }
        return walks.visit(place, at: now) { sweeps[$0] != nil }
    }

    mutating func beginSweep(of id: FileID, after lower: Key, at now: Timestamp) -> Bool {
        guard sweeps[id] == nil else { return false }
        sweeps[id] = Sweep(lower: lower, start: now)
        return true
    }

    mutating func beginScan(at now: Timestamp) { scans.append(now) }

    mutating func endScan(at start: Timestamp) {
        if let index = scans.firstIndex(of: start) { scans.remove(at: index) }
    }

    mutating func note(_ listed: [FileID], inSweepOf id: FileID) {
        sweeps[id]?.listed.formUnion(listed)
    }

    /// - Parameter seconds: for how long what it has listed is good; with a sweep that takes longer, the
    ///   next would begin where this one ends, and the store would list for ever.
    mutating func endSweep(of id: FileID, goodFor seconds: Double, at now: Double) {
        guard let sweep = sweeps.removeValue(forKey: id) else { return }
        let isUseless = sweep.listed.isEmpty || Timestamp.now().secondsSince(sweep.start) > seconds
        if isUseless { walks.spare(id, until: now + Self.uselessSeconds) }
    }

    /// Whether a sweep will come to a directory.
    private func isAwaited(_ place: DirectoryPlace) -> Bool {
        place.ancestors.contains { above in
            guard let sweep = sweeps[above] else { return false }
            return sweep.lower < place.prefix && !sweep.listed.contains(place.id)
        }
    }
}

/// Notices that somebody walks through a tree: a plain value.
struct Walks {
    private struct Visit {
        var place: DirectoryPlace
        var time: Double
    }

    /// Directories that had to be listed of late.
    private var visits: [Visit] = []
    private var spared: [FileID: Double] = [:]

    /// What a walker has not come back within is no walk.
    private static let windowSeconds = 3.0
    private static let visitLimit = 64
    /// So many directories of one parent are a walk; of one grandparent, twice as many, and so on.
    private static let siblings = 3

    /// Notes that a directory has to be listed, and returns the highest one above it that is walked
    /// through.
    mutating func visit(
        _ place: DirectoryPlace,
        at now: Double,
        isBusy: (FileID) -> Bool
    ) -> FileID? {
        visits.removeAll { now - $0.time > Self.windowSeconds || $0.place.id == place.id }
        spared = spared.filter { $0.value > now }
        visits.append(Visit(place: place, time: now))
        if visits.count > Self.visitLimit { visits.removeFirst() }
        for (level, above) in place.ancestors.enumerated().reversed() {
            let count = visits.filter { $0.place.ancestors.contains(above) }.count
            guard level < Self.levelLimit, count >= Self.siblings << level else { continue }
            guard spared[above] == nil, !isBusy(above) else { continue }
            visits.removeAll { $0.place.ancestors.contains(above) }
            return above
        }
        return nil
    }

    mutating func spare(_ id: FileID, until time: Double) { spared[id] = time }

    /// Beyond it, more visits would be needed than are remembered.
    private static let levelLimit = 5
}
