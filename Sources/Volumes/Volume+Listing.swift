public import Base
import Metadata
import SQLite

extension Volume {
    /// `.` and `..` come before every entry; the cookies of the rest are their numbers plus this.
    static let cookiesBefore: Int64 = 2

    /// Prepares a listing: what it shows is then no older than the backend's limit.
    public func openDirectory(_ inode: UInt64) throws(Errno) {
        let directory = try file(FileID(bitPattern: inode))
        guard directory.isDirectory else { throw .notDirectory }
        try ensureListed(directory)
        // A filter that cannot be evaluated says so here, and not by being empty.
        if directory.backend == 0, try isFilter(directory.id) {
            try refreshModified(ofFilter: directory.id)
        }
    }

    /// The entries after a cookie, without `.` and `..`, in the order of their numbers.
    ///
    /// The order never changes and numbers are not used again, so whatever happens meanwhile, an entry
    /// that stays is seen once.
    ///
    /// - Parameter withAttributes: without them, entries have no more than number and type.
    public func list(
        _ inode: UInt64,
        after cookie: Int64,
        limit: Int,
        withAttributes: Bool = true
    ) throws(Errno) -> [DirectoryEntry] {
        let id = FileID(bitPattern: inode)
        let directory = try file(id)
        if directory.backend == 0 {
            if let page = try listPlace(id, after: cookie, limit: limit) { return page }
            if try isFilter(id) {
                return try listView(
                    id,
                    after: cookie,
                    limit: limit,
                    withAttributes: withAttributes
                )
            }
        }
        let backend = try backend(of: directory)
        guard withAttributes else {
            return try listNames(id, isExact(backend), after: cookie, limit: limit)
        }
        let read = { [self] () throws(Errno) in
            try metadata.database.read { (rows) throws(Errno) in
                rows.children(of: id, after: cookie - Self.cookiesBefore, limit: limit)
            }
        }
        var page = try read()
        if let backend, !isExact(backend), cookie <= Self.cookiesBefore {
            try compareGuess(among: page, in: directory, backend)
            if isExact(backend) { page = try read() }
        }
        let isExact = isExact(backend)
        let seconds = isView(directory) ? Self.listedSeconds : try nameSeconds(in: directory)
        return page.map { child in
            // Who wants to know more looks the name up, and then it is learned.
            let isGuess = isExact && !child.file.isKnown
            return DirectoryEntry(
                name: child.entry.name,
                cookie: child.entry.id + Self.cookiesBefore,
                attributes: attributes(of: child.file),
                validSeconds: seconds,
                certainty: !isGuess ? .all : child.file.hasCertainType ? .type : .number
            )
        }
    }

    private func listNames(
        _ id: FileID,
        _ isExact: Bool,
        after cookie: Int64,
        limit: Int
    ) throws(Errno) -> [DirectoryEntry] {
        let page = try metadata.database.read { (rows) throws(Errno) in
            rows.childNames(of: id, after: cookie - Self.cookiesBefore, limit: limit)
        }
        return page.map { child in
            DirectoryEntry(
                name: child.name,
                cookie: child.entry + Self.cookiesBefore,
                attributes: Attributes(inode: UInt64(bitPattern: child.file), mode: child.mode),
                validSeconds: 0,
                certainty: isExact && !child.hasCertainType ? .number : .type
            )
        }
    }

    /// The directory that holds this one.
    public func parent(of inode: UInt64) -> UInt64 {
        let parent = (try? entries(of: FileID(bitPattern: inode)))?.first?.parent ?? .root
        return UInt64(bitPattern: parent)
    }

    func cookie(of entry: Entry, in directory: File) -> Int64 { entry.id + Self.cookiesBefore }
}
