import Base
import Metadata
import Queries
import SQLite

// Directories that have no rows: the branches of views with `layout = tree`, and queries typed as paths
// below /filters/.q.

extension Volume {
    /// The attributes of a directory without a row, or `nil` where the number is not of that kind.
    func placeFile(_ number: FileID) throws(Errno) -> File? {
        guard let place = ViewPlace(number) else { return nil }
        switch place {
        case .queries: return copy(of: try rowFile(.filters), as: number)
        case .query:
            let count = metadata.database.changeCount
            guard let query = views.update({ $0.queries.query(number, changeCount: count) }) else {
                throw .stale
            }
            var file = copy(of: try rowFile(.filters), as: number)
            file.modified = query.modified
            file.changed = query.modified
            return file
        case .branch(let view, let directory):
            // It changes with the view, which says so.
            guard try tree(of: view).contains(directory) else { throw .stale }
            return copy(of: try rowFile(view), as: number)
        }
    }

    private func copy(of file: File, as number: FileID) -> File {
        var copy = file
        copy.id = number
        copy.links = 2
        return copy
    }

    private func rowFile(_ id: FileID) throws(Errno) -> File {
        let file = try metadata.database.read { (rows) throws(Errno) in rows.file(id) }
        guard let file else { throw .stale }
        return file
    }

    /// A query typed as a path, as the filter it would be.
    func typedFilter(_ number: FileID) -> Filter? {
        let count = metadata.database.changeCount
        return views.update { $0.queries.query(number, changeCount: count) }
            .map { Filter(file: number, query: $0.text) }
    }

    /// A name in a directory that has places without rows; `nil` where it has not, or not of this name.
    func place(_ name: Name, in parent: File) throws(Errno) -> DirectoryEntry? {
        switch ViewPlace(parent.id) {
        case .queries: return shown(try typedQuery(name), as: name, cookie: 1)
        case .query: return nil
        case .branch(let view, let directory):
            return try child(name, ofBranch: directory, of: view)
        case nil:
            if parent.id == .filters, name == ViewPlace.queriesName {
                return shown(ViewPlace.queriesNumber, as: name, cookie: 1)
            }
            guard parent.backend == 0, try filter(of: parent.id)?.layout == .tree else {
                return nil
            }
            return try child(name, ofBranch: .backends, of: parent.id)
        }
    }

    /// - Throws: EINVAL for a query that can't be evaluated.
    private func typedQuery(_ name: Name) throws(Errno) -> FileID {
        let text = name.typedQuery
        do throws(VolumeProblem) {
            _ = try warnings(about: text)
        } catch {
            guard case .query(let problem) = error else { throw .ioError }
            Log.info("/filters/.q: \(problem)")
            throw .invalid
        }
        let count = metadata.database.changeCount
        return views.update { $0.queries.number(for: text, changeCount: count) }
    }

    private func shown(_ number: FileID, as name: Name, cookie: Int64) -> DirectoryEntry? {
        guard let file = (try? placeFile(number)) ?? nil else { return nil }
        return DirectoryEntry(
            name: name,
            cookie: cookie + Self.cookiesBefore,
            attributes: attributes(of: file),
            validSeconds: Self.listedSeconds
        )
    }

    private func child(
        _ name: Name,
        ofBranch directory: FileID,
        of view: FileID
    ) throws(Errno) -> DirectoryEntry? {
        guard let found = try child(name, of: directory),
            var entry = try branches([found], of: view).first
        else { return nil }
        // Of a file that was not listed, nobody has yet been told that it is there.
        if !entry.attributes.isDirectory { entry.validSeconds = 0 }
        return entry
    }

    /// A page of a directory without rows, or of the top of a tree; `nil` for any other.
    func listPlace(
        _ directory: FileID,
        after cookie: Int64,
        limit: Int
    ) throws(Errno) -> [DirectoryEntry]? {
        switch ViewPlace(directory) {
        // Asked for by name, and never listed.
        case .queries: return []
        case .query: return nil
        case .branch(let view, let real):
            return try listBranch(real, of: view, after: cookie - Self.cookiesBefore, limit: limit)
        case nil:
            guard try filter(of: directory)?.layout == .tree else { return nil }
            return try listTop(of: directory, after: cookie - Self.cookiesBefore, limit: limit)
        }
    }

    /// The directories made below a view come before the backends; all are few.
    private func listTop(
        of view: FileID,
        after cookie: Int64,
        limit: Int
    ) throws(Errno) -> [DirectoryEntry] {
        let own = try metadata.database.read { (rows) throws(Errno) in
            rows.children(of: view, after: 0, limit: .max)
        }
        let names = Set(own.map(\.entry.name))
        let made = own.map { child in
            DirectoryEntry(
                name: child.entry.name,
                cookie: child.entry.id + Self.cookiesBefore,
                attributes: attributes(of: child.file),
                validSeconds: Self.listedSeconds
            )
        }
        let shown = try listBranch(.backends, of: view, after: 0, limit: .max)
            .filter { !names.contains($0.name) }
        let after = cookie + Self.cookiesBefore
        let page = (made + shown).sorted { $0.cookie < $1.cookie }.filter { $0.cookie > after }
        return Array(page.prefix(limit))
    }

    private func listBranch(
        _ directory: FileID,
        of view: FileID,
        after cookie: Int64,
        limit: Int
    ) throws(Errno) -> [DirectoryEntry] {
        var after = max(0, cookie)
        while true {
            let children = try metadata.database.read { (rows) throws(Errno) in
                rows.children(of: directory, after: after, limit: limit)
            }
            guard let last = children.last else { return [] }
            // An empty page would be the end; one with nothing to show is not.
            let page = try branches(children, of: view)
            if !page.isEmpty { return page }
            after = last.entry.id
        }
    }

    /// Of the children of a real directory, those that a tree shows.
    private func branches(
        _ children: [(entry: Entry, file: File)],
        of view: FileID
    ) throws(Errno) -> [DirectoryEntry] {
        guard let filter = try filter(of: view) else { throw .stale }
        let directories = try tree(of: view)
        let root = try rowFile(view)
        let files = children.filter { !$0.file.isDirectory }.map(\.entry)
        let members = try evaluate { (rows) throws(MetadataError) in
            Set(try rows.shown(files, by: filter, at: .local()).map(\.id))
        }
        return children.compactMap { child in
            var file = child.file
            if file.isDirectory {
                guard directories.contains(file.id),
                    let number = ViewPlace.number(view: view, directory: file.id)
                else { return nil }
                file = copy(of: root, as: number)
            } else if !members.contains(child.entry.id) {
                return nil
            }
            return DirectoryEntry(
                name: child.entry.name,
                cookie: child.entry.id + Self.cookiesBefore,
                attributes: attributes(of: file),
                validSeconds: Self.listedSeconds
            )
        }
    }

    /// The real directories that a tree shows, worked out anew when the view's time has moved.
    private func tree(of view: FileID) throws(Errno) -> Set<FileID> {
        guard let filter = try filter(of: view), filter.layout == .tree else { throw .stale }
        try refreshModified(ofFilter: view)
        let modified = try rowFile(view).modified
        if let known = views.withLock({ $0.trees[view] }), known.modified == modified {
            return known.directories
        }
        let directories = try evaluate { (rows) throws(MetadataError) in
            try rows.directories(of: filter, at: .local())
        }
        views.update { views in
            if views.trees.count >= ViewState.mostTrees { views.trees = [:] }
            views.trees[view] = (modified, directories)
        }
        return directories
    }
}
