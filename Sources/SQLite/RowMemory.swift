import CSQLite
import Glibc

/// What the writing connection remembers of rows of a few tables while its transaction is open, and what
/// it has noted of their changes since somebody last took the notes.
///
/// SQLite tells of each row that is changed or removed, and that one is forgotten; all of them, and all
/// notes, are when a transaction begins or is taken back. So what is remembered is what the statement
/// would find.
final class RowMemory {
    private struct Table {
        let watched: WatchedTable
        /// The name as SQLite tells it, kept by who owns this.
        let name: UnsafeMutablePointer<CChar>
        var values: [Int64: Any] = [:]
        /// Under which key what a row tells is remembered.
        var keys: [Int64: Int64] = [:]

        init(_ watched: WatchedTable) {
            self.watched = watched
            name = strdup(watched.name)
        }

        mutating func forget() {
            guard !values.isEmpty else { return }
            values = [:]
            keys = [:]
        }
    }

    private var tables: [Table]
    private var notes: [RowNote] = []

    /// Of each table.
    private static let most = 4096

    /// Has `connection` tell of every change.
    init(of watched: [WatchedTable], on connection: OpaquePointer) {
        tables = watched.map(Table.init)
        sqlite3_preupdate_hook(
            connection,
            { memory, connection, operation, _, table, row, _ in
                Unmanaged<RowMemory>.fromOpaque(memory!).takeUnretainedValue()
                    .noteChange(of: table!, row, operation, connection!)
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    deinit { tables.forEach { free($0.name) } }

    private func place(of table: UnsafePointer<CChar>) -> Int? {
        tables.firstIndex { strcmp($0.name, table) == 0 }
    }

    func remembered<Value>(
        _ table: String,
        _ key: Int64,
        row: (Value) -> Int64,
        _ body: () -> Value?
    ) -> Value? {
        guard let place = place(of: table) else { return body() }
        if let known = tables[place].values[key] as? Value { return known }
        guard let found = body() else { return nil }
        if tables[place].values.count >= Self.most { tables[place].forget() }
        tables[place].values[key] = found
        tables[place].keys[row(found)] = key
        return found
    }

    func takeNotes() -> [RowNote] {
        defer { notes = [] }
        return notes
    }

    /// Forgets all, of a transaction that begins or is taken back.
    func forget() {
        notes = []
        for place in tables.indices { tables[place].forget() }
    }

    private func noteChange(
        of table: UnsafePointer<CChar>,
        _ row: Int64,
        _ operation: CInt,
        _ connection: OpaquePointer
    ) {
        guard let place = place(of: table) else { return }
        let kind: RowChange.Kind =
            switch operation {
            case SQLITE_INSERT: .insertion
            case SQLITE_UPDATE: .update
            default: .deletion
            }
        if let key = tables[place].keys.removeValue(forKey: row) {
            tables[place].values[key] = nil
        }
        tables[place].watched.note(RowChange(kind, connection), &notes)
    }
}

extension Connection {
    /// What was noted of changes of watched tables since this was last asked for, in order.
    ///
    /// Triggers could note them as well. But whatever sets one off copies each page that it changes
    /// beforehand, should the trigger fail: that doubled what a new row costs.
    public func takeNotes() -> [RowNote] { memory?.takeNotes() ?? [] }

    /// What `body` finds, or found before where the row that tells it has not changed since.
    ///
    /// - Parameters:
    ///   - table: that the database was told to watch.
    ///   - key: of what is looked for; a key belongs to one row.
    ///   - row: the number of the row in the table.
    public func remembered<Value>(
        _ table: String,
        _ key: Int64,
        row: (Value) -> Int64,
        _ body: () -> Value?
    ) -> Value? {
        guard let memory else { return body() }
        return memory.remembered(table, key, row: row) {
            let found = body()
            return failure == nil ? found : nil
        }
    }
}
