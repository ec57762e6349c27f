import Foundation
import SQLite
import TestSupport
import Testing

/// What was answered and not committed: whoever opens the files as a crash leaves them finds it.
struct RedoTests {
    /// A table and what it should hold.
    private final class Fixture {
        let directory: TemporaryDirectory
        let database: Database
        private(set) var model: [Int64: Value] = [:]
        /// What the model was after each write.
        private(set) var states: [[Int64: Value]] = [[:]]
        private var copies = 0

        init() throws {
            directory = try TemporaryDirectory()
            database = try Self.open(directory.path + "/test.db")
        }

        static func open(_ path: String) throws -> Database {
            try Database(path: path) { (rows) throws(DatabaseError) in
                rows.execute(
                    """
                    CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY AUTOINCREMENT, value);
                    CREATE UNIQUE INDEX IF NOT EXISTS t_value ON t(value) WHERE typeof(value) = 'real';
                    """
                )
            }
        }

        static func content(of database: Database) throws -> [Int64: Value] {
            try database.read { (rows) throws(DatabaseError) in
                var found: [Int64: Value] = [:]
                rows.each("SELECT id, typeof(value), value FROM t") { row in
                    switch row.text(1) {
                    case "null": found[row.integer(0)] = .null
                    case "integer": found[row.integer(0)] = .integer(row.integer(2))
                    case "real": found[row.integer(0)] = .real(row.real(2))
                    case "text": found[row.integer(0)] = .text(row.text(2))
                    default: found[row.integer(0)] = .blob(row.blob(2))
                    }
                    return true
                }
                return found
            }
        }

        /// Writes at random, some in vain.
        func write(using random: inout SplitMix64) throws {
            let value = Self.value(using: &random)
            let chosen = model.keys.sorted().randomElement(using: &random) ?? 1
            let kind = Int.random(in: 0..<10, using: &random)
            var after = model
            do {
                try database.write(durably: kind == 9) { (rows) throws(DatabaseError) in
                    if kind == 7 { throw DatabaseError(code: 0, message: "thought better of it") }
                    rows.run("INSERT INTO t(value) VALUES (?)", value)
                    after[rows.lastInsertedRow] = value
                    if kind == 8, case .null = value {
                        throw DatabaseError(code: 0, message: "thought better of it, late")
                    }
                    if kind < 3 {
                        rows.run("DELETE FROM t WHERE id = ?", .integer(chosen))
                        after[chosen] = nil
                    } else if kind < 6 {
                        rows.run(
                            "UPDATE t SET value = ?1 WHERE id = ?2",
                            .text("é"),
                            .integer(chosen)
                        )
                        if after[chosen] != nil { after[chosen] = .text("é") }
                    } else if kind == 6 {
                        rows.run("INSERT INTO nowhere VALUES (1)")
                    }
                }
            } catch {
                return #expect((6...8).contains(kind) || Self.isReal(value), "\(error)")
            }
            model = after
            states.append(after)
        }

        private static func value(using random: inout SplitMix64) -> Value {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: .null
            case 1: .integer(Int64.random(in: .min ... .max, using: &random))
            // Sometimes there is one like it already, and the write fails.
            case 2: .real(Double(Int.random(in: 0..<20, using: &random)) / 3)
            case 3: .text("")
            case 4: .text(String(repeating: "ü", count: Int.random(in: 0..<500, using: &random)))
            default: .blob((0..<Int.random(in: 0..<5000, using: &random)).map { UInt8($0 & 255) })
            }
        }

        private static func isReal(_ value: Value) -> Bool {
            if case .real = value { true } else { false }
        }

        /// Copies the files as they are, as a crash would leave them, and returns the path.
        func crash() throws -> String {
            copies += 1
            let path = directory.path + "/\(copies).db"
            // Whoever reads beside a batch keeps it from being committed meanwhile.
            try database.read { (_) throws(DatabaseError) in
                for suffix in ["", "-wal", "-redo"] {
                    _ = try? FileManager.default.copyItem(
                        atPath: directory.path + "/test.db" + suffix,
                        toPath: path + suffix
                    )
                }
            }
            return path
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func nothingThatWasAnsweredIsLost(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let fixture = try Fixture()
        for _ in 0..<100 {
            try fixture.write(using: &random)
            #expect(try Fixture.content(of: fixture.database) == fixture.model)
            guard Int.random(in: 0..<10, using: &random) == 0 else { continue }
            if Bool.random(using: &random) { usleep(UInt32.random(in: 0..<30_000, using: &random)) }
            let copy = try fixture.crash()
            for _ in 0..<2 {
                let found = try Fixture.content(of: Fixture.open(copy))
                #expect(found == fixture.model)
            }
        }
    }

    /// A power failure may leave any part of the redo log: what is sound up to there counts.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func aDamagedLogEndsEarlier(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let fixture = try Fixture()
        for _ in 0..<40 { try fixture.write(using: &random) }
        let copy = try fixture.crash()
        let log = try FileHandle(forUpdating: URL(filePath: copy + "-redo"))
        let size = try log.seekToEnd()
        if size > 0 {
            if Bool.random(using: &random) {
                try log.truncate(atOffset: UInt64.random(in: 0..<size, using: &random))
            } else {
                let place = UInt64.random(in: 0..<size, using: &random)
                try log.seek(toOffset: place)
                let byte = try #require(try log.read(upToCount: 1))
                try log.seek(toOffset: place)
                try log.write(contentsOf: Data(byte.map { $0 ^ 0x10 }))
            }
        }
        try log.close()
        let found = try Fixture.content(of: Fixture.open(copy))
        #expect(fixture.states.contains(found))
    }

    /// Two databases, or two lives of one: records of another are not for this one.
    @Test func anotherDatabasesLogIsIgnored() throws {
        var random = SplitMix64(seed: 1)
        let (one, other) = (try Fixture(), try Fixture())
        try one.write(using: &random)
        let copy = try one.crash()
        try other.write(using: &random)
        try other.write(using: &random)
        let foreign = try other.crash()
        try FileManager.default.removeItem(atPath: copy + "-redo")
        try FileManager.default.moveItem(atPath: foreign + "-redo", toPath: copy + "-redo")
        let found = try Fixture.content(of: Fixture.open(copy))
        #expect(one.states.contains(found))
    }

    /// A disk that is full refuses what it has no room for, and keeps what was answered.
    @Test func aFullDatabaseKeepsWhatWasAnswered() throws {
        let fixture = try Fixture()
        let database = fixture.database
        try database.write { (rows) throws(DatabaseError) in
            rows.execute("PRAGMA max_page_count = 60")
        }
        var kept = 0
        for _ in 0..<200 {
            do {
                try database.write { (rows) throws(DatabaseError) in
                    rows.run(
                        "INSERT INTO t(value) VALUES (?)",
                        .blob([UInt8](repeating: 1, count: 3000))
                    )
                }
                kept += 1
            } catch {
                #expect(error.isFull)
            }
            #expect(try Fixture.content(of: database).count == kept)
        }
        #expect(kept > 10 && kept < 200)
        let copy = try fixture.crash()
        #expect(try Fixture.content(of: Fixture.open(copy)).count == kept)
        try database.write { (rows) throws(DatabaseError) in
            rows.execute("PRAGMA max_page_count = 100000")
        }
        try database.write { (rows) throws(DatabaseError) in
            rows.run("INSERT INTO t(value) VALUES (1)")
        }
        #expect(try Fixture.content(of: database).count == kept + 1)
    }

    /// What is watched is told of all that a commit holds, once, with the state before it.
    @Test func aCommitIsWatchedOnce() throws {
        let directory = try TemporaryDirectory()
        let seen = Seen()
        let database = try Database(
            path: directory.path + "/test.db",
            watch: WriteWatch { before, after in
                seen.note(before.count(), after.count())
            } end: { _ in
            }
        ) { (rows) throws(DatabaseError) in rows.execute("CREATE TABLE IF NOT EXISTS t(value)") }
        for number in 1...10 {
            try database.write(durably: number == 10) { (rows) throws(DatabaseError) in
                rows.run("INSERT INTO t VALUES (?)", .integer(Int64(number)))
            }
        }
        let steps = seen.steps
        #expect(steps.first?.before == 0 && steps.last?.after == 10)
        #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.after == $1.before })
    }
}

private final class Seen: @unchecked Sendable {
    private let lock = NSLock()
    private var noted: [(before: Int64, after: Int64)] = []

    func note(_ before: Int64, _ after: Int64) { lock.withLock { noted.append((before, after)) } }
    var steps: [(before: Int64, after: Int64)] { lock.withLock { noted } }
}

extension Connection {
    fileprivate func count() -> Int64 { first("SELECT count(*) FROM t") { $0.integer(0) } ?? -1 }
}
