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
    var filters = KnownFilters()
    /// Why the last query set on a directory was refused.
    var problems: [FileID: String] = [:]

    static let mostTrees = 16
}

/// Which directories are filters, for as long as nothing is written: every look at a view asks.
struct KnownFilters {
    private var filters: [FileID: Filter?] = [:]
    private var changeCount = 0

    private static let most = 1024

    /// `nil` where it is not known; a directory may be known to be none.
    func filter(of directory: FileID, _ changeCount: Int) -> Filter?? {
        changeCount == self.changeCount ? filters[directory] : nil
    }

    mutating func remember(_ filter: Filter?, of directory: FileID, _ changeCount: Int) {
        if changeCount != self.changeCount || filters.count >= Self.most { filters = [:] }
        self.changeCount = changeCount
        filters[directory] = .some(filter)
    }
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
    private let hasAttributes: Bool
    private let changeCount: Int
    private let time: Double

    init(
        after: Int64,
        entries: [DirectoryEntry],
        hasAttributes: Bool,
        changeCount: Int,
        time: Double
    ) {
        self.after = after
        self.entries = entries
        self.hasAttributes = hasAttributes
        self.changeCount = changeCount
        self.time = time
    }

    /// The next entries after a cookie, or `nil` where they are not here or may have changed.
    func page(
        after cookie: Int64,
        limit: Int,
        withAttributes: Bool,
        _ changeCount: Int,
        _ now: Double
    ) -> [DirectoryEntry]? {
        guard changeCount == self.changeCount, now - time < Self.seconds, cookie >= after,
            hasAttributes || !withAttributes, let last = entries.last, cookie < last.cookie
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
        // Before the look: what is written meanwhile moves it on.
        let count = metadata.database.changeCount
        if let known = views.withLock({ $0.filters.filter(of: directory, count) }) { return known }
        let filter = try metadata.database.read { (rows) throws(Errno) in
            rows.filter(of: directory)
        }
        views.withLock { $0.filters.remember(filter, of: directory, count) }
        return filter
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
    func member(_ name: Name, of directory: File) throws(Errno) -> DirectoryEntry? {
        guard directory.backend == 0, let filter = try filter(of: directory.id) else { return nil }
        return try member(name, of: filter)
    }

    /// The same for a directory that is known to be a flat view, in one look; `nil` where more is to be
    /// looked at, such as for a name that it does not have.
    func knownMember(_ name: Name, of directory: FileID) throws(Errno) -> DirectoryEntry? {
        let count = metadata.database.changeCount
        guard let known = views.withLock({ $0.filters.filter(of: directory, count) }),
            let filter = known
        else { return nil }
        return try member(name, of: filter, unlessChild: true)
    }

    /// - Parameter unlessChild: directories made below the view come first, and have not been looked at.
    private func member(
        _ name: Name,
        of filter: Filter,
        unlessChild: Bool = false
    ) throws(Errno) -> DirectoryEntry? {
        guard filter.layout == .flat else { return nil }
        let found = try evaluate { (rows) throws(MetadataError) -> (File, Entry?)? in
            let id = try rows.member(
                named: name,
                of: filter,
                at: .local(),
                unlessChild: unlessChild
            )
            guard let id, let file = rows.file(id) else { return nil }
            return (file, file.isKnown ? nil : rows.entries(of: id).first)
        }
        guard let (known, entry) = found else { return nil }
        let file = if let entry { try learned(entry, known).1 } else { known }
        var shown = listed(name, attributes(of: file))
        // Nobody has been told yet that it is there.
        shown.validSeconds = 0
        return shown
    }

    /// How long the kernel may use a name that a listing has just told, and that of a view itself.
    ///
    /// Thus `ls -l` needs no request per file. Only the name may be out of date: it leads to the same file.
    static let listedSeconds = 0.1
    /// The first page is what a person waits for, and each of its files may have to come from the disk.
    private static let firstEntries = 48

    /// A page of a view, out of a larger one that was read before where nothing has changed since.
    func listView(
        _ directory: FileID,
        after cookie: Int64,
        limit: Int,
        withAttributes: Bool
    ) throws(Errno) -> [DirectoryEntry] {
        let count = metadata.database.changeCount
        let now = monotonicSeconds()
        let ahead = views.withLock {
            $0.ahead[directory]?.page(
                after: cookie,
                limit: limit,
                withAttributes: withAttributes,
                count,
                now
            )
        }
        if let ahead { return ahead }
        // Whoever goes on wants the rest.
        let isFirst = cookie <= Self.cookiesBefore
        let entries = try readView(
            directory,
            after: cookie,
            limit: isFirst ? min(limit, Self.firstEntries) : max(limit, ReadAhead.entries),
            withAttributes: withAttributes
        )
        let read = ReadAhead(
            after: cookie,
            entries: entries,
            hasAttributes: withAttributes,
            changeCount: count,
            time: now
        )
        views.update { views in
            if views.ahead.count >= ReadAhead.mostViews { views.ahead = [:] }
            views.ahead[directory] = read
        }
        return Array(entries.prefix(limit))
    }

    private func readView(
        _ directory: FileID,
        after cookie: Int64,
        limit: Int,
        withAttributes: Bool
    ) throws(Errno) -> [DirectoryEntry] {
        guard let filter = try filter(of: directory) else { throw .stale }
        var after = max(0, cookie - Self.cookiesBefore)
        while true {
            let (members, children) = try evaluate { (rows) throws(MetadataError) in
                let children = rows.children(of: directory, after: 0, limit: .max).map {
                    listed($0.entry.name, attributes(of: $0.file))
                }
                guard withAttributes else {
                    let names = try rows.memberNames(
                        of: filter,
                        after: after,
                        limit: limit,
                        at: .local()
                    )
                    let members = names.map { member in
                        let inode = UInt64(bitPattern: member.file)
                        return listed(member.name, Attributes(inode: inode, mode: member.mode))
                    }
                    return (members, children)
                }
                let members = try rows.members(of: filter, after: after, limit: limit, at: .local())
                return (members.map { listed($0.name, attributes(of: $0.row)) }, children)
            }
            // Beyond the last member of a page, more members may come before the next child.
            let end = members.last?.cookie ?? .max
            let own = children.filter { $0.cookie > after + Self.cookiesBefore && $0.cookie <= end }
            if children.isEmpty { return members }
            let hidden = Set(children.map(\.name))
            let page = members.filter { !hidden.contains($0.name) } + own
            // An empty answer would end the listing: a page of nothing but hidden members does not.
            guard !page.isEmpty || members.isEmpty else {
                after = end - Self.cookiesBefore
                continue
            }
            return page.sorted { $0.cookie < $1.cookie }
        }
    }

    private func listed(_ name: Name, _ attributes: Attributes) -> DirectoryEntry {
        DirectoryEntry(
            name: name,
            cookie: FileID(bitPattern: attributes.inode) + Self.cookiesBefore,
            attributes: attributes,
            validSeconds: Self.listedSeconds
        )
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
