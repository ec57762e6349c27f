public import Base
import Digest
public import Queries
public import SQLite

/// A file as a view shows it.
public struct Member: Equatable, Sendable {
    /// The name in the view.
    public let name: Name
    public let row: File

    public var file: FileID { row.id }
}

/// A file as a listing of names tells it.
public struct NamedMember: Equatable, Sendable {
    /// The name in the view.
    public let name: Name
    public let file: FileID
    /// Its type and permissions.
    public let mode: UInt32
}

/// What filters select, within `Database.read` or, for several pages of one state, `snapshot`.
///
/// Members are regular files and links that have a name below `/backends`. A file with several names is
/// shown once, under its oldest. Every method throws `.query` where the filter can't be evaluated, and
/// never takes that for "no members".
extension Connection {
    /// A page of a filter's members with higher file ids than `file`, in ascending order.
    ///
    /// Only an empty page is the end. `present` should be the same for all pages of one listing.
    public func members(
        of filter: Filter,
        after file: FileID,
        limit: Int,
        at present: Present
    ) throws(MetadataError) -> [Member] {
        var view = try view(of: filter, at: present)
        return view.page(after: file, limit: limit)
    }

    /// Like `members`, with names only.
    public func memberNames(
        of filter: Filter,
        after file: FileID,
        limit: Int,
        at present: Present
    ) throws(MetadataError) -> [NamedMember] {
        var view = try view(of: filter, at: present)
        return view.names(after: file, limit: limit)
    }

    /// The member that a name stands for in a flat view.
    ///
    /// A marked name always resolves, also where nothing collides; an unmarked one that several members
    /// share stands for none of them.
    ///
    /// - Parameter unlessChild: nor does that of a directory made below the view.
    public func member(
        named name: Name,
        of filter: Filter,
        at present: Present,
        unlessChild: Bool = false
    ) throws(MetadataError) -> FileID? {
        var view = try view(of: filter, at: present)
        return view.member(named: name, unlessBelow: unlessChild ? filter.file : nil)
    }

    /// Whether a file is a member.
    public func isMember(
        _ file: FileID,
        of filter: Filter,
        at present: Present
    ) throws(MetadataError) -> Bool {
        let condition = try prepare(filter.query, at: present).condition(file: "\(file)")
        return firstInteger("SELECT 1 WHERE \(condition)") != nil
    }

    /// How many members there are.
    public func memberCount(
        of filter: Filter,
        at present: Present
    ) throws(MetadataError) -> Int {
        try view(of: filter, at: present).count()
    }

    /// A digest of who the members are and how they are called: the same if and only if a listing is.
    public func fingerprint(
        of filter: Filter,
        at present: Present
    ) throws(MetadataError) -> [UInt8] {
        var view = try view(of: filter, at: present)
        var digest = MessageDigest(.sha256)
        view.update(&digest)
        return digest.finish()
    }

    /// The real directories that a view with the layout of a tree shows, up to their backends' own.
    public func directories(
        of filter: Filter,
        at present: Present
    ) throws(MetadataError) -> Set<FileID> {
        try view(of: filter, at: present).directories()
    }

    /// Of some entries, those that a tree shows: the oldest names of members.
    public func shown(
        _ entries: [Entry],
        by filter: Filter,
        at present: Present
    ) throws(MetadataError) -> [Entry] {
        let view = try view(of: filter, at: present)
        return entries.filter { view.shows($0.id) }
    }

    /// The files that a query selects, with higher ids than `file`, whatever they are called.
    public func files(
        matching query: String,
        after file: FileID,
        limit: Int,
        at present: Present
    ) throws(MetadataError) -> [FileID] {
        try view(of: Filter(file: 0, query: query), at: present).rows(after: file, limit: limit)
            .map(\.file)
    }

    private func view(of filter: Filter, at present: Present) throws(MetadataError) -> View {
        View(self, of: filter, query: try prepare(filter.query, at: present))
    }

    func firstInteger(_ sql: SQL) -> Int64? {
        var found: Int64?
        each(query: sql) { row in
            found = row.integer(0)
            return false
        }
        return found
    }
}

extension Connection {
    /// How SQLite would go about listing a filter's members, a step a line.
    public func plan(of filter: Filter, at present: Present) throws(MetadataError) -> [String] {
        let selection = try prepare(filter.query, at: present).selection(catalogue)
        let listing = View.listing(selection, after: 0, limit: 1)
        var steps: [String] = []
        each(query: "EXPLAIN QUERY PLAN \(listing)") { row in
            steps.append(row.text(3))
            return true
        }
        return steps
    }
}
