import Base
import Glibc
import Synchronization

/// A SQLite database in WAL mode: one writer, a few readers, any number of threads.
///
/// Writes that come close together are committed together (`Writer`); what was written is seen by every
/// later read at once. A thread must not start a second `write` within a `write`.
public final class Database: Sendable {
    /// Connections never leave the pool but for the length of one call on one thread.
    private struct Pool: @unchecked Sendable {
        // @unchecked: a connection is out of the pool while a thread uses it.
        var idle: [Connection]
    }

    private let readers = Monitor(Pool(idle: []))
    private let writer: Writer
    private let committer: Committer
    /// The file of SQLite's log, to have it on the disk.
    private let log: FileDescriptor?
    public let path: String
    /// How many writes are on the disk for certain.
    private let synchronized = Atomic<Int>(0)

    /// Moves with every write: while it stands still, nothing that was read has changed.
    public var changeCount: Int { writer.changeCount }

    /// How many reads run at once; more wait.
    ///
    /// Reads are short, and more threads than cores idle.
    private static let readerCount = 8

    /// Opens or creates the database, and takes up what was written last before a crash.
    ///
    /// - Parameters:
    ///   - functions: what SQL on its connections may call besides SQLite's own.
    ///   - version: of the schema. What was written to a database of another version is taken up before
    ///     its schema is changed, and unwatched.
    ///   - watching: the tables whose rows the writing connection remembers (`Connection.remembered`), and
    ///     whose changes it notes (`Connection.takeNotes`).
    ///   - watch: has a word in everything that is committed after `schema`.
    ///   - schema: brings the database up to date within one transaction; must accept one that is
    ///     already. Its failure is thrown.
    public init<E: DatabaseFailure>(
        path: String,
        functions: [Function] = [],
        version: Int64 = 0,
        watching tables: [WatchedTable] = [],
        watch: WriteWatch? = nil,
        schema: (Connection) throws(E) -> Void
    ) throws(E) {
        self.path = path
        (writer, committer) = try mapping(E.self) { () throws(DatabaseError) in
            let connection = try Self.writingConnection(path: path, functions)
            if !tables.isEmpty { connection.watch(tables) }
            return (Writer(connection, path: path), try Committer(connection, path: path))
        }
        let isCurrent = try writer.read { (connection) throws(E) in
            connection.first("PRAGMA user_version") { $0.integer(0) } == version
        }
        if !isCurrent { writer.takeUp() }
        try writer.write(committing: true, isAlone: true, schema)
        log = try? FileDescriptor(opening: path + "-wal", flags: O_RDONLY)
        try mapping(E.self) { () throws(DatabaseError) in
            for number in 0...Self.readerCount {
                let reader = try Connection(path: path, readOnly: true)
                reader.execute("PRAGMA cache_size = -16384")
                if let failure = reader.takeFailure() { throw failure }
                functions.forEach(reader.define)
                if number == 0 {
                    writer.past = reader
                } else {
                    readers.update { $0.idle.append(reader) }
                }
            }
            writer.watch = watch
            writer.takeUp()
            try writer.beginRedo()
        }
        committer.start(writer)
    }

    deinit { committer.stop() }

    private static func writingConnection(
        path: String,
        _ functions: [Function]
    ) throws(DatabaseError) -> Connection {
        let connection = try Connection(path: path, readOnly: false)
        connection.execute(
            """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = NORMAL;
            PRAGMA foreign_keys = OFF;
            PRAGMA temp_store = MEMORY;
            PRAGMA cache_size = -32768;
            PRAGMA journal_size_limit = 67108864;
            """
        )
        if let failure = connection.takeFailure() { throw failure }
        functions.forEach(connection.define)
        return connection
    }

    /// Lends a connection for reading; each statement sees the newest state.
    public func read<R, E: DatabaseFailure>(_ body: (Connection) throws(E) -> R) throws(E) -> R {
        if writer.hasBatch || writer.isOurs { return try writer.read(body) }
        return try readCommitted(body)
    }

    /// Like `read`, with all statements seeing one and the same state.
    public func snapshot<R, E: DatabaseFailure>(
        _ body: (Connection) throws(E) -> R
    ) throws(E) -> R {
        if writer.isOurs { return try writer.read(body) }
        do throws(DatabaseError) {
            try commit()
        } catch {
            // Nobody writes while this is read.
            return try writer.read(body)
        }
        return try readCommitted { connection throws(E) in
            connection.run("BEGIN")
            // Also after a failure: a reader left in its snapshot would show the past for ever.
            defer { connection.endSnapshot() }
            return try body(connection)
        }
    }

    private func readCommitted<R, E: DatabaseFailure>(
        _ body: (Connection) throws(E) -> R
    ) throws(E) -> R {
        let connection = readers.wait { $0.idle.popLast() }
        defer { readers.update { $0.idle.append(connection) } }
        return try Self.checked(connection, body)
    }

    /// Runs `body` as if in a transaction: all of it happens, or it throws and none of it did.
    ///
    /// What was written survives the death of this process, but perhaps not a power failure.
    ///
    /// - Parameters:
    ///   - durably: return only when this, and everything before it, is on the disk.
    ///   - isLong: readers are not to wait for it, as they would while other writes are not committed.
    public func write<R, E: DatabaseFailure>(
        durably: Bool = false,
        isLong: Bool = false,
        _ body: (Connection) throws(E) -> R
    ) throws(E) -> R {
        let result = try writer.write(committing: durably, isAlone: isLong, body)
        if durably { try synchronize(E.self) }
        return result
    }

    /// Returns when everything that was written before is on the disk; at once where it is already.
    ///
    /// - Parameter body: waits for the disk too. It is run when the disk has been given what is to be
    ///   written here, which it takes meanwhile.
    public func synchronize<E: DatabaseFailure>(
        _: E.Type,
        with body: () throws(E) -> Void = {}
    ) throws(E) {
        // Counted before: what is written meanwhile may be in what reaches the disk, or not.
        let written = writer.writeCount
        guard synchronized.load(ordering: .acquiring) < written else { return try body() }
        try mapping(E.self) { () throws(DatabaseError) in try commit() }
        log?.startWriting()
        try body()
        try mapping(E.self) { () throws(DatabaseError) in try synchronizeLog() }
        synchronized.max(written, ordering: .releasing)
    }

    /// Has what was written watched and committed, if that has not been done yet.
    public func commit() throws(DatabaseError) { try writer.commitBatch() }

    private func synchronizeLog() throws(DatabaseError) {
        do throws(Errno) {
            try log?.synchronizeData()
        } catch {
            throw DatabaseError(
                code: 0,
                message: "\(path)-wal cannot be brought to the disk: \(error)"
            )
        }
    }

    /// A failure of the database outweighs what the body made of it.
    ///
    /// - Parameter keepsFailure: the failure is that of a larger whole too.
    static func checked<R, E: DatabaseFailure>(
        _ connection: Connection,
        keepsFailure: Bool = false,
        _ body: (Connection) throws(E) -> R
    ) throws(E) -> R {
        do throws(E) {
            let result = try body(connection)
            if let failure = connection.failure { throw E(failure) }
            return result
        } catch {
            guard let failure = connection.failure else { throw error }
            if !keepsFailure { _ = connection.takeFailure() }
            throw E(failure)
        }
    }
}

/// Somebody who has a word in every write and commit; all calls come from the writing thread.
public struct WriteWatch: Sendable {
    /// Called at the end of a write, as a part of it, with what was before the batch and what is now.
    ///
    /// It may read both and write to the second. It is not called when a write is run again.
    let note: @Sendable (_ before: Connection, _ after: Connection) -> Void
    /// Called before a commit, of one write or many, with what was before and what will be.
    ///
    /// It may read both and write to the second. It is called again where the commit has failed.
    let settle: @Sendable (_ before: Connection, _ after: Connection) -> Void
    /// Called after it has committed, or not.
    let end: @Sendable (_ isCommitted: Bool) -> Void

    public init(
        note: @escaping @Sendable (_ before: Connection, _ after: Connection) -> Void = { _, _ in },
        settle: @escaping @Sendable (_ before: Connection, _ after: Connection) -> Void,
        end: @escaping @Sendable (_ isCommitted: Bool) -> Void
    ) {
        self.note = note
        self.settle = settle
        self.end = end
    }
}
