/// How a large body becomes an object: which ranges are sent, and which the store copies by itself.
///
/// The rules of S3: 10,000 parts at most, of 5 MiB at least but for the last one. Parts that are sent
/// have 8 MiB in the first 8,000 MiB of the body, then 32 MiB up to 40,000 MiB, then 128 MiB, so that a
/// small file has parts small enough to be in flight together, and 1.04 TB fit. Parts that are copied have
/// 128 MiB, or a 2,000th of the body, so that a server can copy many at once. Stretches to be copied
/// that are shorter than that are sent, except at the end. What is sent and too short for a part takes
/// the first bytes of the stretch behind it along.
struct PartPlan: Equatable, Sendable {
    struct Part: Equatable, Sendable {
        var range: Range<Int64>
        var isCopied: Bool
    }

    private(set) var parts: [Part]

    private static let smallestPart: Int64 = 5 << 20
    private static let mostParts = 10_000

    /// - Parameter unchanged: what may be copied, in order.
    /// - Returns: `nil` if the body is too large.
    init?(size: Int64, unchanged: [Range<Int64>] = []) {
        parts = []
        divide(size, unchanged)
        if parts.count > Self.mostParts, !unchanged.isEmpty {
            parts = []
            divide(size, [])
        }
        if parts.count > Self.mostParts { return nil }
    }

    /// Whether anything is left to the store.
    var copies: Bool { parts.contains(where: \.isCopied) }

    var ranges: [Range<Int64>] { parts.map(\.range) }

    private mutating func divide(
        _ size: Int64,
        _ unchanged: [Range<Int64>]
    ) {
        let copyBytes = max(128 << 20, size / 2000)
        var sentFrom: Int64 = 0
        for stretch in unchanged where !stretch.isEmpty {
            let isAfterSent = sentFrom < stretch.lowerBound
            let start =
                isAfterSent ? max(stretch.lowerBound, sentFrom + Self.smallestPart) : sentFrom
            let isLast = stretch.upperBound == size
            guard start < stretch.upperBound,
                isLast || stretch.upperBound - start >= Self.partBytes(at: start)
            else { continue }
            add(sentFrom..<start, isCopied: false, isLast: false) { Self.partBytes(at: $0) }
            add(start..<stretch.upperBound, isCopied: true, isLast: isLast) { _ in copyBytes }
            sentFrom = stretch.upperBound
        }
        add(sentFrom..<size, isCopied: false, isLast: true) { Self.partBytes(at: $0) }
    }

    private mutating func add(
        _ range: Range<Int64>,
        isCopied: Bool,
        isLast: Bool,
        partBytes: (Int64) -> Int64
    ) {
        let smallestRest = isLast ? 1 : Self.smallestPart
        var position = range.lowerBound
        while position < range.upperBound {
            let bytes = partBytes(position)
            let isRest = range.upperBound - position - bytes < smallestRest
            let end = isRest ? range.upperBound : position + bytes
            parts.append(Part(range: position..<end, isCopied: isCopied))
            position = end
        }
    }

    private static func partBytes(at offset: Int64) -> Int64 {
        offset < 8000 << 20 ? 8 << 20 : offset < 40_000 << 20 ? 32 << 20 : 128 << 20
    }
}
