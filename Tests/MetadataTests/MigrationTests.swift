import Base
import Metadata
import SQLite
import TestSupport
import Testing

/// A database of an older version is brought up to date with all that it holds.
struct MigrationTests {
    @Test func versionTwoIsBroughtUpToDate() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/metadata.db"
        let due = Timestamp.now().adding(seconds: 60)
        let entry = try makeVersionTwo(path, due: due)
        let metadata = try Metadata(path: path)
        let found = try metadata.database.read { (rows) throws(MetadataError) in
            (
                rows.work(for: entry), rows.workBegan(for: entry),
                rows.pendingWork(.everything, at: .now())
            )
        }
        #expect(found.0?.due == due && found.0?.error == "lost")
        // It was pending before, so whoever waits for what is pending now waits for it.
        #expect(try #require(found.1) <= .now())
        #expect(found.2.count == 1 && found.2.failed == 1)
    }

    private func makeVersionTwo(_ path: String, due: Timestamp) throws -> Int64 {
        let metadata = try Metadata(path: path)
        return try metadata.database.write { (rows) throws(MetadataError) in
            let file = File(backend: 1, mode: 0o100644, owner: 0, group: 0, at: .now())
            let id = rows.insert(file)
            let entry = rows.insert(Entry(parent: 2, name: "f", file: id, backend: 1))
            rows.addWork(entry, due: due)
            rows.failWork(entry, error: "lost", retryAt: due)
            rows.execute(
                """
                ALTER TABLE work DROP COLUMN since; DROP TABLE change;
                ALTER TABLE backend DROP COLUMN removed; DROP TABLE provision; DROP TABLE seal;
                DROP TABLE scan; PRAGMA user_version = 2;
                """
            )
            return entry
        }
    }
}
