import Base
import Digest
import Queries
import SQLite

/// One look at a flat view: pages of it, and names in it.
///
/// Whether a name collides is found by the index of names and asking of each candidate, not by going
/// through the view. What was found is kept for the life of this value, so it must not outlive the
/// transaction.
struct View {
    private let connection: Connection
    private let names: Filter.Names
    private let layout: Filter.Layout
    private let folds: Bool
    private let query: PreparedQuery
    private var collisions: [Name: Bool] = [:]
    private var marks: [FileID: Mark?] = [:]

    /// Of a name that more entries have than this, all members carry long marks: whether short ones would
    /// do can't be found in good time.
    static let mostCompared = 1024
    /// A name with more entries than this is looked up through the filter's own postings.
    private static let mostAsked = 64

    init(_ connection: Connection, of filter: Filter, query: PreparedQuery) {
        self.connection = connection
        names = filter.names
        layout = filter.layout
        folds = filter.folds
        self.query = connection.limited(query)
    }

    /// How many members there are.
    func count() -> Int {
        let selection = query.selection(connection.catalogue)
        let count: SQL = """
            SELECT count(*) FROM (\(selection.sql(after: 0))) d CROSS JOIN file f ON f.id = d.file \
            WHERE \(Selection.memberCondition(row: "f")) \
            AND EXISTS (SELECT 1 FROM entry m WHERE m.file = d.file AND m.parent > 0)
            """
        return Int(connection.firstInteger(count) ?? 0)
    }

    /// The name under which a member is shown.
    mutating func name(of file: FileID) -> Name? {
        let sameName = Self.sameName(folds: folds)
        let found = rows(
            """
            SELECT f.id, f.mode, e.parent, e.name, \
            (SELECT count(*) FROM (SELECT 1 FROM entry o WHERE \(sameName) LIMIT 2)) \
            FROM file f CROSS JOIN entry e ON e.id = \(Self.shownEntry(of: "f.id")) WHERE f.id = \(file)
            """
        )
        return found.first.map { shownName($0) }
    }

    /// A member with the name it has in its directory.
    struct Row {
        let file: FileID
        let mode: UInt32
        let parent: FileID
        let name: Name
        /// Whether no other file at all is called like that.
        let isUnique: Bool
        /// Where a listing has it.
        let inode: File?
    }

    mutating func page(after file: FileID, limit: Int) -> [Member] {
        rows(after: file, limit: limit, hasInode: true).compactMap { row in
            row.inode.map { Member(name: shownName(row), row: $0) }
        }
    }

    /// The same with no more than a listing of names tells, which is half the work.
    mutating func names(after file: FileID, limit: Int) -> [NamedMember] {
        rows(after: file, limit: limit).map { row in
            NamedMember(name: shownName(row), file: row.file, mode: row.mode)
        }
    }

    func rows(after file: FileID, limit: Int, hasInode: Bool = false) -> [Row] {
        rows(
            Self.listing(
                query.selection(connection.catalogue),
                after: file,
                limit: limit,
                folds: folds,
                hasInode: hasInode
            ),
            hasInode: hasInode
        )
    }

    /// Adds to a digest who the members are and how, or in a tree where, they are shown.
    mutating func update(_ digest: inout MessageDigest) {
        var last: FileID = 0
        while true {
            let page = rows(after: last, limit: Self.digestPage)
            guard let end = page.last else { break }
            for row in page {
                let place = layout == .tree ? mark(of: row.parent)?.place ?? "" : ""
                digest.update("\(row.file)/\(place)/\(shownName(row).text)\0")
            }
            last = end.file
        }
    }

    private static let digestPage = 4096

    /// The real directories that a tree has to show: those on the way to any member.
    func directories() -> Set<FileID> {
        let selection = query.selection(connection.catalogue)
        var directories: Set<FileID> = []
        let sql: SQL = """
            WITH RECURSIVE up(directory) AS (SELECT DISTINCT e.parent \
            FROM (\(selection.sql(after: 0))) d CROSS JOIN file f ON f.id = d.file \
            CROSS JOIN entry e ON e.id = \(Self.shownEntry(of: "d.file")) \
            WHERE \(Selection.memberCondition(row: "f")) \
            UNION SELECT a.parent FROM up CROSS JOIN entry a ON a.file = up.directory \
            WHERE a.parent > \(FileID.backends)) SELECT directory FROM up
            """
        connection.each(query: sql) { row in
            directories.insert(row.integer(0))
            return true
        }
        return directories
    }

    /// Whether a file is a member and an entry the one it is shown under.
    func shows(_ entry: Int64) -> Bool {
        connection.firstInteger(
            """
            SELECT 1 FROM entry e WHERE e.id = \(entry) \
            AND e.id = \(Self.shownEntry(of: "e.file")) AND \(query.condition(file: "e.file"))
            """
        ) != nil
    }

    /// Members in order, each with its oldest name and whether other files are called so too.
    static func listing(
        _ selection: Selection,
        after file: FileID,
        limit: Int,
        folds: Bool = false,
        hasInode: Bool = true
    ) -> SQL {
        let sameName = Self.sameName(folds: folds)
        let inode: SQL =
            hasInode
            ? """
            , f.id, f.backend, f.mode, f.uid, f.gid, f.links, f.size, f.mtime, f.atime, f.ctime, f.device, \
            f.target, f.extra, f.known, f.data, f.meta, f.listed
            """ : ""
        return """
            SELECT d.file, f.mode, e.parent, e.name, \
            (SELECT count(*) FROM (SELECT 1 FROM entry o WHERE \(sameName) LIMIT 2))\(inode) \
            FROM (\(selection.sql(after: file))) d CROSS JOIN file f ON f.id = d.file \
            CROSS JOIN entry e ON e.id = \(shownEntry(of: "d.file")) \
            WHERE \(Selection.memberCondition(row: "f")) LIMIT \(Int64(limit))
            """
    }

    /// - Parameter directory: the view's own; a directory made below it has the name first.
    mutating func member(named name: Name, unlessBelow directory: FileID?) -> FileID? {
        let known = entries(called: name, limit: Self.mostAsked + 1)
        if let directory, isTaken(name, below: directory, known) { return nil }
        if let marked = member(marked: name) { return marked }
        if known.count == 1 {
            return known[0].name == name && shows(known[0].id) ? known[0].file : nil
        }
        let candidates = members(called: name, known, limit: 2)
        return candidates.count == 1 && candidates[0].name == name ? candidates[0].file : nil
    }

    private func isTaken(_ name: Name, below directory: FileID, _ known: [Candidate]) -> Bool {
        guard known.count <= Self.mostAsked else {
            return connection.entry(named: name, in: directory) != nil
        }
        return known.contains { $0.parent == directory && $0.name == name }
    }

    private mutating func shownName(_ row: Row) -> Name {
        if layout == .tree { return row.name }
        let needsMark =
            names == .always || !row.isUnique && collides(row.name) || isTaken(row.name, by: row)
        guard needsMark, let mark = mark(of: row.parent) else { return row.name }
        let marked = Mark.name(row.name, with: mark.short)
        return clashes(row, marked) ? Mark.name(row.name, with: mark.long(row.name)) : marked
    }

    /// Whether two members have this name.
    private mutating func collides(_ written: Name) -> Bool {
        let name = folded(written)
        if let known = collisions[name] { return known }
        let known = entries(called: name, limit: Self.mostAsked + 1)
        let collides = known.count > 1 && members(called: name, known, limit: 2).count > 1
        collisions[name] = collides
        return collides
    }

    /// Whether a name happens to be the marked name of another member.
    private mutating func isTaken(_ name: Name, by row: Row) -> Bool {
        member(marked: name).map { $0 != row.file } ?? false
    }

    /// Whether another member has the same name with its short mark.
    private mutating func clashes(_ row: Row, _ marked: Name) -> Bool {
        let cutFront = Mark.cutFront(row.name)
        if row.isUnique, cutFront == nil { return false }
        let others =
            cutFront.map { entries(beginning: $0, limit: Self.mostCompared + 1) }
            ?? entries(called: row.name, limit: Self.mostCompared + 1)
        guard others.count <= Self.mostCompared else { return true }
        for other in others where other.file != row.file {
            guard let mark = mark(of: other.parent),
                folded(Mark.name(other.name, with: mark.short)) == folded(marked), shows(other.id)
            else { continue }
            return true
        }
        return false
    }

    private mutating func member(marked name: Name) -> FileID? {
        for reading in Mark.readings(name) {
            let entries =
                reading.isCut
                ? entries(beginning: reading.base, limit: Self.mostMarked)
                : entries(called: reading.base, limit: Self.mostMarked)
            var found: [FileID] = []
            for entry in entries {
                guard let mark = mark(of: entry.parent) else { continue }
                let wanted = reading.mark.utf8.count == 6 ? mark.short : mark.long(entry.name)
                guard wanted == reading.mark, Mark.name(entry.name, with: wanted) == name,
                    shows(entry.id)
                else { continue }
                found.append(entry.file)
            }
            if found.count == 1 { return found[0] }
        }
        return nil
    }

    /// So many files of one name are looked through for one with a given mark.
    private static let mostMarked = 1_000_000
}

extension Connection {
    /// A query with a LIMIT as the query of the files that it takes.
    fileprivate func limited(_ query: PreparedQuery) -> PreparedQuery {
        guard let taken = query.taken(catalogue) else { return query }
        var files: [FileID] = []
        each(query: taken) { row in
            files.append(row.integer(0))
            return true
        }
        return query.taking(files)
    }
}

/// The statements beneath.
extension View {
    /// An attached name; its file may be no member.
    private struct Candidate {
        let id: Int64
        let file: FileID
        let parent: FileID
        let name: Name
    }

    /// The entry under whose name a file is shown: its oldest.
    private static func shownEntry(of file: SQL) -> SQL {
        "(SELECT min(m.id) FROM entry m WHERE m.file = \(file) AND m.parent > 0)"
    }

    private func rows(_ sql: SQL, hasInode: Bool = false) -> [Row] {
        var rows: [Row] = []
        connection.each(query: sql) { row in
            rows.append(
                Row(
                    file: row.integer(0),
                    mode: UInt32(truncatingIfNeeded: row.integer(1)),
                    parent: row.integer(2),
                    name: Name(row.text(3)),
                    isUnique: row.integer(4) < 2,
                    inode: hasInode ? File(row, from: 5) : nil
                )
            )
            return true
        }
        return rows
    }

    /// Whether another entry `o` has the name of `e`, as SQL.
    private static func sameName(folds: Bool) -> SQL {
        folds ? "gosync_fold(o.name) = gosync_fold(e.name)" : "o.name = e.name"
    }

    private func folded(_ name: Name) -> Name { folds ? Name(name.text.caseFolded) : name }

    private func isCalled(_ name: Name) -> SQL {
        folds ? "gosync_fold(e.name) = \(name.text.caseFolded)" : "e.name = \(name.text)"
    }

    /// Members that are shown under this name but for marks, each asked of.
    ///
    /// - Parameter known: the entries that have it, up to one more than is asked.
    private func members(called name: Name, _ known: [Candidate], limit: Int64) -> [Row] {
        // No posting has names in folded case.
        if known.count > Self.mostAsked, !folds {
            return membersByPosting(called: name, limit: limit)
        }
        return rows(
            """
            SELECT e.file, 0, e.parent, e.name, 0 FROM entry e \
            WHERE \(isCalled(name)) AND e.parent > 0 AND e.id = \(Self.shownEntry(of: "e.file")) \
            AND \(query.condition(file: "e.file")) LIMIT \(limit)
            """
        )
    }

    /// The same for a frequent name, by merging its posting with the filter's.
    private func membersByPosting(called name: Name, limit: Int64) -> [Row] {
        let selection = query.named(name.text).selection(connection.catalogue)
        return rows(
            """
            SELECT d.file, 0, e.parent, e.name, 0 \
            FROM (\(selection.sql(after: 0))) d CROSS JOIN file f ON f.id = d.file \
            CROSS JOIN entry e ON e.id = \(Self.shownEntry(of: "d.file")) \
            WHERE \(Selection.memberCondition(row: "f")) AND e.name = \(name.text) LIMIT \(limit)
            """
        )
    }

    private func entries(called name: Name, limit: Int) -> [Candidate] {
        candidates(isCalled(name), limit: limit)
    }

    private func entries(beginning prefix: Name, limit: Int) -> [Candidate] {
        let end = prefix.text + "\u{10ffff}"
        return candidates("e.name >= \(prefix.text) AND e.name < \(end)", limit: limit)
    }

    private func candidates(_ condition: SQL, limit: Int) -> [Candidate] {
        var found: [Candidate] = []
        let sql: SQL = """
            SELECT e.id, e.file, e.parent, e.name FROM entry e \
            WHERE \(condition) AND e.parent > 0 LIMIT \(Int64(limit))
            """
        connection.each(query: sql) { row in
            found.append(
                Candidate(
                    id: row.integer(0),
                    file: row.integer(1),
                    parent: row.integer(2),
                    name: Name(row.text(3))
                )
            )
            return true
        }
        return found
    }

    /// The mark of the files in a directory; `nil` where it can't be reached from its backend.
    private mutating func mark(of directory: FileID) -> Mark? {
        if let known = marks[directory] { return known }
        var mark: Mark?
        connection.each(query: Self.place(of: directory)) { row in
            mark = Mark(backend: row.text(0), directory: row.text(1))
            return false
        }
        marks[directory] = .some(mark)
        return mark
    }

    /// The name of a directory's backend and its path in there, found by climbing.
    private static func place(of directory: FileID) -> SQL {
        """
        WITH RECURSIVE up(directory, path) AS (SELECT \(directory), '' UNION ALL \
        SELECT a.parent, '/' || a.name || up.path FROM up CROSS JOIN entry a ON a.file = up.directory \
        WHERE a.parent > 0 AND NOT EXISTS (SELECT 1 FROM backend r WHERE r.root = up.directory) \
        LIMIT 1024) \
        SELECT b.name, CASE up.path WHEN '' THEN '/' ELSE up.path END \
        FROM up CROSS JOIN backend b ON b.root = up.directory
        """
    }
}
