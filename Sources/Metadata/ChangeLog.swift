public import Base
public import SQLite

/// One line of the change log: what changed about names, bytes, tags or filters.
///
/// A change is written in the transaction of its effect: it is in the log if, and only if, it happened.
/// Its number grows with every change and is never used again, so whoever knows one can go on from
/// there. Paths are what they were at that moment.
public struct Change: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        /// Here: a name was made, moved (`from`) or removed, a changed file closed (`size`), attributes
        /// changed, tags or other extended attributes changed (`keys` of the tags), a filter stored
        /// (`query`) or removed.
        case created, renamed, removed, written, attributes, tagged, filter, unfiltered
        /// By others, as seen by a listing: new objects, other bytes under a name, objects gone. `count`
        /// stands for so many at or below `path`, which are not told one by one.
        case appeared, changed, vanished
        /// Others changed what was changed here too: ours is now `path`, theirs keeps the name `from`.
        case conflict
    }

    public var seq: Int64
    public var time: Timestamp
    public var kind: Kind
    /// A JSON object: `path`, for most `file` (the inode number), and what the kind speaks of.
    public var payload: String
}

/// What a change tells besides its path.
public enum ChangeDetail: Equatable, Sendable {
    case number(String, Int64)
    case text(String, String)
    case list(String, [String])
}

extension Connection {
    /// Writes a change down, as part of the transaction that makes it.
    public func log(
        _ kind: Change.Kind,
        _ path: String,
        file: FileID?,
        _ details: ChangeDetail...
    ) {
        write(kind, path, file, details)
    }

    /// Like `log`, of a name in a directory; nothing is written where that is not to be seen.
    public func log(
        _ kind: Change.Kind,
        _ name: Name,
        in directory: FileID,
        file: FileID,
        _ details: ChangeDetail...
    ) {
        guard let above = path(ofDirectory: directory) else { return }
        write(kind, "\(above)/\(name.text)", file, details)
    }

    private func write(
        _ kind: Change.Kind,
        _ path: String,
        _ file: FileID?,
        _ details: [ChangeDetail]
    ) {
        var payload = "{\"path\":"
        payload.appendJSON(path)
        if let file { payload += ",\"file\":\(file)" }
        for detail in details { payload.append(detail) }
        payload += "}"
        run(
            "INSERT INTO change(time, kind, payload) VALUES (?, ?, ?)",
            .integer(Timestamp.now().nanoseconds),
            .text(kind.rawValue),
            .text(payload)
        )
    }

    /// The absolute path of a file, by its oldest name; `nil` for what has none.
    public func path(of file: FileID) -> String? {
        guard file != .root else { return "/" }
        guard let own = entries(of: file).first, own.isAttached,
            let above = path(ofDirectory: own.parent)
        else { return nil }
        return above == "/" ? "/\(own.name.text)" : "\(above)/\(own.name.text)"
    }

    /// The same of a directory, which has one name.
    private func path(ofDirectory directory: FileID) -> String? {
        var names: [String] = []
        var current = directory
        while current != .root {
            guard let entry = entry(ofDirectory: current), entry.isAttached,
                names.count < Key.longestBytes
            else { return nil }
            names.append(entry.name.text)
            current = entry.parent
        }
        return "/" + names.reversed().joined(separator: "/")
    }

    /// The changes that follow a number, in order.
    public func changes(after seq: Int64, limit: Int) -> [Change] {
        var changes: [Change] = []
        each(
            "SELECT seq, time, kind, payload FROM change WHERE seq > ? ORDER BY seq LIMIT ?",
            .integer(seq),
            .integer(Int64(limit))
        ) { row in
            guard let kind = Change.Kind(rawValue: row.text(2)) else { return true }
            let time = Timestamp(nanoseconds: row.integer(1))
            changes.append(
                Change(seq: row.integer(0), time: time, kind: kind, payload: row.text(3))
            )
            return true
        }
        return changes
    }

    /// The numbers of the oldest and the newest change there is; 0 where there is none.
    public func changeBounds() -> (oldest: Int64, newest: Int64) {
        first("SELECT (SELECT min(seq) FROM change), (SELECT max(seq) FROM change)") {
            ($0.optionalInteger(0) ?? 0, $0.optionalInteger(1) ?? 0)
        } ?? (0, 0)
    }

    /// Forgets the oldest changes: those before a moment, and those beyond the newest `most`.
    ///
    /// At most `limit` at a time; returns how many went. The newest stays, so its number is not used again.
    public func forgetChanges(before time: Timestamp, keeping most: Int64, limit: Int) -> Int {
        let (oldest, newest) = changeBounds()
        run(
            """
            DELETE FROM change WHERE seq < min(?1, ?2) AND (time < ?3 OR seq <= ?1 - ?4)
            """,
            .integer(newest),
            .integer(oldest + Int64(limit)),
            .integer(time.nanoseconds),
            .integer(most)
        )
        return changedRows
    }
}

extension String {
    fileprivate mutating func append(_ detail: ChangeDetail) {
        switch detail {
        case .number(let name, let number): self += ",\"\(name)\":\(number)"
        case .text(let name, let text):
            self += ",\"\(name)\":"
            appendJSON(text)
        case .list(let name, let texts):
            self += ",\"\(name)\":["
            for (index, text) in texts.enumerated() {
                if index > 0 { self += "," }
                appendJSON(text)
            }
            self += "]"
        }
    }
}
