import Base
import Cache
import Metadata
import SQLite
import Stores

// The background side of uploading: one thread looks for work that is due and hands it out.

extension Volume {
    /// How much of what is due is looked at in one go: as many as one request can delete.
    private static let batch = 1000
    /// How long the schedule sleeps at most, so that a clock that is set does not hold work back.
    private static let longestSleepSeconds: Double = 5
    /// To look past all that is due on a backend that is full takes a while, if it is a million.
    private static let fullSleepSeconds: Double = 0.5
    /// Takes a millisecond or two.
    private static let fewFiles = 50

    func startUploading() {
        scheduler.run { [self] in
            while runDueWork() {}
        }
    }

    func stopUploading() {
        schedule.update { $0.stopping = true }
        scheduler.stop()
    }

    func wakeSchedule() { schedule.update { $0.isAwake = true } }

    /// Sees to it that the schedule looks at what is due at a moment, and not before: to look for each rename
    /// would cost more than the rename.
    func wakeSchedule(for due: Timestamp) {
        if schedule.withLock({ due < $0.sleepsUntil }) { schedule.update { $0.sleep(until: due) } }
    }

    /// Makes a file's pending work due now.
    func hasten(_ id: FileID) {
        let now = Timestamp.now()
        do throws(Errno) {
            try metadata.database.write { (rows) throws(Errno) in
                rows.makeWorkDue(of: id, at: now, now: now, noLaterThan: 0)
            }
        } catch {
            Log.error("file \(id): its work is not made due: \(error)")
        }
        wakeSchedule()
    }

    /// Makes all work of a backend due now: it can be reached again.
    func hastenWork(on backend: Backend) {
        try? metadata.database.write { (rows) throws(Errno) in
            rows.hastenWork(.backend(backend.number), at: .now())
        }
        wakeSchedule()
    }

    /// What is on its way to a backend that was taken away is not: nobody works on it any more.
    func forgetRunning(on backend: Int64) {
        schedule.update { $0.forget(backend: backend) }
    }

    /// Called before a change that will be settled, because after it is too late.
    ///
    /// - Throws: `wouldWait` on a thread that must not wait, if settling waits for the store.
    func admitSettling(in directory: UInt64) throws(Errno) {
        guard options.waitsForStore else { return }
        try backends[file(FileID(bitPattern: directory)).backend]?.bulkhead.admit()
    }

    /// Brings the store in line with entries just changed: at once if the user wants to wait, else when
    /// their work is due.
    ///
    /// A failure is not the caller's: the change itself has happened and is in the journal. So it is with
    /// a caller who does not want to wait any more.
    func settle(_ entries: [Int64], on backend: Backend?, due: Timestamp) {
        if options.waitsForStore, let backend {
            for entry in entries {
                let isDone: Bool? = try? backend.bulkhead.deliver { [self] in
                    do throws(StoreError) {
                        try bringInLine(entry)
                    } catch {
                        noteFailure(of: entry, error)
                    }
                    return true
                }
                if isDone == nil { break }
            }
        }
        wakeSchedule(for: due)
    }

    private func bringInLine(_ id: Int64) throws(StoreError) {
        let entry = try inMetadata { (rows) throws(Errno) in rows.entry(id) }
        guard let entry else { return }
        if entry.isAttached { try follow(id) } else { try removeObjects(of: [entry]) }
    }

    /// Brings a file's objects in line, and throws what kept it from that.
    ///
    /// Who does not want to wait any more gets EINTR, and the delivery goes on.
    func deliver(_ id: FileID) throws(Errno) {
        let pending = try metadata.database.read { (rows) throws(Errno) in
            rows.entries(of: id).filter { $0.isAttached && rows.work(for: $0.id) != nil }
        }
        for entry in pending {
            guard let backend = backends[entry.backend] else { throw .ioError }
            let failure: Errno? = try backend.bulkhead.deliver { [self] in
                do throws(StoreError) {
                    try follow(entry.id)
                    return nil
                } catch {
                    noteFailure(of: entry.id, error)
                    Log.error("\(describe(entry)): not delivered, kept and tried again: \(error)")
                    return Errno(error)
                }
            }
            if let failure { throw failure }
        }
    }

    func noteFailure(of entry: Int64, _ error: StoreError) {
        // Broken off by ourselves: the store has refused nothing.
        if leavesRest { return }
        if options.synchronizesToStore || error.isRefusal {
            // Before anybody can read of it: who closes the file then is told.
            let file = try? metadata.database.read { (rows) throws(Errno) in
                rows.work(for: entry) == nil ? nil : rows.entry(entry)?.file
            }
            if let file = file ?? nil {
                nodes.node(file)?.update { $0.failure = Node.Failure(reason: Errno(error)) }
            }
        }
        try? metadata.database.write { (rows) throws(Errno) in
            guard let work = rows.work(for: entry) else { return }
            let pause = Schedule.pause(afterAttempts: work.attempts)
            rows.failWork(entry, error: "\(error)", retryAt: Timestamp.now().adding(seconds: pause))
        }
    }

    func describe(_ entry: Entry) -> String {
        "\(backends[entry.backend]?.name.text ?? "?")/…/\(entry.name)"
    }

    /// Hands out what is due, then sleeps; `false` when the volume stops.
    private func runDueWork() -> Bool {
        schedule.update { schedule in
            // What becomes due from here on, while it looks, is looked at next.
            schedule.look()
        }
        let now = Timestamp.now()
        noteLeftAlone()
        // Others may need the disk, and nobody on the mount would notice.
        _ = cache.makeRoom()
        // However much is due on a backend that does not answer, the others have their turn.
        let (full, running) = schedule.withLock { ($0.fullBackends(), $0.running) }
        let due = due(at: now, besides: full, running)
        let reachable = holdBackUnreachable(due)
        var fresh: [(Work, Entry)] = []
        schedule.update { schedule in
            for item in reachable where fresh.count < Self.batch {
                if schedule.begin(item.1.id, on: item.1.backend) { fresh.append(item) }
            }
        }
        var removals: [Int64: [Entry]] = [:]
        for (_, entry) in fresh {
            if entry.isAttached {
                runLater([entry]) { [self] () throws(StoreError) in try follow(entry.id) }
            } else {
                removals[entry.backend, default: []].append(entry)
            }
        }
        for entries in removals.values {
            runLater(entries) { [self] () throws(StoreError) in try removeObjects(of: entries) }
        }
        if fresh.isEmpty {
            abandonUploadsLater()
            forgetChanges()
        }
        let next = (try? metadata.database.read { (rows) throws(Errno) in rows.nextDue() }) ?? nil
        let shortest = full.isEmpty ? 0.01 : Self.fullSleepSeconds
        let sleep = next.map { max(shortest, $0.secondsSince(.now())) } ?? Self.longestSleepSeconds
        let isIdle = fresh.isEmpty && reachable.count == due.count
        let pause = min(isIdle ? max(sleep, 0.05) : 0.01, Self.longestSleepSeconds)
        awaitWork(atMost: pause)
        return !schedule.withLock { $0.stopping }
    }

    /// Makes what was closed with nothing to save due, as its rows do not know yet; a few at a time, for
    /// others wait for their turn at the database meanwhile.
    private func noteLeftAlone() {
        let files = leftAlone.update { files in
            defer { files = [:] }
            return Array(files)
        }
        do throws(Errno) {
            for start in stride(from: 0, to: files.count, by: Self.fewFiles) {
                try metadata.database.write { (rows) throws(Errno) in
                    // Of now: meanwhile a flush may have made all of it due.
                    let now = Timestamp.now()
                    let last = Self.oldestUnsentSeconds
                    for (file, due) in files[start...].prefix(Self.fewFiles) {
                        rows.makeWorkDue(of: file, at: due, now: now, noLaterThan: last)
                    }
                }
            }
        } catch {
            Log.error("files that were closed go to their store later than they should: \(error)")
        }
    }

    /// Sleeps until there is something to look at; `sleepsUntil` may have moved since the look began.
    private func awaitWork(atMost seconds: Double) {
        schedule.update { $0.sleep(until: Timestamp.now().adding(seconds: seconds)) }
        while true {
            let end = schedule.withLock { $0.sleepsUntil }
            let isMoved = schedule.wait(atMost: end.secondsSince(.now())) { schedule -> Bool? in
                if schedule.isAwake || schedule.stopping { return false }
                return schedule.sleepsUntil < end ? true : nil
            }
            if isMoved != true { return }
        }
    }

    /// What is due and not under way, the longest due first.
    private func due(
        at now: Timestamp,
        besides full: Set<Int64>,
        _ running: [Int64: Int64]
    ) -> [(Work, Entry)] {
        if !full.isEmpty, backends.values.allSatisfy({ full.contains($0.number) }) { return [] }
        // Of one state: a look at much that is due would keep the writers waiting meanwhile.
        let found = try? metadata.database.snapshot { (rows) throws(Errno) -> [(Work, Entry)] in
            // What is under way is due still, and would take the place of what is not.
            rows.dueWork(at: now, besides: full, limit: running.count + Self.batch)
                .filter { running[$0.entry] == nil }
                .compactMap { work in rows.entry(work.entry).map { (work, $0) } }
        }
        return found ?? []
    }

    /// Puts off what is due on backends that cannot be asked anyway, as if it had been tried; returns the rest.
    ///
    /// One that can be reached again makes all its work due (`hastenWork`).
    private func holdBackUnreachable(_ due: [(Work, Entry)]) -> [(Work, Entry)] {
        var reachable: [(Work, Entry)] = []
        for (number, work) in Dictionary(grouping: due, by: \.1.backend) {
            guard let reason = refusal(of: number) else {
                reachable += work
                continue
            }
            do throws(Errno) {
                try metadata.database.write { (rows) throws(Errno) in
                    let later = Timestamp.now().adding(seconds: Self.unreachableSeconds)
                    for (_, entry) in work {
                        rows.holdBackWork(entry.id, error: reason, until: later)
                    }
                }
            } catch {
                Log.error("what is pending for a store out of reach is not put off: \(error)")
            }
        }
        return reachable
    }

    /// Why a backend is not asked at all, if so.
    private func refusal(of backend: Int64) -> String? {
        guard let backend = backends[backend] else { return Self.noBackend }
        return backend.refusal
    }

    static let noBackend = "its backend is not configured"
    private static let unreachableSeconds: Double = 60

    private func abandonUploadsLater() {
        for (number, left) in Dictionary(grouping: abandonedUploads(), by: \.backend) {
            // No entry has a number below 0.
            guard let backend = backends[number],
                schedule.update({ $0.begin(-number, on: number) })
            else { continue }
            backend.bulkhead.uploaders.run { [self] in
                for upload in left { abandon(upload) }
                endRunning([-number])
            }
        }
    }

    private func endRunning(_ entries: [Int64]) {
        // To wake the schedule for each would cost as much as a part of the delivery.
        if schedule.withLock({ $0.end(entries) }) { wakeSchedule() }
    }

    private func runLater(
        _ entries: [Entry],
        _ body: @escaping @Sendable () throws(StoreError) -> Void
    ) {
        let job: Workers.Job = { [self] in
            do throws(StoreError) {
                try Tracing.operation("deliver", body)
            } catch {
                for entry in entries {
                    noteFailure(of: entry.id, error)
                    Log.info("\(describe(entry)): will be tried again: \(error)")
                }
            }
            endRunning(entries.map(\.id))
        }
        // Without a backend there is nothing to wait for: the job fails at once.
        guard let backend = entries.first.flatMap({ backends[$0.backend] }) else { return job() }
        backend.bulkhead.uploaders.run(job)
    }
}
