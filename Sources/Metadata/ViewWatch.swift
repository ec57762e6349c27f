import Base
import Queries
public import SQLite
import Synchronization

/// Moves the mtime of each view if, and only if, what it shows changes.
///
/// Before every commit, the files that changed since the last are read as they were and as they will be, and
/// the filters that such a change can affect are asked about both: nothing goes through a view. A query
/// that speaks of `now` is settled when somebody looks, by the files that time has passed over since.
/// Only a view with a LIMIT, where each member depends on all others, is compared as a whole, when
/// somebody looks after a change.
///
/// `settle(before:after:)` runs on whatever thread holds the writer; the rest may be called by any.
public final class ViewWatch: Sendable {
    private struct State {
        var index: ViewIndex?
        /// What has changed since the last commit.
        var noted = NotedChanges()
        /// What the transaction under way makes of this.
        var pending: Settling.Outcome?
        /// Limited views that cannot have changed since they were last compared.
        var compared: Set<FileID> = []
        /// Up to when time has been looked at, where the row does not know yet.
        var checked: [FileID: Timestamp] = [:]
    }

    private let state = Mutex(State())

    /// Files below a directory that moved are looked at one by one up to this many.
    private static let mostFollowed = 10_000
    /// Files that time has passed over are looked at one by one up to this many.
    private static let mostTurned = 2_000

    init() {}

    /// Takes note of what a write has changed, and writes it down in the change log.
    func note(before: Connection, after: Connection) {
        let changes = after.takeChanges()
        guard !changes.isEmpty else { return }
        state.withLock { state in
            for change in changes {
                state.noted.log(change, before: before, in: after)
                state.noted.add(change)
            }
        }
    }

    /// Settles what a transaction is about to commit.
    func settle(before: Connection, after: Connection) {
        let changes = state.withLock { state in
            // Those of writes that were run again.
            for change in after.takeChanges() { state.noted.add(change) }
            return state.noted.changes.values.sorted { $0.file < $1.file }
        }
        guard !changes.isEmpty else { return }
        var settling = Settling(before: before, after: after, index: index(before))
        if changes.contains(where: { $0.kinds.contains(.filters) }) {
            let new = Self.read(after, reusing: settling.index)
            settling.replaceIndex(by: new)
        }
        if !settling.index.views.isEmpty {
            for change in changes { settling.settle(change, Self.mostFollowed) }
        }
        let now = Timestamp.now()
        for view in settling.changed {
            after.touch(directory: view, at: now)
            if settling.index.views[view]?.dependencies.isRolling == true {
                after.setChecked(now, of: view)
            }
        }
        state.withLock { $0.pending = settling.outcome }
    }

    /// Takes over what was settled, once it is true.
    func end(_ isCommitted: Bool) {
        state.withLock { state in
            if isCommitted { state.noted = NotedChanges() }
            guard let outcome = state.pending else { return }
            state.pending = nil
            guard isCommitted else { return }
            state.index = outcome.index
            state.compared.subtract(outcome.doubtful)
            for view in outcome.changed { state.checked[view] = nil }
        }
    }

    /// Makes a view's mtime true up to now; to be called before it is told.
    public func settle(_ directory: FileID, in database: Database) throws(MetadataError) {
        // What was written since the last commit has not been looked at yet.
        do throws(DatabaseError) {
            try database.commit()
        } catch {
            throw .database(error)
        }
        var known = state.withLock { $0.index?.views }
        if known == nil {
            known = try database.snapshot { (rows) throws(MetadataError) in index(rows).views }
        }
        guard let view = known?[directory] else { return }
        guard view.query != nil else { throw .query(try problem(of: view, database)) }
        if view.isLimited { return try compare(view, database) }
        if view.dependencies.isRolling { try passTime(over: view, database) }
    }

    private func problem(of view: WatchedView, _ database: Database) throws(MetadataError)
        -> QueryError
    {
        do throws(MetadataError) {
            _ = try database.read { (rows) throws(MetadataError) in
                try rows.check(query: view.filter.query)
            }
        } catch {
            if case .query(let error) = error { return error }
            throw error
        }
        return QueryError("the filter could not be evaluated a moment ago", in: view.filter.query)
    }

    /// Compares what a limited view holds with what it held, unless nothing can have changed.
    private func compare(_ view: WatchedView, _ database: Database) throws(MetadataError) {
        let id = view.filter.file
        let isRolling = view.dependencies.isRolling
        // Before the comparison: what changes meanwhile takes it away again.
        let isCompared = state.withLock { !$0.compared.insert(id).inserted }
        guard !isCompared || isRolling else { return }
        let (filter, fingerprint) = try database.snapshot { (rows) throws(MetadataError) in
            let filter = rows.filter(of: id) ?? view.filter
            return (filter, try rows.fingerprint(of: filter, at: .local()))
        }
        guard fingerprint != filter.members else { return }
        try database.write { (rows) throws(MetadataError) in
            rows.setMembers(fingerprint, of: id)
            rows.touch(directory: id, at: .now())
        }
    }

    /// Looks at the files whose membership may have turned since the view was last looked at.
    private func passTime(over view: WatchedView, _ database: Database) throws(MetadataError) {
        let id = view.filter.file
        guard let query = view.query else { return }
        let now = Timestamp.now()
        let early = state.withLock { $0.checked[id] }
        let (isNew, hasTurned) = try database.snapshot { (rows) throws(MetadataError) in
            guard let since = early ?? rows.filter(of: id)?.checked else { return (true, true) }
            guard since < now else { return (false, false) }
            return (false, try Self.turns(view.filter, query, since, now, rows))
        }
        guard hasTurned else { return state.withLock { $0.checked[id] = now } }
        try database.write { (rows) throws(MetadataError) in
            rows.setChecked(now, of: id)
            if !isNew { rows.touch(directory: id, at: now) }
        }
        state.withLock { $0.checked[id] = now }
    }

    /// Whether a query selects others at one moment than at another.
    private static func turns(
        _ filter: Filter,
        _ query: PreparedQuery,
        _ past: Timestamp,
        _ now: Timestamp,
        _ rows: Connection
    ) throws(MetadataError) -> Bool {
        let (then, present) = (query.at(.local(past)), query.at(.local(now)))
        let turning = query.turning(from: .local(past), to: .local(now))
        guard let files = rows.files(turning, limit: mostTurned) else {
            return try rows.fingerprint(of: filter, at: .local(past))
                != rows.fingerprint(of: filter, at: .local(now))
        }
        return files.contains { file in
            let facts = rows.facts(of: file, paths: true, attributes: true)
            return then.holds(facts) != present.holds(facts)
        }
    }

    /// The filters as they were last read; the first time, as they are.
    private func index(_ rows: Connection) -> ViewIndex {
        state.withLock({ $0.index }) ?? Self.read(rows, reusing: nil)
    }

    private static func read(_ rows: Connection, reusing old: ViewIndex?) -> ViewIndex {
        ViewIndex(
            rows.filters().map { filter in
                if var known = old?.views[filter.file], !known.refersToOthers,
                    known.filter.query.utf8.elementsEqual(filter.query.utf8)
                {
                    known.filter = filter
                    return known
                }
                let query = try? rows.prepare(filter.query, at: .local())
                return WatchedView(
                    filter: filter,
                    query: query,
                    dependencies: query?.dependencies ?? Dependencies(),
                    refersToOthers: query?.refersToOthers ?? true
                )
            }
        )
    }
}

/// One transaction as the views see it.
private struct Settling {
    struct Outcome {
        var index: ViewIndex
        /// Views that show something else now.
        var changed: Set<FileID> = []
        /// Limited views that may.
        var doubtful: Set<FileID> = []
    }

    let before: Connection
    let after: Connection
    private(set) var outcome: Outcome
    private let present = Present.local()

    init(before: Connection, after: Connection, index: ViewIndex) {
        self.before = before
        self.after = after
        outcome = Outcome(index: index)
    }

    var index: ViewIndex { outcome.index }
    var changed: Set<FileID> { outcome.changed }

    /// Other filters: those that show something else than before have changed.
    mutating func replaceIndex(by new: ViewIndex) {
        for (id, view) in new.views {
            guard let old = index.views[id] else {
                outcome.changed.insert(id)
                continue
            }
            guard !view.shows(asMuchAs: old) else { continue }
            let then = try? before.fingerprint(of: old.filter, at: present)
            let now = try? after.fingerprint(of: view.filter, at: present)
            if then != now { outcome.changed.insert(id) }
            if view.isLimited { outcome.doubtful.insert(id) }
        }
        for id in index.views.keys where new.views[id] == nil { outcome.changed.insert(id) }
        outcome.index = new
    }

    mutating func settle(_ change: FileChange, _ mostFollowed: Int) {
        let (file, kinds) = (change.file, change.kinds)
        if kinds.contains(.backend) { settleBackend(file) }
        guard index.isConcerned(by: kinds) else { return }
        if kinds == .tags {
            guard index.isInterested(in: change.keys, besides: changed) else { return }
            // All else is as it was, so the past need not be asked.
            let now = facts(file, after)
            var then = now
            then.tags = change.before(now.tags)
            return settle(kinds, then, now)
        }
        if kinds.contains(.names), isDirectory(file) { return follow(file, mostFollowed) }
        settleFile(file, kinds)
    }

    private mutating func settleFile(_ file: FileID, _ kinds: ChangeKinds) {
        settle(kinds, facts(file, before), facts(file, after))
    }

    /// Asks the views that a change of a file can matter to.
    private mutating func settle(_ kinds: ChangeKinds, _ then: FileFacts, _ now: FileFacts) {
        guard then.isMember || now.isMember else { return }
        for id in index.candidates(kinds, before: then, after: now) where !changed.contains(id) {
            guard let view = index.views[id], let query = view.query?.at(present) else { continue }
            let (wasIn, isIn) = (query.holds(then), query.holds(now))
            if view.isLimited {
                if wasIn || isIn { outcome.doubtful.insert(id) }
            } else if wasIn != isIn {
                outcome.changed.insert(id)
            } else if wasIn, kinds.contains(.names), isRenamed(view, query, then, now) {
                outcome.changed.insert(id)
            }
        }
    }

    private func facts(_ file: FileID, _ rows: Connection) -> FileFacts {
        rows.facts(of: file, paths: index.needsPaths, attributes: index.needsAttributes)
    }

    /// Whether a member is shown under another name than before.
    private func isRenamed(
        _ view: WatchedView,
        _ query: PreparedQuery,
        _ then: FileFacts,
        _ now: FileFacts
    ) -> Bool {
        if view.filter.layout == .tree { return then.places.first?.path != now.places.first?.path }
        return name(of: now.id, view, query, before) != name(of: now.id, view, query, after)
    }

    private func name(
        of file: FileID,
        _ view: WatchedView,
        _ query: PreparedQuery,
        _ rows: Connection
    ) -> Name? {
        var shown = View(rows, of: view.filter, query: query)
        return shown.name(of: file)
    }

    private func isDirectory(_ file: FileID) -> Bool {
        (after.file(file) ?? before.file(file))?.isDirectory ?? false
    }

    /// A directory that moved takes along what lies below it.
    private mutating func follow(_ directory: FileID, _ limit: Int) {
        guard let old = before.entry(ofDirectory: directory), old.isAttached,
            let new = after.entry(ofDirectory: directory), new.isAttached
        else { return }
        let files = after.files(below: directory, limit: limit + 1)
        guard files.count <= limit else { return compareAll() }
        for file in files { settleFile(file, .names) }
    }

    /// Too much has moved to be followed file by file.
    private mutating func compareAll() {
        for (id, view) in index.views where view.query != nil && !changed.contains(id) {
            if view.isLimited {
                outcome.doubtful.insert(id)
                continue
            }
            let then = try? before.fingerprint(of: view.filter, at: present)
            let now = try? after.fingerprint(of: view.filter, at: present)
            if then != now { outcome.changed.insert(id) }
        }
    }

    /// All files of a backend are members only while it is configured.
    private mutating func settleBackend(_ root: FileID) {
        let wasThere = before.isConfigured(root: root)
        guard wasThere != after.isConfigured(root: root) else { return }
        let rows = wasThere ? before : after
        guard let name = rows.backendName(root: root) else { return }
        for (id, view) in index.views where !changed.contains(id) {
            guard let query = view.query?.at(present) else { continue }
            if view.isLimited {
                outcome.doubtful.insert(id)
                continue
            }
            let onBackend = View(rows, of: view.filter, query: query.onBackend(name))
            if !onBackend.rows(after: 0, limit: 1).isEmpty { outcome.changed.insert(id) }
        }
    }
}

extension Connection {
    fileprivate func isConfigured(root: FileID) -> Bool {
        first("SELECT 1 FROM entry WHERE file = ? AND parent > 0", .integer(root)) { _ in true }
            ?? false
    }

    fileprivate func backendName(root: FileID) -> String? {
        first("SELECT name FROM backend WHERE root = ?", .integer(root)) { $0.text(0) }
    }

    /// Files that are no directories, anywhere below one.
    fileprivate func files(below directory: FileID, limit: Int) -> [FileID] {
        var files: [FileID] = []
        each(
            """
            WITH RECURSIVE below(file, mode) AS (
              SELECT e.file, f.mode FROM entry e JOIN file f ON f.id = e.file WHERE e.parent = ?
              UNION ALL
              SELECT e.file, f.mode FROM below b JOIN entry e ON e.parent = b.file
              JOIN file f ON f.id = e.file WHERE (b.mode & 61440) = 16384)
            SELECT file FROM below WHERE (mode & 61440) <> 16384 LIMIT ?
            """,
            .integer(directory),
            .integer(Int64(limit))
        ) {
            files.append($0.integer(0))
            return true
        }
        return files
    }

    /// The files with values in any of these spans; `nil` where they are too many, or not to be found
    /// by an index.
    fileprivate func files(_ turning: [Turning], limit: Int) -> Set<FileID>? {
        var files: Set<FileID> = []
        for span in turning {
            let before = files.count
            let bounds = [Value.integer(span.from), .integer(span.to), .integer(Int64(limit + 1))]
            let add: (borrowing Row) -> Bool = {
                files.insert($0.integer(0))
                return true
            }
            switch span.field {
            case .modified, .age:
                each(
                    "SELECT id FROM file WHERE mtime BETWEEN ? AND ? LIMIT ?",
                    bounds[0],
                    bounds[1],
                    bounds[2],
                    body: add
                )
            case .tag(let key):
                each(
                    """
                    SELECT t.file FROM tag_value v CROSS JOIN file_tag t ON t.value = v.id
                    WHERE v.key = (SELECT id FROM tag_key WHERE name = ?)
                      AND v.time BETWEEN ? AND ? LIMIT ?
                    """,
                    .text(key),
                    bounds[0],
                    bounds[1],
                    bounds[2],
                    body: add
                )
            default: return nil
            }
            guard files.count - before <= limit else { return nil }
        }
        return files
    }
}
