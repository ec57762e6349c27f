import Base
import Synchronization

/// A SQLite database in WAL mode: one writer, a few readers, any number of threads.
///
/// Readers never wait for the writer. A thread must not start a second `write` within a `write`.
public final class Database: Sendable {
    /// Connections never leave the pool but for the length of one call on one thread.
    private struct Pool: @unchecked Sendable {
        // @unchecked: a connection is out of the pool while a thread uses it.
        var idle: [Connection]
    }

    private let readers: Monitor<Pool>
    private let writer: Monitor<Pool>
    /// Sees what was before a write, while the write is under way; used by whoever holds the writer.
    private let past: Monitor<Pool>
    /// What is done at the end of every write, before it is committed; set once.
    private let watch = Monitor<WriteWatch?>(nil)
    public let path: String
    private let writes = Atomic<Int>(0)

    /// Moves with every write: while it stands still, nothing that was read has changed.
    public var changeCount: Int { writes.load(ordering: .acquiring) }

    /// Has every write from now on watched.
    public func watchWrites(_ watch: WriteWatch) { self.watch.update { $0 = watch } }

    /// How many reads run at once; more wait.
    ///
    /// Reads are short, and more threads than cores idle.
    private static let readerCount = 8

    /// Opens or creates the database.
    ///
    /// - Parameters:
    ///   - functions: what SQL on its connections may call besides SQLite's own.
    ///   - schema: brings the database up to date within one transaction; must accept one that is
    ///     already. Its failure is thrown.
    public init<E: DatabaseFailure>(
        path: String,
        functions: [Function] = [],
        schema: (Connection) throws(E) -> Void
    ) throws(E) {
        self.path = path
        do throws(DatabaseError) {
            let writer = try Connection(path: path, readOnly: false)
            writer.execute(
                """
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = NORMAL;
                PRAGMA foreign_keys = OFF;
                PRAGMA temp_store = MEMORY;
                PRAGMA cache_size = -32768;
                PRAGMA journal_size_limit = 67108864;
                PRAGMA wal_autocheckpoint = 4096;
                """
            )
            if let failure = writer.takeFailure() { throw failure }
            functions.forEach(writer.define)
            self.writer = Monitor(Pool(idle: [writer]))
            self.readers = Monitor(Pool(idle: []))
            self.past = Monitor(Pool(idle: []))
        } catch {
            throw E(error)
        }
        try write(schema)
        do throws(DatabaseError) {
            for number in 0...Self.readerCount {
                let reader = try Connection(path: path, readOnly: true)
                reader.execute("PRAGMA cache_size = -8192; PRAGMA mmap_size = 268435456;")
                if let failure = reader.takeFailure() { throw failure }
                functions.forEach(reader.define)
                (number == 0 ? past : readers).update { $0.idle.append(reader) }
            }
        } catch {
            throw E(error)
        }
    }

    /// Lends a reading connection; each statement sees the newest committed state.
    public func read<R, E: DatabaseFailure>(_ body: (Connection) throws(E) -> R) throws(E) -> R {
        let connection = readers.wait { $0.idle.popLast() }
        defer { readers.update { $0.idle.append(connection) } }
        return try Self.checked(connection, body)
    }

    /// Like `read`, with all statements seeing one and the same state.
    public func snapshot<R, E: DatabaseFailure>(
        _ body: (Connection) throws(E) -> R
    ) throws(E) -> R {
        try read { connection throws(E) in
            connection.execute("BEGIN")
            // Also after a failure: a reader left in its snapshot would show the past for ever.
            defer { connection.endSnapshot() }
            return try body(connection)
        }
    }

    /// Runs `body` in a transaction: all of it happens, or it throws and none of it did.
    ///
    /// - Parameter durably: return only when the transaction, and every one before it, is on the disk.
    ///   Without it, a commit survives the death of this process but perhaps not a power failure.
    public func write<R, E: DatabaseFailure>(
        durably: Bool = false,
        _ body: (Connection) throws(E) -> R
    ) throws(E) -> R {
        let connection = writer.wait { $0.idle.popLast() }
        defer { writer.update { $0.idle.append(connection) } }
        if durably { connection.execute("PRAGMA synchronous = FULL") }
        defer { if durably { connection.execute("PRAGMA synchronous = NORMAL") } }
        let watch = watch.withLock { $0 }
        do throws(E) {
            let result = try Self.checked(connection) { connection throws(E) in
                connection.run("BEGIN IMMEDIATE")
                let result = try body(connection)
                if let watch { try settle(watch, connection, E.self) }
                connection.run("COMMIT")
                writes.add(1, ordering: .releasing)
                return result
            }
            watch?.end(true)
            return result
        } catch {
            if connection.isInTransaction { connection.run("ROLLBACK") }
            _ = connection.takeFailure()
            watch?.end(false)
            throw error
        }
    }

    private func settle<E: DatabaseFailure>(
        _ watch: WriteWatch,
        _ connection: Connection,
        _: E.Type
    ) throws(E) {
        guard let past = past.withLock({ $0.idle.first }) else { return }
        watch.settle(past, connection)
        if let failure = past.takeFailure() { throw E(failure) }
    }

    /// A failure of the database outweighs what the body made of it.
    private static func checked<R, E: DatabaseFailure>(
        _ connection: Connection,
        _ body: (Connection) throws(E) -> R
    ) throws(E) -> R {
        do throws(E) {
            let result = try body(connection)
            if let failure = connection.takeFailure() { throw E(failure) }
            return result
        } catch {
            if let failure = connection.takeFailure() { throw E(failure) }
            throw error
        }
    }
}

/// Somebody who has a word in every write; both calls come from the writing thread, one write at a time.
public struct WriteWatch: Sendable {
    /// Called before a write commits, with what was before and what will be; may read both and write
    /// to the second.
    let settle: @Sendable (_ before: Connection, _ after: Connection) -> Void
    /// Called after it has committed, or not.
    let end: @Sendable (_ isCommitted: Bool) -> Void

    public init(
        settle: @escaping @Sendable (_ before: Connection, _ after: Connection) -> Void,
        end: @escaping @Sendable (_ isCommitted: Bool) -> Void
    ) {
        self.settle = settle
        self.end = end
    }
}
