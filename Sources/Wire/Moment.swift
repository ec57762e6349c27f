public import Base
import FoundationEssentials

/// A time as it is written on the wire: RFC 3339 in UTC, with as many digits as it has.
///
/// For example `2024-05-01T10:00:00Z` or `2024-05-01T10:00:00.000000001Z`.
public struct Moment: Hashable, Sendable {
    public var timestamp: Timestamp

    public init(_ timestamp: Timestamp) { self.timestamp = timestamp }
}

extension Moment: CustomStringConvertible {
    public var description: String {
        let date = Date(timeIntervalSince1970: Double(timestamp.seconds))
        let text = date.formatted(.iso8601)
        guard timestamp.fraction > 0 else { return text }
        var digits = String(timestamp.fraction)
        digits = String(repeating: "0", count: 9 - digits.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(text.dropLast()).\(digits)Z"
    }

    /// `nil` if `text` is no such time; digits beyond nanoseconds are dropped.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1)
        var whole = text
        var nanoseconds: Int64 = 0
        if parts.count == 2 {
            let digits = parts[1].prefix { ("0"..."9").contains($0) }
            let padded = (digits + "000000000").prefix(9)
            guard !digits.isEmpty, let fraction = Int64(padded) else { return nil }
            nanoseconds = fraction
            whole = String(parts[0] + parts[1].dropFirst(digits.count))
        }
        guard let date = try? Date(whole, strategy: .iso8601) else { return nil }
        let seconds = Int64(date.timeIntervalSince1970.rounded())
        timestamp = Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }
}

extension Moment: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let moment = Moment(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a time")
        }
        self = moment
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
