import CSQLite

/// What SQLite said when it refused.
///
/// The SQL is shown, its arguments are not.
public struct DatabaseError: Error, Equatable, Sendable {
    /// SQLite's extended result code.
    public let code: CInt
    public let message: String

    public init(code: CInt, message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the disk is full, which waiting or deleting may mend.
    public var isFull: Bool { code & 0xff == SQLITE_FULL }

    init(connection: OpaquePointer, sql: String) {
        self.init(
            code: sqlite3_extended_errcode(connection),
            message: String(cString: sqlite3_errmsg(connection)) + " in: " + sql
        )
    }
}

extension DatabaseError: CustomStringConvertible {
    public var description: String { "database: \(message) (\(code))" }
}

/// An error that can say "the database failed", so that a transaction can throw it.
public protocol DatabaseFailure: Error {
    init(_ error: DatabaseError)
}

extension DatabaseError: DatabaseFailure {
    public init(_ error: DatabaseError) { self = error }
}
