public import Base
public import SQLite

// Files that stay whatever else needs room, until somebody says otherwise.

extension BlockCache {
    /// Keeps what is here of a file, and what will be; part of the caller's transaction.
    public func pin(_ number: Int64, in rows: Connection) {
        rows.run("INSERT OR IGNORE INTO pinned(file) VALUES (?)", .integer(number))
        pinned.update { _ = $0.insert(number) }
    }

    public func unpin(_ number: Int64, in rows: Connection) {
        rows.run("DELETE FROM pinned WHERE file = ?", .integer(number))
        pinned.update { _ = $0.remove(number) }
    }

    public func isPinned(_ number: Int64) -> Bool { pinned.withLock { $0.contains(number) } }

    public var pinnedFiles: [Int64] { pinned.withLock { $0.sorted() } }

    /// Another version of a file is kept as the one before was.
    public func carryPin(from old: Int64, to new: Int64, in rows: Connection) {
        guard old != new, isPinned(old) else { return }
        pin(new, in: rows)
        unpin(old, in: rows)
    }

    /// Removes what could be fetched again of files that nobody has open, and returns the bytes freed.
    ///
    /// What is pinned stays.
    public func clear() throws(Errno) -> Int64 {
        let before = diskBytes
        var last: Int64 = 0
        while true {
            let after = last
            let batch = try database.read { (connection) throws(Errno) in
                connection.cleanContent(after: after, limit: Self.clearingBatch)
            }
            for number in batch where !isPinned(number) { removeUnused(number) }
            guard let end = batch.last else { return max(0, before - diskBytes) }
            last = end
        }
    }

    private static let clearingBatch = 256
}
