import Base
import Metadata
import Queries
import SQLite

/// What is remembered of views in memory; all of it can be worked out anew.
struct ViewState {
    /// What the trees of a few views consist of, and the views' times at which that was so.
    var trees: [FileID: (modified: Timestamp, directories: Set<FileID>)] = [:]
    var queries = AdHocQueries()
    /// What a listing that goes on will want next.
    var ahead: [FileID: ReadAhead] = [:]
    /// Why the last query set on a directory was refused.
    var problems: [FileID: String] = [:]

    static let mostTrees = 16
}

/// Entries of a view that were read in one go, for the small pages that the kernel asks for.
struct ReadAhead {
    static let entries = 4096
    static let mostViews = 16
    /// A query may speak of `now`.
    private static let seconds: Double = 1

    /// The cookie that they come after.
    private let after: Int64
    private let entries: [DirectoryEntry]
    private let changeCount: Int
    private let time: Double

    init(after: Int64, entries: [DirectoryEntry], changeCount: Int, time: Double) {
        self.after = after
        self.entries = entries
        self.changeCount = changeCount
        self.time = time
    }

    /// The next entries after a cookie, or `nil` where they are not here or may have changed.
    func page(
        after cookie: Int64,
        limit: Int,
        _ changeCount: Int,
        _ now: Double
    ) -> [DirectoryEntry]? {
        guard changeCount == self.changeCount, now - time < Self.seconds, cookie >= after,
            let last = entries.last, cookie < last.cookie
        else { return nil }
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].cookie <= cookie { low = middle + 1 } else { high = middle }
        }
        return Array(entries[low...].prefix(limit))
    }
}

// A filter's directory shows first of all the directories made below it, then what its query selects,
// each in the order of their numbers. The numbers are those of the files, so a listing can go on from
// any of them after any change.

extension Volume {
    func isFilter(_ directory: FileID) throws(Errno) -> Bool { try filter(of: directory) != nil }

    func filter(of directory: FileID) throws(Errno) -> Filter? {
        guard directory > .filters else { return nil }
        if let place = ViewPlace(directory) {
            if case .query = place { return typedFilter(directory) }
            return nil
        }
        return try metadata.database.read { (rows) throws(Errno) in rows.filter(of: directory) }
    }

    /// A filter that cannot be evaluated is an error, never empty: media servers delete what is gone.
    func evaluate<R>(_ body: (Connection) throws(MetadataError) -> R) throws(Errno) -> R {
        do throws(MetadataError) {
            return try metadata.database.snapshot(body)
        } catch {
            throw failure(error)
        }
    }

    private func failure(_ error: MetadataError) -> Errno {
        if case .database(let error) = error { return Errno(error) }
        Log.error("a filter cannot be evaluated: \(error)")
        return .ioError
    }

    /// The file that a name stands for in a view.
    func member(_ name: Name, of directory: File) throws(Errno) -> File? {
        guard directory.backend == 0, let filter = try filter(of: directory.id),
            filter.layout == .flat
        else { return nil }
        let found = try evaluate { (rows) throws(MetadataError) in
            try rows.member(named: name, of: filter, at: .local()).flatMap { id in
                rows.file(id).map { ($0, rows.entries(of: id).first) }
            }
        }
        guard let (file, entry) = found else { return nil }
        guard let entry, !file.isKnown else { return file }
        return try learned(entry, file).1
    }

    /// How long the kernel may use a name that a listing has just told.
    ///
    /// Thus `ls -l` needs no request per file. Only the name may be out of date: it leads to the same file.
    private static let listedSeconds = 0.1

    /// A page of a view, out of a larger one that was read before where nothing has changed since.
    func listView(
        _ directory: FileID,
        after cookie: Int64,
        limit: Int
    ) throws(Errno) -> [DirectoryEntry] {
        let count = metadata.database.changeCount
        let now = monotonicSeconds()
        let ahead = views.withLock {
            $0.ahead[directory]?.page(after: cookie, limit: limit, count, now)
        }
        if let ahead { return ahead }
        // The first page is what a person waits for; whoever goes on wants the rest.
        let isFirst = cookie <= Self.cookiesBefore
        let entries = try readView(
            directory,
            after: cookie,
            limit: isFirst ? limit : max(limit, ReadAhead.entries)
        )
        let read = ReadAhead(after: cookie, entries: entries, changeCount: count, time: now)
        views.update { views in
            if views.ahead.count >= ReadAhead.mostViews { views.ahead = [:] }
            views.ahead[directory] = read
        }
        return Array(entries.prefix(limit))
    }

    private func readView(
        _ directory: FileID,
        after cookie: Int64,
        limit: Int
    ) throws(Errno) -> [DirectoryEntry] {
        guard let filter = try filter(of: directory) else { throw .stale }
        var after = max(0, cookie - Self.cookiesBefore)
        while true {
            let (members, children) = try evaluate { (rows) throws(MetadataError) in
                let members = try rows.members(of: filter, after: after, limit: limit, at: .local())
                let children = rows.children(of: directory, after: 0, limit: .max)
                let files = members.map { (name: $0.name, file: $0.row) }
                return (files, children.map { (name: $0.entry.name, file: $0.file) })
            }
            let own = Set(children.map(\.name))
            // Beyond the last member of a page, more members may come before the next child.
            let end = members.last?.file.id ?? .max
            let page =
                members.filter { !own.contains($0.name) }
                + children.filter { $0.file.id > after && $0.file.id <= end }
            // An empty answer would end the listing: a page of nothing but hidden members does not.
            guard !page.isEmpty || members.isEmpty else {
                after = end
                continue
            }
            return page.sorted { $0.file.id < $1.file.id }.map { item in
                DirectoryEntry(
                    name: item.name,
                    cookie: item.file.id + Self.cookiesBefore,
                    attributes: attributes(of: item.file),
                    validSeconds: Self.listedSeconds
                )
            }
        }
    }

    /// Makes the times of a view true, which move if, and only if, what it holds does.
    func refreshModified(ofFilter directory: FileID) throws(Errno) {
        do throws(MetadataError) {
            try metadata.views.settle(directory, in: metadata.database)
        } catch {
            throw failure(error)
        }
    }
}
