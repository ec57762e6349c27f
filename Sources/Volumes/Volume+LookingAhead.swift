import Base
import Metadata
import SQLite

extension Volume {
    /// Like `learned`, for a name that a program looks at: if it looks at one after the other, those that
    /// follow are learned ahead of it, side by side.
    ///
    /// Only where nothing is shown by a guess (`GuessTrust`); elsewhere nobody comes to look at many.
    func learnedInPassing(_ entry: Entry, _ file: File) throws(Errno) -> (Entry, File) {
        guard !file.isKnown, !asksNoStore, let backend = try backend(of: file),
            isExact(backend), backend.refusal == nil
        else { return try learned(entry, file) }
        // Who comes here twice looks once.
        try backend.bulkhead.admit()
        if let batch = lookRuns.update({ $0.look(at: entry.id, in: entry.parent) }) {
            lookAhead(batch, in: entry.parent, backend)
        }
        try lookRuns.wait(in: backend.bulkhead) { $0.underway.contains(entry.id) ? nil : () }
        // Nobody looked ahead at this one, or in vain for a reason that is told here.
        let now = try metadata.database.read { (rows) throws(Errno) in
            guard let now = rows.entry(entry.id), now.isAttached, let file = rows.file(now.file)
            else { throw .noEntry }
            return (now, file)
        }
        return now.1.isKnown ? now : try learned(now.0, now.1)
    }

    private func lookAhead(_ batch: LookRuns.Batch, in directory: FileID, _ backend: Backend) {
        let page = try? metadata.database.read { (rows) throws(Errno) in
            rows.children(of: directory, after: batch.after, limit: batch.count)
        }
        let unknown = (page ?? []).filter { !$0.file.isKnown }
        lookRuns.update { $0.begin(unknown.map(\.entry.id), of: batch, in: directory) }
        for (entry, file) in unknown {
            backend.bulkhead.lookers.run { [self] in
                _ = try? learned(entry, file, withBytes: false)
                lookRuns.update { $0.end(entry.id) }
            }
        }
    }

    /// Whether what a listing tells of a backend's objects is not shown as their attributes.
    func isExact(_ backend: Backend?) -> Bool { backend?.trust.withLock { $0.isLost } ?? false }

    /// Compares one guess, before a directory is shown by them.
    func compareGuess(
        among page: [(entry: Entry, file: File)],
        in directory: File,
        _ backend: Backend
    ) throws(Errno) {
        let guesses = page.filter { !$0.file.isKnown }
        // Few have recorded something with a directory who have not with their files.
        guard let (entry, file) = guesses.first(where: { !$0.file.isDirectory }) ?? guesses.first,
            !asksNoStore, !backend.isOutOfReach, !isRemoving(in: directory.id)
        else { return }
        let hasObject = try entries(of: directory.id).first?.key != nil
        let now = monotonicSeconds()
        guard backend.trust.withLock({ $0.isLookDue(at: now, isLikely: hasObject) }) else { return }
        // Whoever has to wait elsewhere comes here once more.
        try backend.bulkhead.admit()
        backend.trust.update { $0.noteLook(at: now) }
        let isOver = Monitor(false)
        backend.bulkhead.lookers.run { [self] in
            // What is wrong with it, whoever looks at that name is told.
            _ = try? learned(entry, file, withBytes: file.size <= FirstBytes.freeBytes)
            isOver.update { $0 = true }
        }
        try isOver.wait(whileWantedAtMost: Self.comparisonSeconds) { $0 ? true : nil }
    }

    /// What is known is shown also where the store does not answer.
    private static let comparisonSeconds: Double = 1
}
