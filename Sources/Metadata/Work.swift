public import Base
public import SQLite

/// An entry whose object the store has yet to follow.
public struct Work: Equatable, Sendable {
    public var entry: Int64
    /// Not before this moment.
    public var due: Timestamp
    /// Of a directory that moved: everything below has to follow too.
    public var tree: Bool
    /// Attempts that failed.
    public var attempts: Int64
    /// What the last attempt failed with.
    public var error: String?
    /// What is pending is not older.
    public var since: Timestamp
}

extension Connection {
    /// Notes that the store has to follow an entry.
    ///
    /// - Parameter since: when that began, where it comes of older work.
    public func addWork(
        _ entry: Int64,
        due: Timestamp,
        tree: Bool = false,
        since: Timestamp = .now()
    ) {
        run(
            """
            INSERT INTO work(entry, due, tree, since) VALUES (?, ?, ?, ?)
            ON CONFLICT(entry) DO UPDATE SET due = min(due, excluded.due),
              tree = tree | excluded.tree, since = min(since, excluded.since)
            """,
            .integer(entry),
            .integer(due.nanoseconds),
            .integer(tree ? 1 : 0),
            .integer(since.nanoseconds)
        )
    }

    /// Notes work of an entry that has none, with what was sent for it.
    public func beginWork(_ entry: Int64, due: Timestamp, since: Timestamp, sent: String?) {
        run(
            "INSERT INTO work(entry, due, since, sent) VALUES (?, ?, ?, ?)",
            .integer(entry),
            .integer(due.nanoseconds),
            .integer(since.nanoseconds),
            .optional(sent)
        )
    }

    /// Notes that the store has what an entry was at a moment, and has to follow it again.
    public func renewWork(_ entry: Int64, since moment: Timestamp) {
        addWork(entry, due: .now(), since: moment)
        run(
            "UPDATE work SET since = ? WHERE entry = ?",
            .integer(moment.nanoseconds),
            .integer(entry)
        )
    }

    /// Since when an entry's work is pending.
    public func workBegan(for entry: Int64) -> Timestamp? {
        first("SELECT since FROM work WHERE entry = ?", .integer(entry)) {
            Timestamp(nanoseconds: $0.integer(0))
        }
    }

    public func work(for entry: Int64) -> Work? {
        first(
            "SELECT entry, due, tree, attempts, error, since FROM work WHERE entry = ?",
            .integer(entry)
        ) {
            Work($0)
        }
    }

    /// Work that is due, the longest due first, but for that on some backends.
    public func dueWork(at now: Timestamp, besides backends: Set<Int64>, limit: Int) -> [Work] {
        var found: [Work] = []
        let list = "[" + backends.map { "\($0)" }.joined(separator: ",") + "]"
        each(
            """
            SELECT entry, due, tree, attempts, error, since FROM work
            WHERE due <= ? AND (SELECT backend FROM entry WHERE id = work.entry)
                NOT IN (SELECT value FROM json_each(?))
            ORDER BY due LIMIT ?
            """,
            .integer(now.nanoseconds),
            .text(list),
            .integer(Int64(limit))
        ) {
            found.append(Work($0))
            return true
        }
        return found
    }

    public func nextDue() -> Timestamp? {
        first("SELECT min(due) FROM work") { $0.optionalInteger(0) }?
            .map(Timestamp.init(nanoseconds:))
    }

    public func failWork(_ entry: Int64, error: String, retryAt due: Timestamp) {
        run(
            "UPDATE work SET attempts = attempts + 1, error = ?, due = ? WHERE entry = ?",
            .text(error),
            .integer(due.nanoseconds),
            .integer(entry)
        )
    }

    /// Puts work off that cannot be done now, with the reason; no attempt is counted.
    public func holdBackWork(_ entry: Int64, error: String, until due: Timestamp) {
        run(
            "UPDATE work SET error = ?, due = ? WHERE entry = ?",
            .text(error),
            .integer(due.nanoseconds),
            .integer(entry)
        )
    }

    /// Whether a directory, or one above it, has moved, and what is below has not been told yet (`Work.tree`):
    /// objects may lie elsewhere, without work of their own.
    public func isFollowing(_ directory: FileID) -> Bool {
        ([directory] + ancestors(of: directory)).contains { directory in
            entry(ofDirectory: directory).flatMap { work(for: $0.id) }?.tree ?? false
        }
    }

    /// Notes what is about to be sent, so that it is known again if its answer is lost.
    public func noteSending(_ sent: String, for entry: Int64) {
        run("UPDATE work SET sent = ? WHERE entry = ?", .text(sent), .integer(entry))
    }

    public func lastSent(for entry: Int64) -> String? {
        first("SELECT sent FROM work WHERE entry = ?", .integer(entry)) { $0.optionalText(0) }
            ?? nil
    }

    public func postponeWork(_ entry: Int64, to due: Timestamp) {
        run("UPDATE work SET due = ? WHERE entry = ?", .integer(due.nanoseconds), .integer(entry))
    }

    /// Makes a file's pending work due at a moment, which is put off with every call, but not beyond so many
    /// seconds after it became pending; what has failed, and the removal of an object, is due then at the
    /// latest.
    ///
    /// What is due already stays so: somebody may wait for it.
    public func makeWorkDue(
        of file: FileID,
        at due: Timestamp,
        now: Timestamp,
        noLaterThan seconds: Double
    ) {
        for entry in entries(of: file) {
            guard let work = work(for: entry.id) else { continue }
            if work.due <= now { continue }
            if due > now, entry.isAttached, work.error == nil {
                let last = max(work.since.adding(seconds: seconds), now)
                postponeWork(entry.id, to: min(due, last))
            } else {
                addWork(entry.id, due: due)
            }
        }
    }

    public func finishWork(_ entry: Int64) {
        run("DELETE FROM work WHERE entry = ?", .integer(entry))
    }
}

extension Work {
    fileprivate init(_ row: borrowing Row) {
        entry = row.integer(0)
        due = Timestamp(nanoseconds: row.integer(1))
        tree = row.integer(2) != 0
        attempts = row.integer(3)
        error = row.optionalText(4)
        since = Timestamp(nanoseconds: row.integer(5))
    }
}
