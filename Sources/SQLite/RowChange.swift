import CSQLite
import Glibc

/// A row that is about to be inserted, updated or deleted, as SQLite tells of it beforehand.
///
/// Good for the length of the call that gets it. Columns count from 0, in the order of the table.
public struct RowChange: ~Copyable {
    public enum Kind: Sendable { case insertion, update, deletion }

    public let kind: Kind
    private let connection: OpaquePointer

    init(_ kind: Kind, _ connection: OpaquePointer) {
        self.kind = kind
        self.connection = connection
    }

    /// An integer of the row as it is; 0 of one that is new, or of one that cannot be read.
    public func before(_ column: CInt) -> Int64 { integer(column, isNew: false) }

    /// An integer of the row as it will be; 0 of one that will not be, or of one that cannot be read.
    public func after(_ column: CInt) -> Int64 { integer(column, isNew: true) }

    /// Whether an update gives any of these columns another value.
    public func changes(_ columns: [CInt]) -> Bool {
        columns.contains { !Self.areSame(value($0, isNew: false), value($0, isNew: true)) }
    }

    private func integer(_ column: CInt, isNew: Bool) -> Int64 {
        value(column, isNew: isNew).map { sqlite3_value_int64($0) } ?? 0
    }

    private func value(_ column: CInt, isNew: Bool) -> OpaquePointer? {
        var value: OpaquePointer?
        let read = isNew ? sqlite3_preupdate_new : sqlite3_preupdate_old
        return read(connection, column, &value) == SQLITE_OK ? value : nil
    }

    private static func areSame(_ one: OpaquePointer?, _ other: OpaquePointer?) -> Bool {
        // What cannot be read may have changed.
        guard let one, let other, sqlite3_value_type(one) == sqlite3_value_type(other) else {
            return false
        }
        switch sqlite3_value_type(one) {
        case SQLITE_NULL: return true
        case SQLITE_INTEGER: return sqlite3_value_int64(one) == sqlite3_value_int64(other)
        case SQLITE_FLOAT: return sqlite3_value_double(one) == sqlite3_value_double(other)
        default:
            let count = sqlite3_value_bytes(one)
            guard count == sqlite3_value_bytes(other) else { return false }
            return count == 0
                || memcmp(sqlite3_value_blob(one), sqlite3_value_blob(other), Int(count)) == 0
        }
    }
}

/// What is noted of a change: whom it concerns, and of what kind it is.
public struct RowNote: Equatable, Sendable {
    public let subject: Int64
    public let kind: Int64

    public init(_ subject: Int64, _ kind: Int64) {
        self.subject = subject
        self.kind = kind
    }
}

/// A table of which the writing connection remembers rows, and takes notes of how they change.
public struct WatchedTable: Sendable {
    let name: String
    let note: @Sendable (borrowing RowChange, inout [RowNote]) -> Void

    /// - Parameter note: called for every change, on the writing thread, within the statement that makes
    ///   it; it must not use the database.
    public init(
        _ name: String,
        note: @escaping @Sendable (borrowing RowChange, inout [RowNote]) -> Void
    ) {
        self.name = name
        self.note = note
    }
}
