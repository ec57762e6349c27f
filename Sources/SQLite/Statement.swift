import CSQLite

/// A compiled statement of one connection; used through `Connection`, which keeps it.
final class Statement {
    let handle: OpaquePointer
    let sql: String
    /// Changes nothing; what begins and ends transactions counts as such.
    let isReadOnly: Bool
    /// Between the first step and the reset: a second use needs a statement of its own.
    var isBusy = false

    init(handle: OpaquePointer, sql: String) {
        self.handle = handle
        self.sql = sql
        isReadOnly = sqlite3_stmt_readonly(handle) != 0
    }

    deinit { sqlite3_finalize(handle) }

    // Binding cannot fail for a correct caller, so a failure is a bug and traps.
    func bind(_ values: [Value]) {
        precondition(Int(sqlite3_bind_parameter_count(handle)) == values.count, sql)
        for (index, value) in values.enumerated() {
            let code = bind(value, at: CInt(index + 1))
            precondition(code == SQLITE_OK || code == SQLITE_NOMEM || code == SQLITE_TOOBIG, sql)
        }
    }

    private func bind(_ value: Value, at index: CInt) -> CInt {
        switch value {
        case .null: return sqlite3_bind_null(handle, index)
        case .integer(let integer): return sqlite3_bind_int64(handle, index, integer)
        case .real(let real): return sqlite3_bind_double(handle, index, real)
        case .text(var text):
            return text.withUTF8 { utf8 in
                utf8.withMemoryRebound(to: CChar.self) {
                    gosync_bind_text(handle, index, $0.baseAddress, CInt($0.count))
                }
            }
        case .blob(let bytes):
            return bytes.withUnsafeBytes {
                gosync_bind_blob(handle, index, $0.baseAddress, CInt($0.count))
            }
        }
    }
}

/// The current row of a running statement; valid only inside the closure that was given it.
public struct Row: ~Copyable {
    let handle: OpaquePointer

    public func integer(_ column: Int) -> Int64 { sqlite3_column_int64(handle, CInt(column)) }

    public func real(_ column: Int) -> Double { sqlite3_column_double(handle, CInt(column)) }

    public func isNull(_ column: Int) -> Bool {
        sqlite3_column_type(handle, CInt(column)) == SQLITE_NULL
    }

    public func optionalInteger(_ column: Int) -> Int64? {
        isNull(column) ? nil : integer(column)
    }

    public func text(_ column: Int) -> String { optionalText(column) ?? "" }

    public func optionalText(_ column: Int) -> String? {
        guard let bytes = sqlite3_column_text(handle, CInt(column)) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, CInt(column)))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    public func blob(_ column: Int) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(handle, CInt(column)) else { return [] }
        let count = Int(sqlite3_column_bytes(handle, CInt(column)))
        return [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
    }
}
