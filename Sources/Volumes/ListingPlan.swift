import Base
import Stores

/// What of a listing is still to be asked for, and where it can be split to be asked for in parts at
/// once: a plain value.
///
/// A span of keys is listed page by page. While its next page is on the way, it may be cut in two behind
/// a key that nobody has seen, guessed from the last page: all digits of `img_000999` that could be
/// higher. A part that turns out to be empty costs one request, and bounds its neighbour.
struct ListingPlan {
    struct Request: Equatable {
        fileprivate(set) var span: Int
        var after: ListPosition?
    }

    /// What an answer added to the listing.
    struct Piece: Equatable {
        var page: ListPage
        var asked: Timestamp
        /// The keys that are now certain; `nil` where an answer proves nothing yet.
        var covered: Coverage.Part?
    }

    private struct Span {
        /// The keys behind `lower` and up to `upper` are still to be listed.
        var lower: Key?
        var upper: Key?
        var next: ListPosition?
        var isAsked = false
        var isDone = false
        /// The first and last key of the newest page.
        var shown: (first: Key, last: Key)?
        var pages = 0
    }

    static let disorder = StoreError.malformed("a listing that is not in order")

    private let prefix: Key
    private let isDelimited: Bool
    private let trustsOrder: Bool
    private let start: Timestamp
    private var spans: [Span]
    /// Whether the store's pages can be relied on to be in order; told by each of them.
    private var isInRanges = false

    /// - Parameters:
    ///   - prefix: of all keys; ends in `/` unless it is empty.
    ///   - lower: leaves out the keys up to this one.
    ///   - trustsOrder: whether to believe a store that claims to keep the order of keys.
    init(
        prefix: Key,
        isDelimited: Bool,
        after lower: Key? = nil,
        trustsOrder: Bool = true,
        start: Timestamp
    ) {
        self.prefix = prefix
        self.trustsOrder = trustsOrder
        self.isDelimited = isDelimited
        self.start = start
        spans = [Span(lower: lower, next: lower.map { .key($0) })]
    }

    /// Nothing is left to ask for, and nothing on its way.
    var isDone: Bool { spans.allSatisfy(\.isDone) }

    /// What to ask the store for next, in addition to what is on its way; `nil` if there is nothing.
    mutating func next() -> Request? {
        if let index = spans.firstIndex(where: { !$0.isAsked && !$0.isDone }) {
            spans[index].isAsked = true
            return Request(span: index, after: spans[index].next)
        }
        guard isInRanges, let (index, key) = split() else { return nil }
        spans.append(
            Span(lower: key, upper: spans[index].upper, next: .key(key), isAsked: true)
        )
        spans[index].upper = key
        return Request(span: spans.count - 1, after: .key(key))
    }

    /// Takes an answer, and returns what of it belongs to the request's span as it is now.
    ///
    /// - Throws: `ListingPlan.disorder` if the store does not keep the order that it claims.
    mutating func answer(
        _ request: Request,
        _ page: ListPage,
        askedAt asked: Timestamp
    ) throws(StoreError) -> Piece {
        var span = spans[request.span]
        defer { spans[request.span] = span }
        span.isAsked = false
        span.next = page.next
        span.isDone = page.next == nil
        isInRanges = page.isInRanges && trustsOrder
        guard isInRanges else {
            let all = Coverage.Part(lower: nil, upper: nil, asked: start)
            return Piece(
                page: page,
                asked: asked,
                covered: span.isDone && spans.count == 1 ? all : nil
            )
        }
        guard page.isSorted(after: span.lower) else {
            throw Self.disorder
        }
        let mine = span.upper.map { page.upTo($0) } ?? page
        let last = mine.lastKey
        if mine.count < page.count || last != nil && last == span.upper { span.isDone = true }
        span.pages += 1
        if let first = mine.firstKey, let last { span.shown = (first, last) }
        guard let upper = span.isDone ? .some(span.upper) : last.map({ .some($0) }) else {
            return Piece(page: mine, asked: asked, covered: nil)
        }
        defer { span.lower = upper }
        return Piece(
            page: mine,
            asked: asked,
            covered: Coverage.Part(lower: span.lower, upper: upper, asked: asked)
        )
    }

    /// The span to be split and the key, where the split promises the most.
    private func split() -> (span: Int, key: Key)? {
        var best: (span: Int, key: Key, depth: Int)?
        for index in spans.indices where spans[index].isAsked {
            guard let found = middle(of: spans[index]) else { continue }
            if best.map({ found.depth < $0.depth }) ?? true {
                best = (index, found.key, found.depth)
            }
        }
        return best.map { ($0.span, $0.key) }
    }

    /// A key far behind the last one shown, and the place of the character in which it differs.
    private func middle(of span: Span) -> (key: Key, depth: Int)? {
        guard let shown = span.shown else { return nil }
        let first = scalars(shown.first)
        let last = scalars(shown.last)
        let common = zip(first, last).prefix { $0 == $1 }.count
        guard common < last.count else { return nil }
        let low = common < first.count ? first[common].value : last[common].value
        let spread = max(1, last[common].value - min(low, last[common].value))
        let room = Self.highest(like: last[common]) - last[common].value
        for depth in 0...common {
            // The last page spread over this many characters at `common`: what is left in front of a
            // higher one before that should be worth a few pages.
            if depth + 1 == common, room < 2 * spread { continue }
            let isStride = depth == common
            if isStride, span.pages < Self.pagesBeforeStride || room < Self.stride * spread {
                continue
            }
            let value = last[depth].value + (isStride ? Self.stride * spread : 1)
            guard let scalar = Unicode.Scalar(0xd800..<0xe000 ~= value ? 0xe000 : value) else {
                continue
            }
            var text = String.UnicodeScalarView(last[..<depth])
            text.append(scalar)
            // Between the keys of one folder, a delimited listing cannot begin.
            if isDelimited, text.contains("/") { continue }
            let key = Key(prefix.text + String(text))
            if span.upper.map({ key < $0 }) ?? true { return (key, depth) }
        }
        return nil
    }

    /// Pages after which a part is taken to be long, and how many of them to leave in front of a split.
    private static let pagesBeforeStride = 3
    private static let stride: UInt32 = 8

    private func scalars(_ key: Key) -> [Unicode.Scalar] {
        let relative = key.text.utf8.dropFirst(prefix.text.utf8.count)
        return Array(String(decoding: relative, as: UTF8.self).unicodeScalars)
    }

    /// The last character that names are likely to have where they have this one.
    private static func highest(like scalar: Unicode.Scalar) -> UInt32 {
        for last: Unicode.Scalar in ["9", "Z", "z"] where scalar <= last { return last.value }
        return 0x10ffff
    }
}

extension ListPage {
    fileprivate var count: Int { objects.count + prefixes.count }

    fileprivate var firstKey: Key? {
        [objects.first?.key, prefixes.first].compactMap { $0 }.min()
    }

    fileprivate var lastKey: Key? { [objects.last?.key, prefixes.last].compactMap { $0 }.max() }

    fileprivate func isSorted(after lower: Key?) -> Bool {
        var last = lower
        for object in objects {
            if let last, object.key <= last { return false }
            last = object.key
        }
        last = lower
        for prefix in prefixes {
            if let last, prefix <= last { return false }
            last = prefix
        }
        return true
    }

    /// What does not lie behind a key.
    fileprivate func upTo(_ key: Key) -> ListPage {
        guard let last = lastKey, last > key else { return self }
        var page = self
        page.objects = objects.filter { $0.key <= key }
        page.prefixes = prefixes.filter { $0 <= key }
        return page
    }
}
