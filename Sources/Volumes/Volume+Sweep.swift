import Base
import Metadata
import SQLite
import Stores
import Synchronization

extension Volume {
    /// The most objects that one flat listing brings; a larger tree takes several.
    private static let sweepObjects = 200_000

    /// Begins one flat listing where somebody walks through a tree, instead of one listing for each of
    /// its directories.
    ///
    /// It runs on a thread of its own; `ensureListed` waits until it has come to the directory. Stores
    /// that cannot list in order get none.
    func startSweep(around place: DirectoryPlace, _ backend: Backend) {
        guard backend.listsInRanges.load(ordering: .relaxed) else { return }
        let now = monotonicSeconds()
        guard let top = refreshing.update({ $0.walk(at: place, now: now) }),
            let directory = try? file(top), let start = try? self.place(of: directory),
            let lower = try? sweepStart(start, around: place, backend),
            refreshing.update({ $0.beginSweep(of: top, after: lower, at: tick()) })
        else { return }
        sweepers.run { [self] in
            defer {
                let seconds = backend.directorySeconds
                endRefreshing {
                    $0.endSweep(of: top, goodFor: seconds, at: monotonicSeconds())
                }
            }
            do throws(Errno) {
                try sweep(directory, start.prefix, after: lower, backend)
            } catch {
                Log.info("cannot list all of \(backend.name)/\(start.prefix): \(error)")
            }
        }
    }

    /// A key right before the first directory that is worth listing: what lies before was listed of
    /// late.
    private func sweepStart(
        _ top: DirectoryPlace,
        around place: DirectoryPlace,
        _ backend: Backend
    ) throws(Errno) -> Key {
        let branch = place.ancestors.prefix { $0 != top.id }.last ?? place.id
        let time = Timestamp.now().adding(seconds: -backend.directorySeconds)
        let first = try metadata.database.read { (rows) throws(Errno) in
            rows.firstFolder(in: top.id, listedBefore: time, or: branch)
        }
        // The directory's keys begin with a slash more.
        return Key(top.prefix.text + (first ?? ""))
    }

    private func sweep(
        _ top: File,
        _ prefix: Key,
        after lower: Key,
        _ backend: Backend
    ) throws(Errno) {
        let pages = ListingPages(of: prefix, isDelimited: false, after: lower, on: backend) {
            [self] in tick()
        }
        defer { pages.stop() }
        var merge = Merge(into: top, prefix: prefix, isFlat: true, volume: self)
        while merge.objectCount < Self.sweepObjects,
            let piece = try next(of: pages, of: prefix, backend), piece.covered != nil
        {
            let listed = try merge.add(piece)
            refreshing.update { $0.note(listed, inSweepOf: top.id) }
        }
    }
}
