import Base
import Glibc
import Synchronization

/// The writing connection, and the batch of writes that it has answered and not committed yet.
///
/// A commit in WAL mode writes every page that a transaction has touched, and making one file touches
/// some twenty. So writes that come close together share a transaction: each is put into the redo log, and
/// is answered; the batch is committed after `batchSeconds` or `batchWrites`, by the next writer or by the
/// `Committer`.
///
/// Order of a write: BEGIN unless a batch is open; the body; the record goes to the redo log; the answer.
/// Order of a commit: the watch settles what the batch has changed; the batch's number; COMMIT; the watch
/// is told. A crash before COMMIT leaves the records, which the next start takes up; one after it leaves
/// records of a batch that the database has.
///
/// A write that fails before it has written anything leaves the batch as it was. After any other failure,
/// of a write or of the commit (a full disk), the whole transaction is rolled back, made anew from the
/// records, and committed before the next write, which fails while that fails. (A savepoint around each
/// write would save this, but with one open SQLite copies each page before it is changed: every write
/// would pay for the few that fail late.)
///
/// While a batch is open, whoever reads takes turns with the writers, on their connection: what was
/// answered is seen.
final class Writer: @unchecked Sendable {
    // @unchecked: everything but the atomics is touched by the thread that has the turn alone.
    private let connection: Connection
    private let path: String
    private let turn = Monitor(())
    /// The thread that has the turn, or 0.
    private let owner = Atomic<UInt>(0)
    private let holdsAnswers = Atomic<Bool>(false)
    private let changes = Atomic<Int>(0)
    private let writes = Atomic<Int>(0)
    private var batch = Batch()
    private var redo: RedoLog?
    private var epoch: Int64 = 0
    private var isWriting = false
    var watch: WriteWatch?
    /// Sees what was before the batch.
    var past: Connection?
    /// Called with the turn, when the first write of a batch was answered.
    var onBatch: @Sendable () -> Void = {}

    private struct Batch {
        /// The transaction is open.
        var isOpen = false
        /// What was answered and not committed.
        var records: [RedoRecord] = []
        /// When the first of these was answered.
        var began = 0.0
        /// The number of the last batch that was committed.
        var committed: Int64 = 0
        /// SQLite has rolled the transaction back, and the records are to be run again.
        var isLost = false
        /// It was rolled back once, and is to be committed before anything is added.
        var wasLost = false
    }

    /// A batch is committed after this long.
    ///
    /// Until then reads take turns with writes.
    static let batchSeconds = 0.02
    private static let batchWrites = 512
    /// A write that did more than this is committed at once: its record would cost more than it saves.
    private static let recordBytes = 256 << 10

    init(_ connection: Connection, path: String) {
        self.connection = connection
        self.path = path
    }

    /// Whether there are answered writes that only the writing connection sees.
    var hasBatch: Bool { holdsAnswers.load(ordering: .acquiring) }
    /// Whether the calling thread has the turn.
    var isOurs: Bool { owner.load(ordering: .relaxed) == Self.thisThread }
    var changeCount: Int { changes.load(ordering: .acquiring) }
    /// How many writes were answered.
    var writeCount: Int { writes.load(ordering: .acquiring) }

    /// Runs `body` as part of a batch, or as a transaction of its own.
    ///
    /// - Parameter isAlone: commit before, so that others go on reading meanwhile, and after.
    func write<R, E: DatabaseFailure>(
        committing: Bool,
        isAlone: Bool,
        _ body: (Connection) throws(E) -> R
    ) throws(E) -> R {
        try withTurn { () throws(E) in
            precondition(!isWriting, "a write within a write")
            isWriting = true
            defer { isWriting = false }
            try mapping(E.self) { () throws(DatabaseError) in try open(isAlone: isAlone) }
            let result = try run(body, isRecorded: !committing && !isAlone)
            let record = connection.record
            connection.record = nil
            try mapping(E.self) { () throws(DatabaseError) in
                if committing || isAlone { try commit() } else { try answer(record) }
            }
            changes.add(1, ordering: .releasing)
            writes.add(1, ordering: .releasing)
            return result
        }
    }

    /// Lends the connection to a reader, who sees what was answered.
    func read<R, E: DatabaseFailure>(_ body: (Connection) throws(E) -> R) throws(E) -> R {
        try withTurn { () throws(E) in
            if batch.isLost {
                try mapping(E.self) { () throws(DatabaseError) in try restore() }
            }
            let wasReading = connection.isReading
            connection.isReading = true
            defer { connection.isReading = wasReading }
            // Within a write, a failure is the write's as well.
            if isWriting { return try Database.checked(connection, keepsFailure: true, body) }
            return try Database.checked(connection, body)
        }
    }

    /// Commits what was answered, if anything was.
    func commitBatch() throws(DatabaseError) {
        guard hasBatch else { return }
        try withTurn { () throws(DatabaseError) in
            precondition(!isWriting, "a commit within a write")
            if batch.isLost { try restore() }
            if batch.isOpen { try commit() }
        }
    }

    /// Runs `body` while nobody writes.
    func withTurn<R, E>(_ body: () throws(E) -> R) throws(E) -> R {
        if isOurs { return try body() }
        return try turn.withLock { (_) throws(E) in
            owner.store(Self.thisThread, ordering: .relaxed)
            defer { owner.store(0, ordering: .relaxed) }
            return try body()
        }
    }

    private static var thisThread: UInt { UInt(pthread_self()) }
}

// Steps of a write; the caller has the turn.
extension Writer {
    private func open(isAlone: Bool) throws(DatabaseError) {
        if batch.isLost { try restore() }
        if batch.isOpen, isAlone || batch.wasLost || isFull { try commit() }
        guard !batch.isOpen else { return }
        connection.memory?.forget()
        connection.run("BEGIN IMMEDIATE")
        if let failure = connection.takeFailure() { throw failure }
        batch.isOpen = true
    }

    private var isFull: Bool {
        batch.records.count >= Self.batchWrites
            || (!batch.records.isEmpty && monotonicSeconds() - batch.began >= Self.batchSeconds)
    }

    private func run<R, E: DatabaseFailure>(
        _ body: (Connection) throws(E) -> R,
        isRecorded: Bool
    ) throws(E) -> R {
        if isRecorded, redo != nil { connection.record = RedoRecord() }
        do throws(E) {
            return try Database.checked(connection, keepsFailure: true) { (connection) throws(E) in
                let result = try body(connection)
                if let watch, let past {
                    watch.note(past, connection)
                    if let failure = past.takeFailure() { throw E(failure) }
                }
                return result
            }
        } catch {
            let hasWritten = connection.record?.isEmpty != true
            connection.record = nil
            if hasWritten || connection.failure != nil || batch.records.isEmpty { abandon() }
            throw error
        }
    }

    /// Rolls the transaction back; what was answered is to be run again.
    private func abandon() {
        connection.memory?.forget()
        connection.rollBack()
        _ = connection.takeFailure()
        batch.isOpen = false
        batch.isLost = !batch.records.isEmpty
        batch.wasLost = batch.isLost
    }

    /// Notes what was done, so that the write may be answered before it is committed.
    private func answer(_ record: RedoRecord?) throws(DatabaseError) {
        guard var record, record.isComplete, record.bytes.count <= Self.recordBytes, let redo else {
            return try commit()
        }
        if record.isEmpty {
            // Nothing was changed.
            if batch.records.isEmpty { try commit() }
            return
        }
        let header = RedoLog.Header(
            epoch: epoch,
            batch: batch.committed + 1,
            place: UInt32(batch.records.count),
            length: UInt32(record.bytes.count - RedoLog.headerBytes)
        )
        // A full disk: then the commit says so.
        guard (try? redo.append(&record, header)) != nil else { return try commit() }
        batch.records.append(record)
        guard batch.records.count == 1 else { return }
        batch.began = monotonicSeconds()
        holdsAnswers.store(true, ordering: .releasing)
        onBatch()
    }

    /// Commits the transaction; if that fails, none of it has happened, and what was answered is lost
    /// for the moment (`restore`).
    private func commit() throws(DatabaseError) {
        do throws(DatabaseError) {
            try Database.checked(connection) { (connection) throws(DatabaseError) in
                if let watch, let past {
                    watch.settle(past, connection)
                    if let failure = past.takeFailure() { throw failure }
                }
                if !batch.records.isEmpty {
                    connection.run("UPDATE redo SET batch = ?", .integer(batch.committed + 1))
                }
                connection.run("COMMIT")
            }
        } catch {
            abandon()
            watch?.end(false)
            throw error
        }
        batch = Batch(committed: batch.committed + (batch.records.isEmpty ? 0 : 1))
        watch?.end(true)
        changes.add(1, ordering: .releasing)
        holdsAnswers.store(false, ordering: .releasing)
    }

    /// Runs again what was answered, after SQLite has rolled it back.
    private func restore() throws(DatabaseError) {
        connection.memory?.forget()
        try Database.checked(connection) { (connection) throws(DatabaseError) in
            connection.run("BEGIN IMMEDIATE")
            for record in batch.records { connection.replay(record) }
            if let failure = connection.takeFailure() {
                connection.rollBack()
                throw failure
            }
        }
        batch.isOpen = true
        batch.isLost = false
    }
}

// The start.
extension Writer {
    /// Takes up what was answered and not committed when the last process ended.
    ///
    /// What cannot be taken up is put aside: it keeps nobody from the rest.
    func takeUp() {
        withTurn {
            do throws(DatabaseError) {
                try readRedo()
                guard !batch.records.isEmpty else { return }
                Log.info(
                    "\(path): \(batch.records.count) changes that were not committed are taken up"
                )
                try restore()
                try commit()
            } catch {
                let aside = RedoLog.putAside(beside: path)
                Log.error(
                    "\(path): the last changes cannot be taken up, and are in \(aside): \(error)"
                )
            }
            batch = Batch()
        }
    }

    private func readRedo() throws(DatabaseError) {
        let state = try Database.checked(connection) { connection throws(DatabaseError) in
            let isThere = connection.first("SELECT 1 FROM sqlite_schema WHERE name = 'redo'") { _ in
                true
            }
            guard isThere == true else { return (epoch: Int64, batch: Int64)?.none }
            return connection.first("SELECT epoch, batch FROM redo") {
                ($0.integer(0), $0.integer(1))
            }
        }
        guard let state else { return }
        batch.committed = state.batch
        do throws(Errno) {
            batch.records = try RedoLog.records(
                beside: path,
                after: state.batch,
                epoch: state.epoch
            )
        } catch {
            throw DatabaseError(code: 0, message: "the redo log cannot be read: \(error)")
        }
    }

    /// Begins a redo log; without one, every write is committed by itself.
    func beginRedo() throws(DatabaseError) {
        try withTurn { () throws(DatabaseError) in
            epoch = Int64.random(in: .min ... .max)
            try Database.checked(connection) { (connection) throws(DatabaseError) in
                connection.run("BEGIN IMMEDIATE")
                connection.execute("CREATE TABLE IF NOT EXISTS redo(epoch INTEGER, batch INTEGER)")
                connection.execute("DELETE FROM redo")
                connection.run("INSERT INTO redo(epoch, batch) VALUES (?, 0)", .integer(epoch))
                connection.run("COMMIT")
            }
            do throws(Errno) {
                redo = try RedoLog(beside: path)
            } catch {
                Log.warning("\(path): no redo log, every change is committed by itself: \(error)")
            }
        }
    }
}

/// Has a failure of the database thrown as the caller's type of error.
func mapping<R, E: DatabaseFailure>(
    _: E.Type,
    _ body: () throws(DatabaseError) -> R
) throws(E) -> R {
    do throws(DatabaseError) {
        return try body()
    } catch {
        throw E(error)
    }
}
