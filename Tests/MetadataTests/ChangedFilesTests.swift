import SQLite
import TestSupport
import Testing

@testable import Metadata

/// Of each row that changes it is noted whom that concerns, and how.
struct ChangedFilesTests {
    private static let steps: [(StaticString, [FileID: ChangeKinds])] = [
        (
            """
            INSERT INTO file(id, backend, mode, uid, gid, mtime, atime, ctime)
            VALUES (9000, 7, 33188, 0, 0, 0, 0, 0), (9001, 7, 16877, 0, 0, 0, 0, 0)
            """, [:]
        ),
        (
            """
            INSERT INTO entry(id, parent, name, file, backend)
            VALUES (8001, 9001, 'a', 9000, 7), (8002, 2, 'b', 9001, 7), (8003, 3, 'f', 9002, 0),
              (8004, -8004, 'd', 9003, 7)
            """, [9000: .names, 9001: .backend, 9002: .filters]
        ),
        ("UPDATE file SET size = 1 WHERE id = 9000", [9000: .row]),
        ("UPDATE file SET mtime = 1 WHERE id = 9000", [9000: .row]),
        (
            """
            UPDATE file SET backend = 7, mode = 33188, uid = 1, gid = 1, links = 2, size = 1, mtime = 1,
              atime = 1, ctime = 1, device = 1, target = 't', extra = '{}', known = 0, data = 1, meta = 1
            WHERE id = 9000
            """, [:]
        ),
        ("UPDATE file SET mode = 16877, mtime = 2, size = 2, listed = 1 WHERE id = 9001", [:]),
        (
            """
            UPDATE entry SET component = 'c', ext = 'e', key = 'k', etag = 't', stored_data = 1,
              stored_meta = 1, touched = 1, vanished = 1, name = name, parent = parent, file = file
            """, [:]
        ),
        ("UPDATE entry SET name = 'n' WHERE id = 8001", [9000: .names]),
        ("UPDATE entry SET file = 9004 WHERE id = 8001", [9000: .names, 9004: .names]),
        ("UPDATE entry SET parent = 2 WHERE id = 8001", [9004: [.names, .backend]]),
        ("DELETE FROM entry WHERE id IN (8001, 8004)", [9004: .backend]),
        ("DELETE FROM file WHERE id = 9000", [9000: .names]),
        (
            "INSERT INTO xattr(file, name, value) VALUES (9001, 'user.x', x'00')",
            [9001: .attributes]
        ),
        ("DELETE FROM xattr", [9001: .attributes]),
        ("INSERT INTO filter(file, query) VALUES (9002, 'q')", [9002: .filters]),
        (
            """
            UPDATE filter SET configured = 1, members = x'00', checked = 1, asserts = 1, untags = 1
            """, [:]
        ),
        ("UPDATE filter SET query = 'other'", [9002: .filters]),
        ("UPDATE filter SET layout = 'tree'", [9002: .filters]),
        ("UPDATE filter SET names = 'path'", [9002: .filters]),
        ("UPDATE filter SET folds = 1", [9002: .filters]),
        ("DELETE FROM filter", [9002: .filters]),
    ]

    @Test func whatConcernsAFileIsNoted() throws {
        let scratch = try TemporaryDirectory()
        let metadata = try Metadata(path: scratch.path + "/metadata.db")
        try metadata.database.write { (rows) throws(MetadataError) in
            for (sql, expected) in Self.steps {
                rows.run(sql)
                let noted = rows.takeChanges().map { ($0.file, $0.kinds) }
                #expect(Dictionary(uniqueKeysWithValues: noted) == expected, "\(sql)")
            }
        }
    }
}
