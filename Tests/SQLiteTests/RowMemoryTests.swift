import SQLite
import TestSupport
import Testing

/// What the writing connection remembers of rows is what their table holds, whatever was done to it.
struct RowMemoryTests {
    private enum Refusal: DatabaseFailure {
        case asked
        case database(DatabaseError)

        init(_ error: DatabaseError) { self = .database(error) }
    }

    private static func open(_ directory: TemporaryDirectory) throws -> Database {
        let table = WatchedTable("t") { change, notes in
            if change.kind == .insertion { notes.append(RowNote(change.after(0), change.after(1))) }
        }
        return try Database(path: directory.path + "/test.db", watching: [table]) {
            (rows) throws(DatabaseError) in
            rows.execute(
                "CREATE TABLE t(id INTEGER PRIMARY KEY, key INTEGER UNIQUE, value INTEGER)"
            )
            rows.execute("CREATE TABLE other(id INTEGER PRIMARY KEY, value INTEGER)")
        }
    }

    private struct Row { let id, value: Int64 }

    private static func remembered(_ key: Int64, _ rows: Connection) -> Int64? {
        rows.remembered("t", key, row: \.id) { () -> Row? in
            rows.first("SELECT id, value FROM t WHERE key = ?", .integer(key)) {
                Row(id: $0.integer(0), value: $0.integer(1))
            }
        }?.value
    }

    @Test func aRowIsAskedForOnceAsLongAsItStands() throws {
        let directory = try TemporaryDirectory()
        let database = try Self.open(directory)
        try database.write { (rows) throws(DatabaseError) in
            rows.run("INSERT INTO t(id, key, value) VALUES (1, 10, 100)")
            var questions = 0
            let ask = {
                _ = rows.remembered("t", 10, row: { (_: Int) in 1 }) { () -> Int? in
                    questions += 1
                    return 1
                }
            }
            ask()
            ask()
            // A row of the same number, elsewhere.
            rows.run("INSERT INTO other(id, value) VALUES (1, 1)")
            ask()
            #expect(questions == 1)
            rows.run("UPDATE t SET value = 7 WHERE id = 1")
            ask()
            #expect(questions == 2)
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func itIsWhatTheTableHolds(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let directory = try TemporaryDirectory()
        let database = try Self.open(directory)
        var model: [Int64: Int64] = [:]
        for _ in 0..<60 {
            var after = model
            let isRefused = Int.random(in: 0..<4, using: &random) == 0
            do {
                try database.write { (rows) throws(Refusal) in
                    for _ in 0..<Int.random(in: 1...8, using: &random) {
                        let key = Int64.random(in: 0..<12, using: &random)
                        let value = Int64.random(in: 0..<1000, using: &random)
                        switch Int.random(in: 0..<4, using: &random) {
                        case 0:
                            rows.run("DELETE FROM t WHERE key = ?", .integer(key))
                            after[key] = nil
                        case 1:
                            rows.run(
                                """
                                INSERT INTO t(key, value) VALUES (?, ?)
                                ON CONFLICT(key) DO UPDATE SET value = excluded.value
                                """,
                                .integer(key),
                                .integer(value)
                            )
                            after[key] = value
                        default:
                            #expect(Self.remembered(key, rows) == after[key])
                        }
                    }
                    if isRefused { throw .asked }
                }
                model = after
            } catch Refusal.asked {}
            try database.write { (rows) throws(DatabaseError) in
                for key in 0..<12 as Range<Int64> {
                    #expect(Self.remembered(key, rows) == model[key])
                }
            }
        }
    }

    /// As a trigger would have noted them, whatever was taken back in between.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func newRowsAreTold(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let directory = try TemporaryDirectory()
        let database = try Self.open(directory)
        var next: Int64 = 1
        for _ in 0..<60 {
            let isRefused = Int.random(in: 0..<4, using: &random) == 0
            let count = Int64.random(in: 0...8, using: &random)
            let (first, isTaken) = (next, Bool.random(using: &random))
            do {
                try database.write { (rows) throws(Refusal) in
                    // What others have inserted, or this table's rows of an earlier write, is none of these.
                    _ = rows.takeNotes()
                    for id in first..<first + count {
                        rows.run("INSERT INTO other(id, value) VALUES (?, 1)", .integer(id))
                        rows.run("INSERT INTO t(id, key) VALUES (?, ?)", .integer(id), .integer(id))
                        rows.run("UPDATE t SET value = 2 WHERE id = ?", .integer(id))
                    }
                    if isRefused { throw .asked }
                    let expected = (first..<first + count).map { RowNote($0, $0) }
                    if isTaken { #expect(rows.takeNotes() == expected) }
                }
                next += count
            } catch Refusal.asked {
                try database.write { (rows) throws(DatabaseError) in
                    #expect(rows.takeNotes() == [])
                }
            }
        }
    }

    /// What SQLite calls another value is told as a change, and nothing else is.
    @Test func aChangeIsAnotherValue() throws {
        let values: [Value] = [
            .null, .integer(0), .integer(1), .real(0), .real(1), .real(0.5), .text(""), .text("1"),
            .text("one"), .text("One"), .blob([]), .blob([0x31]), .blob([0]),
        ]
        let directory = try TemporaryDirectory()
        let table = WatchedTable("t") { change, notes in
            guard change.kind == .update else { return }
            let isText: Int64 = change.changes([2]) ? 2 : 0
            notes.append(RowNote(change.before(0), change.changes([1]) ? 1 : isText))
        }
        let database = try Database(path: directory.path + "/test.db", watching: [table]) {
            (rows) throws(DatabaseError) in
            rows.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, value, text TEXT DEFAULT 'same')")
        }
        try database.write { (rows) throws(DatabaseError) in
            var id: Int64 = 0
            for old in values {
                for new in values {
                    id += 1
                    rows.run("INSERT INTO t(id, value) VALUES (?, ?)", .integer(id), old)
                    rows.run("UPDATE t SET value = ?, text = text WHERE id = ?", new, .integer(id))
                    let isOther: Int64 = old == new ? 0 : 1
                    #expect(rows.takeNotes() == [RowNote(id, isOther)], "\(old) to \(new)")
                }
            }
        }
    }

    /// Neither what a new row was nor what a removed one will be can be read, which must end nothing.
    @Test func whatIsNotThereIsZero() throws {
        let directory = try TemporaryDirectory()
        let table = WatchedTable("t") { change, notes in
            notes.append(RowNote(change.before(1), change.after(1)))
        }
        let database = try Database(path: directory.path + "/test.db", watching: [table]) {
            (rows) throws(DatabaseError) in
            rows.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, value INTEGER)")
        }
        try database.write { (rows) throws(DatabaseError) in
            rows.run("INSERT INTO t(id, value) VALUES (1, 7)")
            rows.run("UPDATE t SET value = 8")
            rows.run("DELETE FROM t")
            #expect(rows.takeNotes() == [RowNote(0, 7), RowNote(7, 8), RowNote(8, 0)])
        }
    }
}
