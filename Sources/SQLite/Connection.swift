import CSQLite
import Synchronization

/// A connection to a database, lent by `Database` to one thread at a time.
///
/// A statement that fails ends quietly, as if it had no more rows, and the failure sticks to the
/// connection; `Database.read` and `Database.write` look for it before they return, and then throw
/// and roll back. So code between BEGIN and COMMIT reads straight on, and nothing that was decided
/// on a half-read answer survives. For this to hold, a body must have no effect outside the database.
public final class Connection {
    let handle: OpaquePointer
    private var statements: [UnsafeRawPointer: Statement] = [:]
    private var composed: [String: Statement] = [:]
    private(set) var failure: DatabaseError?
    /// What the write under way has done so far; `nil` where nobody needs to know.
    var record: RedoRecord?
    /// Lent to somebody who only reads.
    var isReading = false
    /// Of the connection that writes, if somebody wants that.
    private(set) var memory: RowMemory?
    /// Kept for SQLite, which knows its address.
    private let logLength = LogLength()

    /// Statements composed at run time that are kept compiled.
    private static let composedLimit = 64
    /// How long a writer waits for one of another process (a backup, a person's `sqlite3`).
    private static let busyMilliseconds: CInt = 10_000

    private static let started = gosync_sqlite_start()

    init(path: String, readOnly: Bool) throws(DatabaseError) {
        precondition(Self.started == SQLITE_OK, "SQLite does not start")
        var handle: OpaquePointer?
        let access = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        let code = sqlite3_open_v2(path, &handle, access | SQLITE_OPEN_NOMUTEX, nil)
        guard let handle, code == SQLITE_OK else {
            let reason = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(handle)
            throw DatabaseError(code: code, message: "cannot open \(path): \(reason)")
        }
        self.handle = handle
        sqlite3_busy_timeout(handle, Self.busyMilliseconds)
        sqlite3_extended_result_codes(handle, 1)
    }

    deinit {
        statements = [:]
        composed = [:]
        sqlite3_close_v2(handle)
    }

    /// Runs statements that neither take arguments nor return rows.
    public func execute(_ sql: String) {
        guard failure == nil else { return }
        if sqlite3_exec(handle, sql, nil, nil, nil) != SQLITE_OK { return fail(sql) }
        record?.isComplete = false
    }

    /// Runs a statement to its end.
    public func run(_ sql: StaticString, _ values: Value...) {
        use(statement(sql), values) { _ in false }
    }

    /// Like `run`, of what is done again by itself if the write is: notes that triggers took of it.
    public func runUnrecorded(_ sql: StaticString) {
        let kept = record
        record = nil
        run(sql)
        record = kept
    }

    /// The first row as `body` reads it, or `nil` where there is none.
    public func first<R>(
        _ sql: StaticString,
        _ values: Value...,
        body: (borrowing Row) -> R
    ) -> R? {
        var result: R?
        use(statement(sql), values) { row in
            result = body(row)
            return false
        }
        return result
    }

    /// Hands every row to `body` until it returns `false`.
    public func each(
        _ sql: StaticString,
        _ values: Value...,
        body: (borrowing Row) -> Bool
    ) {
        use(statement(sql), values, body)
    }

    /// Like `each`, for SQL composed at run time; the newest such statements stay compiled.
    public func each(composed sql: String, _ values: [Value], body: (borrowing Row) -> Bool) {
        use(composedStatement(sql), values, body)
    }

    public var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }

    /// How many rows the last INSERT, UPDATE or DELETE touched.
    public var changedRows: Int { Int(sqlite3_changes(handle)) }

    /// Remembers rows of these tables (`remembered`), and takes notes of their changes (`takeNotes`).
    func watch(_ tables: [WatchedTable]) {
        memory = RowMemory(of: tables, on: handle)
    }

    func takeFailure() -> DatabaseError? {
        defer { failure = nil }
        return failure
    }

    /// Ends a transaction that has only read, whatever sticks to the connection.
    func endSnapshot() {
        if failure == nil { run("COMMIT") }
        rollBack()
    }

    /// Takes back the open transaction, if there is one, whatever sticks to the connection.
    func rollBack() {
        if isInTransaction { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
    }

    /// Whether a transaction is open; SQLite may have rolled it back by itself after a failure.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    private func use(
        _ statement: Statement?,
        _ values: [Value],
        _ body: (borrowing Row) -> Bool
    ) {
        guard let statement, failure == nil else { return }
        guard statement.isReadOnly || !isReading else {
            failure = DatabaseError(
                code: SQLITE_READONLY,
                message: "a read may not write: " + statement.sql
            )
            return
        }
        statement.bind(values)
        statement.isBusy = true
        defer {
            sqlite3_reset(statement.handle)
            statement.isBusy = false
        }
        loop: while true {
            switch sqlite3_step(statement.handle) {
            case SQLITE_ROW:
                if !body(Row(handle: statement.handle)) { break loop }
            case SQLITE_DONE: break loop
            default: return fail(statement.sql)
            }
        }
        if !statement.isReadOnly { record?.append(statement.sql, values) }
    }

    private func statement(_ sql: StaticString) -> Statement? {
        let key = UnsafeRawPointer(sql.utf8Start)
        if let known = statements[key], !known.isBusy { return known }
        guard let made = prepare("\(sql)") else { return nil }
        // A nested use of a busy statement gets one of its own, which is not kept.
        if statements[key] == nil { statements[key] = made }
        return made
    }

    private func composedStatement(_ sql: String) -> Statement? {
        if let known = composed[sql], !known.isBusy { return known }
        guard let made = prepare(sql) else { return nil }
        if composed.count >= Self.composedLimit { composed = [:] }
        composed[sql] = made
        return made
    }

    private func prepare(_ sql: String) -> Statement? {
        guard failure == nil else { return nil }
        var statement: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        guard sqlite3_prepare_v3(handle, sql, -1, flags, &statement, nil) == SQLITE_OK,
            let statement
        else {
            fail(sql)
            return nil
        }
        return Statement(handle: statement, sql: sql)
    }

    /// Does again what a record tells.
    func replay(_ record: RedoRecord) {
        let isWhole = record.forEach { sql, values in each(composed: sql, values) { _ in false } }
        if !isWhole, failure == nil {
            failure = DatabaseError(
                code: SQLITE_CORRUPT,
                message: "a record of the redo log is damaged"
            )
        }
    }

    private func fail(_ sql: String) {
        failure = failure ?? DatabaseError(connection: handle, sql: sql)
    }
}

/// How long SQLite's log is, in pages.
final class LogLength: Sendable {
    private let count = Atomic<Int>(0)

    var pages: Int { count.load(ordering: .relaxed) }

    func note(_ pages: Int) { count.store(pages, ordering: .relaxed) }
}

extension Connection {
    /// Has the length of the log noted at each commit; SQLite then moves nothing by itself.
    func watchLog() -> LogLength {
        sqlite3_wal_hook(
            handle,
            { length, _, _, pages in
                Unmanaged<LogLength>.fromOpaque(length!).takeUnretainedValue().note(Int(pages))
                return SQLITE_OK
            },
            Unmanaged.passUnretained(logLength).toOpaque()
        )
        return logLength
    }
}
