public import Base
import Metadata
import SQLite
import Stores
import Synchronization

// A scan looks at everything that a store holds, and brings the names in line: as listings do, but for
// all directories at once, and whether somebody looks or not.

extension Volume {
    /// Begins to look at all that is at and below a directory of a backend.
    ///
    /// Returns the number of the scan; one that looks at the same already counts.
    ///
    /// - Parameter isDry: only counts; nothing changes.
    public func beginScan(of path: String, isDry: Bool) throws(Errno) -> Int {
        let directory = try file(FileID(bitPattern: try resolve(path).inode))
        guard directory.isDirectory else { throw .notDirectory }
        guard let backend = try backend(of: directory) else { throw .invalid }
        let job = ScanTable.Job(
            backend: backend.number,
            directory: directory.id,
            isDry: isDry,
            began: .now()
        )
        if !isDry {
            let scan = UnfinishedScan(job)
            try metadata.database.write { (rows) throws(Errno) in rows.store(scan) }
        }
        return begin(job, path: path, isResumed: false)
    }

    /// Tells how a scan goes, at once and about once a second, until it has ended or nobody listens.
    ///
    /// - Parameter tell: `false` ends the telling; a scan that only counts ends as well.
    public func watchScan(_ number: Int, tell: (ScanProgress) -> Bool) {
        var isFirst = true
        while true {
            let now: ScanProgress? = scans.wait(atMost: isFirst ? 0 : Self.tellingSeconds) {
                table in
                let now = table.progress(of: number)
                return now?.state == .running ? nil : now
            }
            isFirst = false
            guard let progress = now ?? scans.withLock({ $0.progress(of: number) }) else { return }
            let isListening = tell(progress)
            guard progress.state == .running else { return }
            guard isListening else {
                return scans.update { if $0.job(number)?.isDry == true { $0.abandon(number) } }
            }
        }
    }

    private static let tellingSeconds = 1.0

    /// The scans under way and the last that ended, the newest last.
    public func scanProgress() -> [ScanProgress] { scans.withLock { $0.progress } }

    /// Goes on with scans that a crash or a store that was gone has interrupted.
    func resumeScans(on number: Int64? = nil) {
        let found = try? metadata.database.read { (rows) throws(Errno) in
            rows.unfinishedScans().compactMap { scan in
                rows.path(of: scan.directory).map { (scan, path: $0) }
            }
        }
        for (scan, path) in found ?? [] where number == nil || scan.backend == number {
            guard backends[scan.backend] != nil else { continue }
            _ = begin(ScanTable.Job(scan), path: path, isResumed: true)
        }
    }

    private func begin(_ job: ScanTable.Job, path: String, isResumed: Bool) -> Int {
        let (number, isNew) = scans.update { table in
            if let known = table.running(job.directory, isDry: job.isDry) { return (known, false) }
            return (table.begin(job, path: path, isResumed: isResumed), true)
        }
        if isNew { scanners.run { [self] in run(number, job, path) } }
        return number
    }

    private func run(_ number: Int, _ job: ScanTable.Job, _ path: String) {
        let start = tick()
        refreshing.update { $0.beginScan(at: start) }
        defer { endRefreshing { $0.endScan(at: start) } }
        do throws(StoreError) {
            try scan(number, job)
            scans.update { $0.end(number, .done, problem: nil) }
        } catch {
            let isEnding = hasAbandonedWaits
            let problem = isEnding ? nil : "\(error)"
            if let problem { Log.warning("scan of \(path): \(problem)") }
            scans.update { $0.end(number, isEnding ? .ended : .failed, problem: problem) }
        }
    }

    private func scan(_ number: Int, _ job: ScanTable.Job) throws(StoreError) {
        guard let backend = backends[job.backend] else { throw Self.unconfigured }
        let (top, place) = try inErrno { () throws(Errno) -> (File, DirectoryPlace) in
            let top = try file(job.directory)
            return (top, try self.place(of: top))
        }
        // The first listing tells whether there may be one of everything.
        if !job.isDry, !isListed(top, since: job.began) {
            try look(at: top, place.prefix, backend, number)
        }
        if job.isDry || backend.listsInRanges.load(ordering: .relaxed) {
            try scanAtOnce(number, job, top, place.prefix, backend)
        } else {
            try scanByDirectory(number, job, backend)
        }
        if job.isDry { return }
        try inMetadataWriting { (rows) throws(Errno) in rows.deleteScan(of: job.directory) }
        if job.directory == backend.root { backend.setNew(false) }
    }

    /// One listing of all keys, in as many parts at once as the store lets itself be asked.
    private func scanAtOnce(
        _ number: Int,
        _ job: ScanTable.Job,
        _ top: File,
        _ prefix: Key,
        _ backend: Backend
    ) throws(StoreError) {
        let pages = ListingPages(
            of: prefix,
            isDelimited: false,
            after: job.position,
            on: backend
        ) { [self] in tick() }
        defer { pages.stop() }
        var merge = Merge(into: top, prefix: prefix, isFlat: true, volume: self, isDry: job.isDry)
        var counts = MergeCounts()
        var saved = monotonicSeconds()
        while let piece = try pages.next() {
            try inErrno { () throws(Errno) in _ = try merge.add(piece) }
            let found = merge.counts.since(counts)
            counts = merge.counts
            try note(number, objects: piece.page.objects.count, found)
            guard !job.isDry, monotonicSeconds() - saved >= Self.savingSeconds else { continue }
            saved = monotonicSeconds()
            guard let reached = merge.coveredTo(from: job.position) else { continue }
            try save(job, at: reached)
        }
        if let position = job.position {
            try finish(number, job, resumedAfter: position, prefix, backend)
        }
    }

    private static let savingSeconds = 1.0

    private func save(_ job: ScanTable.Job, at position: Key) throws(StoreError) {
        var scan = UnfinishedScan(job)
        scan.position = position
        let reached = scan
        try inMetadataWriting { (rows) throws(Errno) in rows.store(reached) }
    }

    /// Lists the directories around the place where a scan was interrupted: neither run has shown them
    /// whole, so neither could tell what is missing in them.
    private func finish(
        _ number: Int,
        _ job: ScanTable.Job,
        resumedAfter position: Key,
        _ prefix: Key,
        _ backend: Backend
    ) throws(StoreError) {
        var (current, place) = (job.directory, prefix)
        let rest = position.text.utf8.dropFirst(prefix.text.utf8.count)
        let components = rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for component in components {
            let id = current
            let directory = try inErrno { () throws(Errno) in try file(id) }
            if !isListed(directory, since: job.began) {
                try look(at: directory, place, backend, number)
            }
            let name = String(decoding: component, as: UTF8.self)
            let below = try inMetadata { (rows) throws(Errno) in
                rows.folder(of: name, in: id)
            }
            guard let below else { return }
            current = below
            place = Key(place.text + name + "/")
        }
    }

    /// One directory after the other, for stores that cannot list all in order.
    private func scanByDirectory(
        _ number: Int,
        _ job: ScanTable.Job,
        _ backend: Backend
    ) throws(StoreError) {
        var rest = [job.directory]
        while let id = rest.popLast() {
            let (directory, place) = try inErrno { () throws(Errno) -> (File, DirectoryPlace) in
                let directory = try file(id)
                return (directory, try self.place(of: directory))
            }
            if !isListed(directory, since: job.began) {
                try look(at: directory, place.prefix, backend, number)
            }
            rest += try inMetadata { (rows) throws(Errno) in rows.folders(in: id) }
        }
    }

    private func isListed(_ directory: File, since time: Timestamp) -> Bool {
        directory.listed.map { $0 >= time } ?? false
    }

    private func look(
        at directory: File,
        _ prefix: Key,
        _ backend: Backend,
        _ number: Int
    ) throws(StoreError) {
        let found = try inErrno { () throws(Errno) in try refresh(directory, prefix, backend) }
        try note(number, objects: found.objects, found.counts)
    }

    /// Counts what was found; throws if there is no use in going on.
    private func note(
        _ number: Int,
        objects: Int,
        _ counts: MergeCounts
    ) throws(StoreError) {
        let isWanted = scans.update { table in
            table.add(number, objects: objects, counts, at: .now())
            return table.job(number)?.isWanted ?? false
        }
        guard isWanted, !hasAbandonedWaits else { throw .aborted(.interrupted) }
    }
}

extension MergeCounts {
    /// What was counted after `before`.
    fileprivate func since(_ before: MergeCounts) -> MergeCounts {
        MergeCounts(
            new: new - before.new,
            changed: changed - before.changed,
            vanished: vanished - before.vanished
        )
    }
}

extension UnfinishedScan {
    fileprivate init(_ job: ScanTable.Job) {
        self.init(
            directory: job.directory,
            backend: job.backend,
            began: job.began,
            position: job.position
        )
    }
}

extension ScanTable.Job {
    fileprivate init(_ scan: UnfinishedScan) {
        self.init(
            backend: scan.backend,
            directory: scan.directory,
            isDry: false,
            began: scan.began,
            position: scan.position
        )
    }
}
