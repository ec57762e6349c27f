public import Base
public import SQLite

/// An upload in parts that is under way, or was when the process ended.
public struct Upload: Equatable, Sendable {
    public var entry: Int64
    public var backend: Int64
    public var key: Key
    /// What the store calls it.
    public var id: String
    public var fingerprint: String

    public init(entry: Int64, backend: Int64, key: Key, id: String, fingerprint: String) {
        self.entry = entry
        self.backend = backend
        self.key = key
        self.id = id
        self.fingerprint = fingerprint
    }
}

extension Connection {
    public func upload(for entry: Int64) -> Upload? {
        first(
            "SELECT entry, backend, key, id, fingerprint FROM upload WHERE entry = ?",
            .integer(entry)
        ) { Upload($0) }
    }

    /// Remembers an upload, in place of an earlier one of the entry.
    public func save(_ upload: Upload) {
        run(
            "INSERT OR REPLACE INTO upload(entry, backend, key, id, fingerprint) VALUES (?, ?, ?, ?, ?)",
            .integer(upload.entry),
            .integer(upload.backend),
            .text(upload.key.text),
            .text(upload.id),
            .text(upload.fingerprint)
        )
    }

    public func forgetUpload(for entry: Int64) {
        run("DELETE FROM upload WHERE entry = ?", .integer(entry))
    }

    /// Uploads of entries for which nothing is left to be done: nobody will complete them.
    public func abandonedUploads(limit: Int) -> [Upload] {
        var found: [Upload] = []
        each(
            """
            SELECT entry, backend, key, id, fingerprint FROM upload
            WHERE entry NOT IN (SELECT entry FROM work) LIMIT ?
            """,
            .integer(Int64(limit))
        ) {
            found.append(Upload($0))
            return true
        }
        return found
    }
}

extension Upload {
    fileprivate init(_ row: borrowing Row) {
        entry = row.integer(0)
        backend = row.integer(1)
        key = Key(row.text(2))
        id = row.text(3)
        fingerprint = row.text(4)
    }
}
