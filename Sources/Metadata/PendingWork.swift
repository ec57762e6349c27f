public import Base
public import SQLite

/// What the stores have yet to get.
public struct PendingWork: Equatable, Sendable {
    /// Objects to be sent, and the bytes of them.
    public var uploads: Int64 = 0
    public var uploadBytes: Int64 = 0
    /// Objects to be copied in the store, because a name or an attribute changed.
    public var copies: Int64 = 0
    /// Objects to be removed.
    public var removals: Int64 = 0
    /// How many of all these failed when last tried.
    public var failed: Int64 = 0
    /// Since when the oldest of them is pending.
    public var oldest: Timestamp?

    public init() {}

    public var count: Int64 { uploads + copies + removals }
}

/// Which part of the pending work is meant.
public enum WorkScope: Equatable, Sendable {
    case everything
    case backend(Int64)
    /// The objects of one file.
    case file(FileID)
    /// A directory and all below it; `prefix` is that of the keys of what it holds.
    case directory(FileID, backend: Int64, prefix: Key)
}

/// Work that was not done, for people.
public struct UndoneWork: Equatable, Sendable {
    public var entry: Int64
    /// Of the file, if it still has a name.
    public var file: FileID?
    public var backend: Int64
    public var key: Key?
    public var error: String?
}

// Work counts as of a moment: what became pending later is not waited for, or a program that writes
// without end could be waited for without end. `work.since` survives that a file is written again, and
// moves on with every delivery of it (`renewWork`).
//
// A removed object whose file is still being read, and a claim on what may yet arrive, are looked at
// again by themselves after a while: nobody waits for these either.

extension Connection {
    /// - Parameters:
    ///   - moment: only what was pending then.
    ///   - tried: counts as failed only what failed after that.
    public func pendingWork(
        _ scope: WorkScope,
        at moment: Timestamp,
        failedAfter tried: Timestamp? = nil
    ) -> PendingWork {
        var found = PendingWork()
        each(
            composed: """
                SELECT count(*), total(isUpload), total(isUpload * bytes), total(isRemoval),
                  total(hasFailed), min(since)
                FROM (SELECT e.parent < 0 AS isRemoval, w.since AS since,
                    e.parent > 0 AND (e.key IS NULL OR e.stored_data < f.data) AS isUpload,
                    CASE f.mode & 61440 WHEN 32768 THEN f.size ELSE 0 END AS bytes,
                    w.error IS NOT NULL AND w.due > ?7 AS hasFailed
                  \(Self.waitedFor(scope)))
                """,
            values(scope, moment) + [.integer(tried?.nanoseconds ?? 0)]
        ) { row in
            let count = row.integer(0)
            found.uploads = row.integer(1)
            found.uploadBytes = row.integer(2)
            found.removals = row.integer(3)
            found.copies = count - found.uploads - found.removals
            found.failed = row.integer(4)
            found.oldest = row.optionalInteger(5).map(Timestamp.init(nanoseconds:))
            return true
        }
        return found
    }

    /// The first of what is pending, those that failed before the others.
    public func undoneWork(
        _ scope: WorkScope,
        at moment: Timestamp,
        limit: Int
    ) -> [UndoneWork] {
        var found: [UndoneWork] = []
        each(
            composed: """
                SELECT e.id, CASE WHEN e.parent > 0 THEN e.file END, e.backend, e.key, w.error
                \(Self.waitedFor(scope)) ORDER BY w.error IS NULL, w.since LIMIT ?7
                """,
            values(scope, moment) + [.integer(Int64(limit))]
        ) { row in
            let undone = UndoneWork(
                entry: row.integer(0),
                file: row.optionalInteger(1),
                backend: row.integer(2),
                key: row.optionalText(3).map(Key.init),
                error: row.optionalText(4)
            )
            found.append(undone)
            return true
        }
        return found
    }

    /// Makes what is pending due, whatever it was waiting for.
    ///
    /// - Parameter butFailed: what failed keeps waiting for its next try.
    public func hastenWork(_ scope: WorkScope, at now: Timestamp, butFailed: Bool = false) {
        let condition = butFailed ? "w.error IS NULL AND" : ""
        each(
            composed: """
                UPDATE work SET due = ?5 WHERE due > ?5 AND entry IN (
                  SELECT e.id FROM work w JOIN entry e ON e.id = w.entry
                  WHERE \(condition) w.since <= ?6 AND \(Self.isWithin(scope)))
                """,
            values(scope, now)
        ) { _ in false }
    }

    private static func waitedFor(_ scope: WorkScope) -> String {
        """
        FROM work w JOIN entry e ON e.id = w.entry LEFT JOIN file f ON f.id = e.file
        WHERE w.since <= ?5 AND NOT (e.parent < 0 AND w.error IS NULL AND w.due > ?6)
          AND \(isWithin(scope))
        """
    }

    /// Nobody waits for what looks by itself whether it is time, and has that long to go.
    private static let soonSeconds: Double = 1

    private static func isWithin(_ scope: WorkScope) -> String {
        switch scope {
        case .everything: "1"
        case .backend: "e.backend = ?2"
        case .file: "e.file = ?1"
        case .directory:
            """
            e.backend = ?2 AND (e.file = ?1 OR e.parent < 0 AND e.key >= ?3 AND e.key < ?4
              OR e.parent > 0 AND EXISTS (WITH RECURSIVE above(id) AS (
                SELECT e.parent UNION ALL
                SELECT p.parent FROM above JOIN entry p ON p.file = above.id WHERE above.id > 3)
              SELECT 1 FROM above WHERE id = ?1))
            """
        }
    }

    private func values(_ scope: WorkScope, _ moment: Timestamp) -> [Value] {
        let soon = Timestamp.now().adding(seconds: Self.soonSeconds)
        var values: [Value] = [.null, .null, .null, .null]
        values += [.integer(moment.nanoseconds), .integer(soon.nanoseconds)]
        switch scope {
        case .everything: break
        case .backend(let backend): values[1] = .integer(backend)
        case .file(let file): values[0] = .integer(file)
        case .directory(let file, let backend, let prefix):
            values[0] = .integer(file)
            values[1] = .integer(backend)
            values[2] = .text(prefix.text)
            // "0" comes right after "/".
            let end = String(decoding: prefix.text.utf8.dropLast(), as: UTF8.self) + "0"
            values[3] = .text(end)
        }
        return values
    }
}
