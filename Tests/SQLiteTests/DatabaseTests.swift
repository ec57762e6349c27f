import Foundation
import Synchronization
import TestSupport
import Testing

@testable import SQLite

struct DatabaseTests {
    private struct Stop: DatabaseFailure, Equatable {
        var isDatabase = false
        init() {}
        init(_ error: DatabaseError) { isDatabase = true }
    }

    /// With a table `t(id, value)`; in a directory of its own.
    private final class Fixture {
        let directory: TemporaryDirectory
        let database: Database
        var path: String { directory.path + "/test.db" }

        init() throws {
            directory = try TemporaryDirectory()
            database = try Self.open(directory.path + "/test.db")
        }

        static func open(_ path: String) throws -> Database {
            try Database(path: path) { (rows) throws(DatabaseError) in
                rows.execute(
                    "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, value UNIQUE)"
                )
            }
        }

        func insert(_ value: Value) throws {
            try database.write { (rows) throws(DatabaseError) in
                rows.run("INSERT INTO t(value) VALUES (?)", value)
            }
        }

        func count() throws -> Int64? {
            try database.read { (rows) throws(DatabaseError) in Self.count(rows) }
        }

        static func count(_ rows: Connection) -> Int64? {
            rows.first("SELECT count(*) FROM t") { $0.integer(0) }
        }
    }

    @Test func aFailureSticksAndRollsBack() throws {
        let fixture = try Fixture()
        try fixture.insert("taken")
        var seen: Int64? = 0
        #expect(throws: DatabaseError.self) {
            try fixture.database.write { (rows) throws(DatabaseError) in
                rows.run("INSERT INTO t(value) VALUES ('new')")
                rows.run("INSERT INTO t(value) VALUES ('taken')")
                // After the failure nothing is done and nothing is found.
                rows.run("INSERT INTO t(value) VALUES ('more')")
                seen = Fixture.count(rows)
            }
        }
        #expect(seen == nil)
        #expect(try fixture.count() == 1)
        try fixture.insert("more")
        #expect(try fixture.count() == 2)
    }

    @Test func aFailureNamesTheStatementAndNotItsArguments() throws {
        let fixture = try Fixture()
        try fixture.insert("secret")
        let error = #expect(throws: DatabaseError.self) { try fixture.insert("secret") }
        let text = try #require(error?.description)
        #expect(text.contains("UNIQUE constraint failed: t.value in: INSERT INTO t"))
        #expect(!text.contains("secret"))
    }

    @Test func whatTheBodyThrowsRollsBackToo() throws {
        let fixture = try Fixture()
        #expect(throws: Stop()) {
            try fixture.database.write { (rows) throws(Stop) in
                rows.run("INSERT INTO t(value) VALUES (1)")
                throw Stop()
            }
        }
        #expect(try fixture.count() == 0)
    }

    @Test func theDatabasesFailureOutweighsTheBodys() throws {
        let fixture = try Fixture()
        let error = #expect(throws: Stop.self) {
            try fixture.database.write { (rows) throws(Stop) in
                rows.run("INSERT INTO nowhere VALUES (1)")
                throw Stop()
            }
        }
        #expect(error?.isDatabase == true)
    }

    /// A reader whose snapshot failed must not stay in it: it would show the past for ever.
    @Test func aFailedSnapshotEnds() throws {
        let fixture = try Fixture()
        // More often than there are readers.
        for _ in 0..<20 {
            #expect(throws: DatabaseError.self) {
                try fixture.database.snapshot { (rows) throws(DatabaseError) in
                    _ = Fixture.count(rows)
                    rows.execute("SELECT * FROM nowhere")
                }
            }
        }
        try fixture.insert(1)
        for _ in 0..<20 {
            #expect(try fixture.count() == 1)
            let count = try fixture.database.snapshot { (rows) throws(DatabaseError) in
                Fixture.count(rows)
            }
            #expect(count == 1)
        }
    }

    @Test func aBusyStatementMayBeUsedAgainInside() throws {
        let fixture = try Fixture()
        for value in 1...3 { try fixture.insert(.integer(Int64(value))) }
        let pairs = try fixture.database.read { (rows) throws(DatabaseError) in
            var pairs: [Int64] = []
            func each(_ body: (Int64) -> Void) {
                rows.each("SELECT value FROM t ORDER BY value") {
                    body($0.integer(0))
                    return true
                }
            }
            each { outer in each { inner in pairs.append(outer * 10 + inner) } }
            return pairs
        }
        #expect(pairs == [11, 12, 13, 21, 22, 23, 31, 32, 33])
    }

    @Test func othersDoNotSeeAWriteThatIsUnderWay() throws {
        let fixture = try Fixture()
        let database = fixture.database
        let counts = try database.write { (rows) throws(DatabaseError) in
            rows.run("INSERT INTO t(value) VALUES (1)")
            let outside = Mutex<Int64?>(nil)
            DispatchQueue.concurrentPerform(iterations: 1) { _ in
                let thread = Thread {
                    let count = try? database.read { (other) throws(DatabaseError) in
                        Fixture.count(other)
                    }
                    outside.withLock { $0 = count ?? -1 }
                }
                thread.start()
                while outside.withLock({ $0 }) == nil { usleep(1000) }
            }
            let within = try database.read { (same) throws(DatabaseError) in Fixture.count(same) }
            return (Fixture.count(rows), within, outside.withLock { $0 })
        }
        #expect(counts == (1, 1, 0))
        #expect(try fixture.count() == 1)
    }

    @Test func aReadCannotWrite() throws {
        let fixture = try Fixture()
        // On a connection of its own, and on that of a batch.
        for count in 0...1 as ClosedRange<Int64> {
            #expect(throws: DatabaseError.self) {
                try fixture.database.read { (rows) throws(DatabaseError) in
                    rows.run("INSERT INTO t(value) VALUES ('no')")
                }
            }
            #expect(try fixture.count() == count)
            try fixture.insert(.integer(count))
        }
    }

    @Test func aSnapshotStandsStill() throws {
        let fixture = try Fixture()
        let counts = try fixture.database.snapshot { (rows) throws(DatabaseError) in
            let before = Fixture.count(rows)
            try fixture.database.write { (rows) throws(DatabaseError) in
                rows.run("INSERT INTO t(value) VALUES (1)")
            }
            return (before, Fixture.count(rows))
        }
        #expect(counts == (0, 0))
        #expect(try fixture.count() == 1)
    }

    @Test func theChangeCountMovesWithEveryWrite() throws {
        let fixture = try Fixture()
        let before = fixture.database.changeCount
        _ = try fixture.count()
        #expect(fixture.database.changeCount == before)
        try fixture.insert(1)
        #expect(fixture.database.changeCount > before)
    }

    @Test func writesOfManyThreadsAreAllKept() throws {
        let fixture = try Fixture()
        let database = fixture.database
        let failures = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 400) { number in
            do {
                try database.write(durably: number % 50 == 0) { (rows) throws(DatabaseError) in
                    rows.run("INSERT INTO t(value) VALUES (?)", .integer(Int64(number)))
                }
                _ = try database.read { (rows) throws(DatabaseError) in Fixture.count(rows) }
            } catch {
                failures.withLock { $0 += 1 }
            }
        }
        #expect(failures.withLock { $0 } == 0)
        #expect(try fixture.count() == 400)
    }

    @Test func whatWasWrittenIsThereForTheNextToOpenIt() throws {
        let fixture = try Fixture()
        try fixture.database.write(durably: true) { (rows) throws(DatabaseError) in
            rows.run("INSERT INTO t(value) VALUES ('kept')")
        }
        // While the first still has it open, as after a crash: from the log.
        let other = try Fixture.open(fixture.path)
        let value = try other.read { (rows) throws(DatabaseError) in
            rows.first("SELECT value FROM t") { $0.text(0) }
        }
        #expect(value == "kept")
    }

    @Test func synchronizingCommitsWhatWasAnswered() throws {
        let fixture = try Fixture()
        for number in 0..<50 {
            try fixture.insert(.integer(Int64(number)))
            try fixture.database.synchronize(DatabaseError.self)
            // With nothing new, it has nothing to do.
            try fixture.database.synchronize(DatabaseError.self)
            let other = try Connection(path: fixture.path, readOnly: true)
            #expect(Fixture.count(other) == Int64(number) + 1)
        }
    }

    /// What waits for the disk beside it is run once in any case; where it fails, nothing was promised.
    @Test func whatIsSynchronizedWithItIsRunOnce() throws {
        let fixture = try Fixture()
        func synchronize(_ body: () throws(DatabaseError) -> Void) throws(DatabaseError) {
            try fixture.database.synchronize(DatabaseError.self, with: body)
        }
        try fixture.insert(.integer(1))
        let failure = DatabaseError(code: 5, message: "the disk is out of order")
        #expect(throws: DatabaseError.self) {
            try synchronize { () throws(DatabaseError) in throw failure }
        }
        var states: [Int64?] = []
        for _ in 0..<2 {
            try synchronize { () throws(DatabaseError) in
                let other = try Connection(path: fixture.path, readOnly: true)
                states.append(Fixture.count(other))
            }
        }
        #expect(states == [1, 1], "it is committed before, and once")
    }

    @Test func aFileThatIsNoDatabaseIsRefused() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/test.db"
        try Data(repeating: 0x41, count: 8192).write(to: URL(filePath: path))
        #expect(throws: DatabaseError.self) { try Fixture.open(path) }
        #expect(throws: DatabaseError.self) { try Fixture.open(directory.path + "/none/test.db") }
    }

    @Test(
        arguments: [
            .null, .integer(.min), .integer(.max), .real(-0.5), .text(""), .text("é e\u{301}"),
            .text("nul \0 inside"), .text(String(repeating: "x", count: 100_000)), .blob([]),
            .blob([0]), .blob([0xff, 0, 0xfe]), .blob([UInt8](repeating: 7, count: 100_000)),
        ] as [Value]
    )
    func valuesComeBackAsTheyWere(value: Value) throws {
        let fixture = try Fixture()
        try fixture.insert(value)
        let (type, found) = try #require(
            try fixture.database.read { (rows) throws(DatabaseError) in
                rows.first("SELECT typeof(value), value FROM t") { row in
                    let type = row.text(0)
                    return (type, Self.read(row, type))
                }
            }
        )
        #expect(found == value)
        #expect(type == Self.type(of: value))
    }

    private static func read(_ row: borrowing Row, _ type: String) -> Value {
        switch type {
        case "integer": .integer(row.integer(1))
        case "real": .real(row.real(1))
        case "text": .text(row.text(1))
        case "blob": .blob(row.blob(1))
        default: .null
        }
    }

    private static func type(of value: Value) -> String {
        switch value {
        case .null: "null"
        case .integer: "integer"
        case .real: "real"
        case .text: "text"
        case .blob: "blob"
        }
    }
}
