public import Base
import Cache
import Metadata
import SQLite
import Stores

/// What stands against taking a backend away, or was lost by it.
public struct Unsent: Equatable, Sendable {
    /// Changes that its store has not got, and the first of them.
    public var changes: Int64 = 0
    public var first: [Undelivered] = []
    /// Files that programs have open for writing.
    public var open: [String] = []

    public var isEmpty: Bool { changes == 0 && open.isEmpty }
}

/// Why a backend was not taken away.
public enum RemovalProblem: Error, Equatable, Sendable {
    case errno(Errno)
    case unsent(Unsent)
}

extension Volume {
    /// Shows a store below `/backends` from now on, and at every start.
    ///
    /// If it was there before, tags of what is still in it return.
    ///
    /// - Parameters:
    ///   - settings: how to make the description again, without the keys.
    ///   - sealed: the keys.
    ///   - isNew: it counts as such until it was scanned.
    /// - Throws: `.exists` where there is one of that name.
    public func add(
        _ description: BackendDescription,
        settings: String,
        sealed: [UInt8]?,
        isNew: Bool
    ) throws(Errno) {
        guard backends.named(description.name) == nil else { throw .exists }
        let backend = try metadata.database.write { (rows) throws(Errno) in
            guard rows.entry(named: description.name, in: .backends) == nil else { throw .exists }
            return Self.makeBackend(description, options: options, rows)
        }
        backend.setNew(isNew)
        begin(backend)
        // Before anybody can find its directory.
        backends.add(backend)
        do throws(Errno) {
            try metadata.database.write(durably: true) { (rows) throws(Errno) in
                guard rows.entry(named: backend.name, in: .backends) == nil else { throw .exists }
                rows.store(
                    Provision(
                        backend: backend.number,
                        name: backend.name.text,
                        settings: settings,
                        sealed: sealed
                    )
                )
                rows.setListed(backend.root, at: nil)
                Self.show(backend, rows)
                rows.touch(directory: .backends, at: .now())
                rows.log(.created, Self.path(of: backend), file: backend.root)
            }
        } catch {
            backends.remove(backend)
            throw error
        }
        notifyOfName(backend.name, in: UInt64(FileID.backends))
        hastenWork(on: backend)
    }

    /// Describes a backend anew; what is under way goes on with what it was.
    public func change(
        _ description: BackendDescription,
        settings: String,
        sealed: [UInt8]?
    ) throws(Errno) {
        guard let backend = backends.named(description.name) else { throw .noEntry }
        try metadata.database.write(durably: true) { (rows) throws(Errno) in
            rows.store(
                Provision(
                    backend: backend.number,
                    name: backend.name.text,
                    settings: settings,
                    sealed: sealed
                )
            )
            // It may hold something else now: the next look asks.
            rows.setListed(backend.root, at: nil)
        }
        backend.change(to: description)
        notify(.attributes(of: UInt64(backend.root)))
        hastenWork(on: backend)
    }

    /// Takes a backend away, from the mount and from here; nothing happens to its store.
    ///
    /// Its tags are kept for as long as those of what others remove.
    ///
    /// - Parameter losingUnsent: also where that loses what the store has not got yet.
    /// - Returns: what was lost.
    public func removeBackend(_ name: Name, losingUnsent: Bool) throws(RemovalProblem) -> Unsent {
        guard let backend = backends.named(name) else { throw .errno(.noEntry) }
        // Nothing more becomes pending while it is looked at.
        backend.setLeaving(true)
        let unsent: Unsent
        do throws(Errno) {
            unsent = try self.unsent(on: backend)
            if unsent.isEmpty || losingUnsent {
                try remove(backend)
                return unsent
            }
        } catch {
            backend.setLeaving(false)
            throw .errno(error)
        }
        backend.setLeaving(false)
        throw .unsent(unsent)
    }

    private func remove(_ backend: Backend) throws(Errno) {
        try metadata.database.write(durably: true) { (rows) throws(Errno) in
            rows.setRemoved(backend.number, at: .now())
            rows.deleteProvision(of: backend.number)
            rows.deleteScans(of: backend.number)
            rows.log(.removed, Self.path(of: backend), file: backend.root)
        }
        backends.remove(backend)
        // Who still has it is refused, and so nobody waits for what does not come.
        backend.breakOff()
        backend.finish()
        forgetRunning(on: backend.number)
        try giveUp(backend)
        try forgetAll(in: backend.root)
    }

    /// A backend that the volume has had from the start, or has just got.
    func begin(_ backend: Backend) {
        backend.whenBack { [weak self, number = backend.number] in
            guard let self, let backend = self.backends[number] else { return }
            self.hastenWork(on: backend)
            self.resumeScans(on: number)
        }
        // Those of the configuration were looked at before.
        if backend.description.isProvisioned { backend.look() }
    }

    static func makeBackend(
        _ description: BackendDescription,
        options: VolumeOptions,
        _ rows: Connection
    ) -> Backend {
        let mode = 0o040000 | options.directoryMode
        let (number, root) = rows.backend(named: description.name.text) {
            File(backend: 0, mode: mode, owner: options.owner, group: options.group, at: .now())
        }
        return Backend(description, number: number, root: root)
    }

    /// Gives a backend its name below `/backends`.
    static func show(_ backend: Backend, _ rows: Connection) {
        rows.setRemoved(backend.number, at: nil)
        // It has one already where taking it away was not finished.
        guard rows.entry(named: backend.name, in: .backends) == nil else { return }
        _ = rows.insert(
            Entry(
                parent: .backends,
                name: backend.name,
                file: backend.root,
                backend: backend.number
            )
        )
    }

    private static func path(of backend: Backend) -> String { "/backends/\(backend.name.text)" }

    private func unsent(on backend: Backend) throws(Errno) -> Unsent {
        saveOpenFiles()
        let scope = WorkScope.backend(backend.number)
        let end = Timestamp(nanoseconds: .max)
        let work = try metadata.database.read { (rows) throws(Errno) in
            rows.pendingWork(scope, at: end)
        }
        let writers = nodes.all.filter { $0.now.writers > 0 }
        let open = try metadata.database.read { (rows) throws(Errno) in
            writers.filter { rows.file($0.id)?.backend == backend.number }
                .map { rows.path(of: $0.id) ?? "a file without a name" }
        }
        let first = work.count == 0 ? [] : try undelivered(scope, at: end)
        return Unsent(changes: work.count, first: first, open: open)
    }

    /// Forgets what the store of a backend that was taken away will never get.
    private func giveUp(_ backend: Backend) throws(Errno) {
        var hasMore = true
        while hasMore {
            var files: [FileID] = []
            hasMore = try metadata.database.write(isLong: true) { (rows) throws(Errno) in
                rows.giveUpWork(on: backend.number, limit: Self.forgottenAtOnce, files: &files)
            }
            for file in files {
                // A writer notes anew that the file changes, and learns that this is in vain.
                nodes.node(file)?.update { $0.isDirty = false }
                cache.remove(file)
                if try entries(of: file).isEmpty { try reap(file) }
            }
        }
    }

    /// Forgets all names in a directory, those with tags for as long as they may return; the
    /// directory's own goes last.
    func forgetAll(in root: FileID) throws(Errno) {
        var path = [root]
        while let directory = path.last {
            let (below, isDone) = try metadata.database.write(isLong: true) {
                (rows) throws(Errno) in
                forgetPage(of: directory, rows)
            }
            if let below { path.append(below) } else if isDone { path.removeLast() }
        }
        try metadata.database.write { (rows) throws(Errno) in
            for entry in rows.entries(of: root) { rows.deleteEntry(entry.id) }
            rows.touch(directory: .backends, at: .now())
            rows.setListed(root, at: nil)
        }
        notify(.allNames)
        notify(.attributes(of: UInt64(FileID.backends)))
    }

    /// Returns a directory that has to be emptied first, if there is one, or whether all is gone.
    private func forgetPage(
        of directory: FileID,
        _ rows: Connection
    ) -> (below: FileID?, isDone: Bool) {
        let page = rows.children(of: directory, after: 0, limit: Self.forgottenAtOnce)
        for child in page {
            if !child.file.isDirectory {
                detachVanished(child.entry, in: rows, isNews: false)
            } else if rows.hasChildren(child.file.id) {
                return (child.file.id, false)
            } else {
                detachVanished(directory: child.entry, in: rows, isNews: false)
            }
        }
        return (nil, page.isEmpty)
    }

    private static let forgottenAtOnce = 500
}
