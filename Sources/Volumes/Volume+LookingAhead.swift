import Base
import Metadata
import SQLite

extension Volume {
    /// Like `learned`, for a name that a program looks at: if it looks at one after the other, those that
    /// follow are learned side by side.
    ///
    /// Only where nothing is shown by a guess (`GuessTrust`); elsewhere nobody comes to look at many.
    func learnedInPassing(_ entry: Entry, _ file: File) throws(Errno) -> (Entry, File) {
        guard !file.isKnown, !asksNoStore, let backend = try backend(of: file),
            isExact(backend), backend.refusal == nil
        else { return try learned(entry, file) }
        try backend.bulkhead.admit()
        let count = lookRuns.update { $0.look(at: entry.id, in: entry.parent) }
        guard count > 1 else { return try learned(entry, file) }
        let following = try metadata.database.read { (rows) throws(Errno) in
            rows.children(of: entry.parent, after: entry.id, limit: count - 1)
        }
        try learn([(entry, file)] + following.filter { !$0.file.isKnown }, backend)
        // Once more if it was not to be had: that has a reason, which is told here.
        guard let now = try child(entry.name, of: entry.parent) else { throw .noEntry }
        return now.file.isKnown ? now : try learned(now.entry, now.file)
    }

    /// Learns the attributes of some side by side, as far as they can be had; who waits for it may leave.
    private func learn(
        _ batch: [(entry: Entry, file: File)],
        _ backend: Backend
    ) throws(Errno) {
        let progress = Monitor((next: 0, left: batch.count))
        for _ in batch {
            backend.bulkhead.lookers.run { [self] in
                let item = progress.withLock { progress in
                    defer { progress.next += 1 }
                    return batch[progress.next]
                }
                _ = try? learned(item.entry, item.file, withBytes: false)
                progress.update { $0.left -= 1 }
            }
        }
        try progress.wait(in: backend.bulkhead) { $0.left == 0 ? () : nil }
    }

    /// Whether what a listing tells of a backend's objects is not shown as their attributes.
    func isExact(_ backend: Backend?) -> Bool { backend?.trust.withLock { $0.isLost } ?? false }

    /// Compares one guess, before a directory is shown by them.
    func compareGuess(
        among page: [(entry: Entry, file: File)],
        in directory: File,
        _ backend: Backend
    ) throws(Errno) {
        guard let (entry, file) = page.first(where: { !$0.file.isKnown && !$0.file.isDirectory }),
            !asksNoStore, !backend.isOutOfReach, !isRemoving(in: directory.id)
        else { return }
        let hasObject = try entries(of: directory.id).first?.key != nil
        // Whoever waits elsewhere comes here twice.
        let isDue = backend.trust.withLock { trust in
            var trust = trust
            return trust.admitLook(at: monotonicSeconds(), isLikely: hasObject)
        }
        guard isDue else { return }
        try backend.bulkhead.admit()
        backend.trust.update { _ = $0.admitLook(at: monotonicSeconds(), isLikely: hasObject) }
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
