import Base

/// The thread that commits batches which no further write comes to commit, and moves what was committed
/// from SQLite's log into the database, so that no writer waits for the disk.
final class Committer: Sendable {
    private struct State {
        /// A batch is open since the thread last looked.
        var hasBatch = false
        var isStopping = false
        /// When the log was last to be emptied.
        var emptiedAt = -Double.infinity
    }

    private let state = Monitor(State())
    private let thread = Workers("commit", limit: 1)
    private let log: LogLength
    private let connection: Mover

    /// A connection of the thread's own.
    private struct Mover: @unchecked Sendable {
        // @unchecked: used by the committing thread only.
        let connection: Connection
    }

    /// In pages: the log is moved into the database from this length on, as it is SQLite's habit at 1000.
    private static let pagesToMove = 4096
    /// A log of this length is emptied, with the writers waiting: it grows while there is no pause.
    private static let pagesToEmpty = 32_768
    private static let retrySeconds = 1.0
    /// How long the writers wait for readers of an old state, while the log is emptied.
    private static let busyMilliseconds = 100

    init(_ writing: Connection, path: String) throws(DatabaseError) {
        log = writing.watchLog()
        connection = Mover(connection: try Connection(path: path, readOnly: false))
        connection.connection.execute("PRAGMA busy_timeout = \(Self.busyMilliseconds)")
    }

    func start(_ writer: Writer) {
        writer.onBatch = { [state] in state.update { $0.hasBatch = true } }
        thread.run { [self] in while commitNext(writer) {} }
    }

    /// Commits what there is, and ends the thread.
    func stop() {
        state.update { $0.isStopping = true }
        thread.stop()
    }

    private func commitNext(_ writer: Writer) -> Bool {
        let isStopping = state.wait { state -> Bool? in
            defer { state.hasBatch = false }
            return state.hasBatch || state.isStopping ? state.isStopping : nil
        }
        if !isStopping { state.wait(atMost: Writer.batchSeconds) { $0.isStopping ? true : nil } }
        do throws(DatabaseError) {
            try writer.commitBatch()
        } catch {
            Log.error(
                "changes cannot be committed, they are in the redo log and tried again: \(error)"
            )
            state.wait(atMost: Self.retrySeconds) { $0.isStopping ? true : nil }
            state.update { $0.hasBatch = true }
        }
        moveLog(writer)
        return !isStopping
    }

    private func moveLog(_ writer: Writer) {
        let pages = log.pages
        guard pages >= Self.pagesToMove else { return }
        move("PRAGMA wal_checkpoint(PASSIVE)")
        let now = monotonicSeconds()
        guard pages >= Self.pagesToEmpty,
            state.withLock({ now - $0.emptiedAt >= Self.retrySeconds })
        else { return }
        state.withLock { $0.emptiedAt = now }
        writer.withTurn { move("PRAGMA wal_checkpoint(RESTART)") }
    }

    private func move(_ sql: String) {
        connection.connection.execute(sql)
        if let failure = connection.connection.takeFailure() {
            Log.debug("the log is not moved into the database: \(failure)")
        }
    }
}
