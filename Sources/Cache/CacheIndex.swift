public import SQLite

/// The cache's tables: which bytes of which file are here, and which are only here.
///
/// `content.dirty` and `extent.dirty` are the journal: they are committed before the first byte that
/// they speak of changes. `content.base` falls before the file is cut.
enum CacheIndex {
    static let schema = """
        CREATE TABLE IF NOT EXISTS content(
          file INTEGER PRIMARY KEY,
          base INTEGER NOT NULL,        -- bytes from here on are only here
          dirty INTEGER NOT NULL,       -- whether it differs from the object
          disk INTEGER NOT NULL,        -- bytes of disk it occupies
          used INTEGER NOT NULL         -- when it was last opened, nanoseconds since 1970
        );
        CREATE INDEX IF NOT EXISTS content_used ON content(used);
        CREATE TABLE IF NOT EXISTS extent(
          file INTEGER NOT NULL,
          number INTEGER NOT NULL,
          valid INTEGER NOT NULL,       -- one bit for each of 32 chunks
          dirty INTEGER NOT NULL,
          checksums BLOB NOT NULL,      -- CRC-32C of each, little-endian
          PRIMARY KEY(file, number)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS pinned(
          file INTEGER PRIMARY KEY      -- is not evicted
        );
        CREATE TABLE IF NOT EXISTS mapped(
          file INTEGER PRIMARY KEY      -- may change by way of a mapping: its checksums tell
        );
        """
}

/// The row of a file in the cache.
struct ContentRow: Equatable {
    var base: Int64
    var isDirty: Bool
    var disk: Int64
    /// When it was last used, nanoseconds since 1970.
    var used: Int64
}

extension Connection {
    func content(of file: Int64) -> ContentRow? {
        first(
            "SELECT base, dirty, disk, used FROM content WHERE file = ?",
            .integer(file)
        ) {
            ContentRow(
                base: $0.integer(0),
                isDirty: $0.integer(1) != 0,
                disk: $0.integer(2),
                used: $0.integer(3)
            )
        }
    }

    func saveContent(_ row: ContentRow, of file: Int64) {
        run(
            """
            INSERT INTO content(file, base, dirty, disk, used) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT(file) DO UPDATE SET base = excluded.base, dirty = excluded.dirty,
              disk = excluded.disk, used = excluded.used
            """,
            .integer(file),
            .integer(row.base),
            .integer(row.isDirty ? 1 : 0),
            .integer(row.disk),
            .integer(row.used)
        )
    }

    /// What is known of some extents, as far as anything is.
    func extents(_ numbers: Range<Int>, of file: Int64) -> [(number: Int, extent: Extent)] {
        var found: [(number: Int, extent: Extent)] = []
        each(
            """
            SELECT number, valid, dirty, checksums FROM extent
            WHERE file = ? AND number >= ? AND number < ?
            """,
            .integer(file),
            .integer(Int64(numbers.lowerBound)),
            .integer(Int64(numbers.upperBound))
        ) { row in
            var extent = Extent()
            extent.valid = UInt32(truncatingIfNeeded: row.integer(1))
            extent.dirty = UInt32(truncatingIfNeeded: row.integer(2))
            let bytes = row.blob(3)
            for index in 0..<min(ChunkSize.chunksPerExtent, bytes.count / 4) {
                extent.checksums[index] = (0..<4).reduce(0) { value, byte in
                    value | UInt32(bytes[index * 4 + byte]) << UInt32(8 * byte)
                }
            }
            found.append((Int(row.integer(0)), extent))
            return true
        }
        return found
    }

    /// Writes what is known of an extent, never taking back that a chunk is dirty: that ends by
    /// `deleteExtents` and `deleteDirtyExtents` alone.
    func save(_ extent: Extent, at number: Int, of file: Int64) {
        let bytes = (0..<ChunkSize.chunksPerExtent).flatMap { index in
            (0..<4).map { UInt8(truncatingIfNeeded: extent.checksums[index] >> UInt32(8 * $0)) }
        }
        run(
            """
            INSERT INTO extent(file, number, valid, dirty, checksums) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT(file, number) DO UPDATE SET valid = excluded.valid | extent.dirty,
              dirty = excluded.dirty | extent.dirty, checksums = excluded.checksums
            """,
            .integer(file),
            .integer(Int64(number)),
            .integer(Int64(extent.valid)),
            .integer(Int64(extent.dirty)),
            .blob(bytes)
        )
    }

    func deleteExtents(of file: Int64, from number: Int) {
        run(
            "DELETE FROM extent WHERE file = ? AND number >= ?",
            .integer(file),
            .integer(Int64(number))
        )
    }

    func pinnedFiles() -> Set<Int64> {
        var files: Set<Int64> = []
        each("SELECT file FROM pinned") {
            files.insert($0.integer(0))
            return true
        }
        return files
    }

    /// Clean files that occupy anything, by number.
    func cleanContent(after file: Int64, limit: Int) -> [Int64] {
        var files: [Int64] = []
        each(
            "SELECT file FROM content WHERE dirty = 0 AND disk > 0 AND file > ? ORDER BY file LIMIT ?",
            .integer(file),
            .integer(Int64(limit))
        ) {
            files.append($0.integer(0))
            return true
        }
        return files
    }

    /// Forgets the extents with chunks that are only here; to be saved anew where they are clean now.
    func deleteDirtyExtents(of file: Int64) {
        run("DELETE FROM extent WHERE file = ? AND dirty != 0", .integer(file))
    }

    /// Clean files that are not pinned, the longest unused first.
    func oldestContent(limit: Int) -> [(file: Int64, row: ContentRow)] {
        var files: [(file: Int64, row: ContentRow)] = []
        each(
            """
            SELECT file, base, disk, used FROM content
            WHERE dirty = 0 AND file NOT IN (SELECT file FROM pinned) ORDER BY used LIMIT ?
            """,
            .integer(Int64(limit))
        ) {
            let row = ContentRow(
                base: $0.integer(1),
                isDirty: false,
                disk: $0.integer(2),
                used: $0.integer(3)
            )
            files.append(($0.integer(0), row))
            return true
        }
        return files
    }

    /// Bytes of disk that the cached files occupy.
    func contentDiskBytes() -> Int64 {
        first("SELECT total(disk) FROM content") { $0.integer(0) } ?? 0
    }

    /// Journals a new file, which no object has a byte of; part of the transaction that makes it.
    public func journalNewContent(of file: Int64) {
        saveContent(ContentRow(base: 0, isDirty: true, disk: 0, used: 0), of: file)
    }

    public func isJournaled(_ file: Int64) -> Bool { content(of: file)?.isDirty ?? false }

    /// Every file that has bytes of its own: after a crash, these are what must not be lost.
    public func journaledFiles() -> [Int64] {
        var files: [Int64] = []
        each("SELECT file FROM content WHERE dirty = 1") {
            files.append($0.integer(0))
            return true
        }
        return files
    }

    public func forgetContent(of file: Int64) {
        run("DELETE FROM content WHERE file = ?", .integer(file))
        deleteExtents(of: file, from: 0)
    }
}
