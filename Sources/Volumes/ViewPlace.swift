import Base
import Metadata

/// A directory that only a view has: its number says all about it, so nothing has to be remembered and
/// it is the same after a remount.
///
/// Numbers of files count up from 1 and never come near.
enum ViewPlace: Equatable {
    /// A real directory as the tree of a view shows it.
    case branch(view: FileID, directory: FileID)
    /// `/filters/.q`.
    case queries
    /// A query typed as a path, by its place in `AdHocQueries`.
    case query(FileID)

    /// Set aside among the numbers of the fixed directories.
    static let queriesNumber: FileID = 4
    static let queriesName: Name = ".q"

    private static let branchMark: FileID = 1 << 62
    private static let queryMark: FileID = 1 << 61
    /// Views and directories with higher numbers than these bits hold are not shown as trees.
    private static let viewBits: FileID = 28
    private static let directoryBits: FileID = 34

    init?(_ number: FileID) {
        if number == Self.queriesNumber {
            self = .queries
        } else if number >= Self.branchMark {
            let rest = number ^ Self.branchMark
            self = .branch(
                view: rest >> Self.directoryBits,
                directory: rest & (1 << Self.directoryBits - 1)
            )
        } else if number >= Self.queryMark {
            self = .query(number)
        } else {
            return nil
        }
    }

    /// The number of a branch, or `nil` where it can't be numbered.
    static func number(view: FileID, directory: FileID) -> FileID? {
        guard view >> viewBits == 0, directory >> directoryBits == 0 else { return nil }
        return branchMark | view << directoryBits | directory
    }

    static func number(ofQuery ordinal: Int64) -> FileID { queryMark + ordinal }
}

/// The queries typed as paths of late, by number; the oldest are forgotten.
struct AdHocQueries {
    struct Query: Equatable {
        var number: FileID
        var text: String
        /// The state of the database in which it was last looked at, and when that state was first met.
        var changeCount: Int
        var modified: Timestamp
    }

    /// A path that is still used after so many others have been asked for is stale.
    static let capacity = 1024

    private var byNumber: [FileID: Query] = [:]
    private var numbers: [Name: FileID] = [:]
    private var order: [FileID] = []
    private var last: Int64 = 0

    /// The number for a text, which it keeps while it is remembered.
    mutating func number(for text: String, changeCount: Int) -> FileID {
        if let known = numbers[Name(text)] { return known }
        if order.count >= Self.capacity { forgetOldest() }
        last += 1
        let number = ViewPlace.number(ofQuery: last)
        byNumber[number] = Query(
            number: number,
            text: text,
            changeCount: changeCount,
            modified: .now()
        )
        numbers[Name(text)] = number
        order.append(number)
        return number
    }

    /// A remembered query; its time moves with every change of the database, which may be one of it.
    mutating func query(_ number: FileID, changeCount: Int) -> Query? {
        guard var query = byNumber[number] else { return nil }
        if query.changeCount != changeCount {
            query.changeCount = changeCount
            query.modified = .now()
            byNumber[number] = query
        }
        return query
    }

    private mutating func forgetOldest() {
        let half = order.prefix(Self.capacity / 2)
        for number in half {
            if let query = byNumber.removeValue(forKey: number) {
                numbers[Name(query.text)] = nil
            }
        }
        order.removeFirst(half.count)
    }
}

extension Name {
    /// A query as it is typed into a path: `%2F` is a slash and `%25` a percent sign.
    var typedQuery: String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let next = rest.prefix(2)
            if byte == UInt8(ascii: "%"),
                next.elementsEqual("2F".utf8) || next.elementsEqual("2f".utf8)
            {
                bytes.append(UInt8(ascii: "/"))
                rest.removeFirst(2)
            } else if byte == UInt8(ascii: "%"), next.elementsEqual("25".utf8) {
                bytes.append(UInt8(ascii: "%"))
                rest.removeFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
