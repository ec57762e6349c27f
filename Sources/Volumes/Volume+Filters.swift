import Base
import Metadata
import Queries
import SQLite

// The tree below /filters: plain directories, and directories that show what a query selects.

extension Volume {
    /// Only directories can be made below /filters; what a filter shows is not made but selected.
    func makeFilterDirectory(
        _ new: NewFile,
        named name: Name,
        in parent: File
    ) throws(Errno) -> (Entry, File) {
        guard new.isDirectory, try isBelowFilters(parent.id) else { throw .notPermitted }
        if parent.id == .filters, name == ViewPlace.queriesName { throw .exists }
        let now = Timestamp.now()
        return try metadata.database.write { (rows) throws(Errno) in
            guard rows.entry(named: name, in: parent.id) == nil else { throw .exists }
            var file = File(
                backend: 0,
                mode: new.mode,
                owner: new.owner,
                group: new.group,
                at: now
            )
            file.id = rows.insert(file)
            var entry = Entry(parent: parent.id, name: name, file: file.id, backend: 0)
            entry.id = rows.insert(entry)
            rows.addLinks(1, to: parent.id)
            rows.touch(directory: parent.id, at: now)
            return (entry, file)
        }
    }
}

extension Volume {
    /// Whether a directory is `/filters` or below it.
    func isBelowFilters(_ directory: FileID) throws(Errno) -> Bool {
        try metadata.database.read { (rows) throws(Errno) in
            var current = directory
            while current > .filters {
                guard ViewPlace(current) == nil,
                    let parent = rows.entries(of: current).first?.parent
                else { return false }
                current = parent
            }
            return current == .filters
        }
    }

    func removeFilter(_ entry: Entry) throws(Errno) {
        guard try isBelowFilters(entry.parent) else { throw .notPermitted }
        try metadata.database.write { (rows) throws(Errno) in
            try checkChangeable(entry.file, rows)
            guard !rows.hasChildren(entry.file) else { throw .notEmpty }
            removeDirectoryRow(entry, rows)
        }
    }

    /// Moves a directory below /filters to another place there.
    func renameFilter(
        _ name: Name,
        in from: File,
        to newName: Name,
        in to: File,
        replacing: Bool
    ) throws(Errno) {
        if from.backend != 0 { return try moveIntoView(name, in: from, to: to) }
        // EXDEV would make `mv` copy the file out and then fail to remove it.
        guard to.backend == 0 else { throw .notPermitted }
        guard try isBelowFilters(from.id), try isBelowFilters(to.id) else { throw .notPermitted }
        try metadata.database.write { (rows) throws(Errno) in
            // What a filter shows has no entry here: it is renamed where it lies.
            guard let entry = rows.entry(named: name, in: from.id) else { throw .notPermitted }
            try move(entry, to: newName, in: to.id, replacing: replacing, rows)
        }
    }

    func move(
        _ entry: Entry,
        to newName: Name,
        in to: FileID,
        replacing: Bool,
        _ rows: Connection
    ) throws(Errno) {
        var entry = entry
        let from = entry.parent
        try checkChangeable(entry.file, rows)
        if let target = rows.entry(named: newName, in: to) {
            guard target.file != entry.file else { return }
            guard replacing else { throw .exists }
            try checkChangeable(target.file, rows)
            guard !rows.hasChildren(target.file) else { throw .notEmpty }
            removeDirectoryRow(target, rows)
        }
        var above: FileID? = to
        while let current = above, current > .filters {
            guard current != entry.file else { throw .invalid }
            above = rows.entries(of: current).first?.parent
        }
        entry.parent = to
        entry.name = newName
        rows.update(entry)
        rows.addLinks(-1, to: from)
        rows.addLinks(1, to: to)
        let now = Timestamp.now()
        rows.touch(directory: from, at: now)
        rows.touch(directory: to, at: now)
    }

    /// What stands in the configuration is changed there.
    func checkChangeable(_ directory: FileID, _ rows: Connection) throws(Errno) {
        if rows.filter(of: directory)?.isConfigured == true { throw .notPermitted }
    }

    func removeDirectoryRow(_ entry: Entry, _ rows: Connection) {
        rows.deleteEntry(entry.id)
        rows.deleteFilter(of: entry.file)
        rows.deleteFile(entry.file)
        rows.addLinks(-1, to: entry.parent)
        rows.touch(directory: entry.parent, at: .now())
    }

    /// Makes a directory the view of a query, or changes the query of one that is.
    func setQuery(_ text: String, ofDirectory file: File) throws(Errno) {
        guard file.id > .filters, file.isDirectory, file.backend == 0,
            try isBelowFilters(file.id)
        else { throw .notPermitted }
        var problem: String?
        do throws(VolumeProblem) {
            try metadata.database.write { (rows) throws(VolumeProblem) in
                var filter = rows.filter(of: file.id) ?? Filter(file: file.id, query: text)
                guard !filter.isConfigured else { throw .configured }
                filter.query = text
                try store(filter, rows)
            }
        } catch {
            switch error {
            case .query(let text): problem = text
            case .configured: throw .notPermitted
            case .errno(let error): throw error
            }
        }
        // `user.gosync.error` tells what was wrong with what was refused.
        views.update { $0.problems[file.id] = problem }
        if problem != nil { throw .invalid }
    }

    /// Sets `layout`, `names`, `case`, `assert` or `unlink` of a view, as the configuration has them.
    func setFilterOption(_ name: String, _ text: String, of file: File) throws(Errno) {
        let word = String(name.dropFirst(ExtendedAttribute.virtualPrefix.count))
        try metadata.database.write { (rows) throws(Errno) in
            guard var filter = rows.filter(of: file.id), !filter.isConfigured else {
                throw .notPermitted
            }
            guard filter.set(word, to: text) else { throw .invalid }
            do throws(VolumeProblem) {
                try store(filter, rows)
            } catch {
                guard case .errno(let error) = error else { throw .invalid }
                throw error
            }
        }
    }

    /// Makes a view a plain directory again.
    func removeQuery(of file: File) throws(Errno) {
        try metadata.database.write { (rows) throws(Errno) in
            guard rows.filter(of: file.id) != nil else { throw .noData }
            try checkChangeable(file.id, rows)
            rows.deleteFilter(of: file.id)
        }
    }

    func filterAttribute(_ word: String, of file: File) throws(Errno) -> String {
        if word == "error", let problem = views.withLock({ $0.problems[file.id] }) {
            return problem
        }
        guard let filter = try filter(of: file.id) else { throw .noData }
        switch word {
        case "query": return filter.query
        case "layout": return filter.layout.rawValue
        case "names": return filter.names.rawValue
        case "case": return filter.folds ? "fold" : "exact"
        case "assert": return filter.asserts ? "on" : "off"
        case "unlink": return filter.untags ? "untag" : "refuse"
        case "count":
            return try evaluate { (rows) throws(MetadataError) in
                "\(try rows.memberCount(of: filter, at: .local()))"
            }
        case "error":
            do throws(MetadataError) {
                _ = try metadata.database.read { (rows) throws(MetadataError) in
                    try rows.check(query: filter.query)
                }
            } catch {
                return error.description
            }
            throw .noData
        default: throw .noData
        }
    }
}

extension Filter {
    /// Sets an option by its name in the configuration; `false` where there is no such option or value.
    fileprivate mutating func set(_ option: String, to text: String) -> Bool {
        switch (option, text) {
        case ("layout", _):
            guard let layout = Layout(rawValue: text) else { return false }
            self.layout = layout
        case ("names", _):
            guard let names = Names(rawValue: text) else { return false }
            self.names = names
        case ("case", "fold"), ("case", "exact"): folds = text == "fold"
        case ("assert", "on"), ("assert", "off"): asserts = text == "on"
        case ("unlink", "untag"), ("unlink", "refuse"): untags = text == "untag"
        default: return false
        }
        return true
    }
}
