import CSQLite
import Glibc

/// What the writing connection remembers of rows of one table while its transaction is open.
///
/// SQLite tells of each row that is changed or removed, and that one is forgotten; all of them are when a
/// transaction begins or is taken back. So what is remembered is what the statement would find. It tells
/// of each new row too, and those are noted until somebody takes the notes.
final class RowMemory {
    private let table: String
    private var values: [Int64: Any] = [:]
    /// Under which key what a row tells is remembered.
    private var keys: [Int64: Int64] = [:]
    /// New rows, in the order in which they came; some may be gone again.
    private var inserted: [Int64] = []

    private static let most = 4096

    init(of table: String) { self.table = table }

    func value(_ key: Int64) -> Any? { values[key] }

    func remember(_ value: Any, _ key: Int64, row: Int64) {
        if values.count >= Self.most { forgetValues() }
        values[key] = value
        keys[row] = key
    }

    func takeInserted() -> [Int64] {
        defer { inserted = [] }
        return inserted
    }

    /// Forgets all, of a transaction that begins or is taken back.
    func forget() {
        inserted = []
        forgetValues()
    }

    private func forgetValues() {
        guard !values.isEmpty else { return }
        values = [:]
        keys = [:]
    }

    /// Has `connection` tell of every change.
    func watch(_ connection: OpaquePointer) {
        sqlite3_update_hook(
            connection,
            { memory, operation, _, table, row in
                Unmanaged<RowMemory>.fromOpaque(memory!).takeUnretainedValue()
                    .noteChange(of: table!, row, isNew: operation == SQLITE_INSERT)
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func noteChange(of table: UnsafePointer<CChar>, _ row: Int64, isNew: Bool) {
        guard isNew || !keys.isEmpty, strcmp(table, self.table) == 0 else { return }
        if isNew { inserted.append(row) }
        guard let key = keys[row] else { return }
        keys[row] = nil
        values[key] = nil
    }
}

extension Connection {
    /// The rows that were inserted into the remembered table since this was last asked for; some may be
    /// gone again.
    ///
    /// A trigger could note them as well. But whatever sets one off copies each page that it changes
    /// beforehand, should the trigger fail: that doubled what a new row costs.
    public func takeInserted() -> [Int64] { memory?.takeInserted() ?? [] }

    /// What `body` finds, or found before where the row that tells it has not changed since.
    ///
    /// - Parameters:
    ///   - key: of what is looked for; a key belongs to one row.
    ///   - row: the number of the row in the table that the database was told to remember.
    public func remembered<Value>(
        _ key: Int64,
        row: (Value) -> Int64,
        _ body: () -> Value?
    ) -> Value? {
        guard let memory else { return body() }
        if let known = memory.value(key) as? Value { return known }
        guard let found = body(), failure == nil else { return nil }
        memory.remember(found, key, row: row(found))
        return found
    }
}
