public import Queries
public import SQLite

/// Why metadata could not be read or written.
public enum MetadataError: Error, Equatable, Sendable {
    case database(DatabaseError)
    /// The database was written by a newer GoSync than this one.
    case newerSchema(Int64)
    /// A filter's query can't be understood.
    case query(QueryError)
}

extension MetadataError: DatabaseFailure {
    public init(_ error: DatabaseError) { self = .database(error) }
}

extension MetadataError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .database(let error): error.description
        case .query(let error): error.description
        case .newerSchema(let version):
            "the database has schema \(version), from a newer GoSync: use that version"
        }
    }
}
