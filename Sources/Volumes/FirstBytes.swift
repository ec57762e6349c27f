import Base
import Metadata

/// The first bytes of objects that were looked at, for whoever reads them next: a plain value.
///
/// Attributes can be asked for with a HEAD, or with a GET that brings the first bytes too. Where a read
/// follows, the second saves a request; where none does, it moved bytes for nothing. So what is large
/// is fetched on credit, which reads that follow a look fill, and looks without a read use up.
struct FirstBytes {
    private struct Held {
        var etag: String
        var bytes: [UInt8]
    }

    private var held: [FileID: Held] = [:]
    private var order: [FileID] = []
    /// Files of which no bytes were fetched for want of credit, with how many would have been.
    private var declined: [FileID: Int] = [:]
    private var creditBytes = 8 * longestBytes

    /// As much as comes with the first round trip of a connection anyway.
    static let freeBytes = 14 << 10
    /// One chunk of the cache.
    static let longestBytes = 128 << 10
    private static let limit = 32
    private static let creditLimit = 32 * longestBytes

    /// How many bytes to ask for along with the attributes; none for an object that has none.
    mutating func count(of id: FileID, size: Int64) -> Int {
        let count = Int(min(size, Int64(Self.longestBytes)))
        guard count > Self.freeBytes else { return count }
        guard creditBytes >= count else {
            if declined.count >= Self.limit { declined = [:] }
            declined[id] = count
            return 0
        }
        creditBytes -= count
        return count
    }

    mutating func hold(_ bytes: [UInt8], of id: FileID, etag: String) {
        if held[id] == nil { order.append(id) }
        held[id] = Held(etag: etag, bytes: bytes)
        if order.count > Self.limit { held[order.removeFirst()] = nil }
    }

    /// The bytes of an object's version, which are then with the caller.
    mutating func take(of id: FileID, etag: String?) -> [UInt8]? {
        guard let found = held.removeValue(forKey: id) else {
            if let count = declined.removeValue(forKey: id) { earn(count) }
            return nil
        }
        order.removeAll { $0 == id }
        guard found.etag == etag else { return nil }
        earn(found.bytes.count)
        return found.bytes
    }

    private mutating func earn(_ count: Int) {
        creditBytes = min(Self.creditLimit, creditBytes + 2 * count)
    }
}
