/// How the place of a file says what its tags are: `/photos/{year}/{event}/`.
///
/// A rule is compared with a file's path inside its backend, name by name: what is in braces becomes the
/// value of a tag, `*` is any text within one name, and everything else stands for itself. With a slash
/// at its end a rule is for everything below those directories, however deep; without, for files at just
/// this depth, whose own name its last part has to match. `{year=[12]???}` takes a value only if that
/// matches the pattern.
public struct PathRule: Equatable, Sendable {
    /// Why a rule makes no sense, for the person who wrote it.
    public struct Mistake: Error, Equatable, Sendable, CustomStringConvertible {
        public let description: String
    }

    private let names: [NamePattern]
    /// Whether it is for what lies below directories of these names.
    private let isForDirectories: Bool
    /// The only backend it is for, if so.
    private let backend: String?

    public init(_ rule: String, backend: String? = nil) throws(Mistake) {
        // By bytes: a character may reach over the slash before it.
        var parts = rule.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count > 1, parts.removeFirst().isEmpty else {
            throw Mistake(description: "it does not start with '/', the top of a backend")
        }
        isForDirectories = parts.last?.isEmpty ?? false
        if isForDirectories { parts.removeLast() }
        var names: [NamePattern] = []
        for part in parts { names.append(try NamePattern(Array(part))) }
        let keys = names.flatMap(\.keys)
        guard !keys.isEmpty else { throw Mistake(description: "there is no {key} in it") }
        guard Set(keys).count == keys.count else {
            throw Mistake(description: "one {key} stands in it twice")
        }
        self.names = names
        self.backend = backend
    }

    /// The tags of a file at a path inside a backend, in the order of the rule; none where the rule is
    /// not for it.
    public func tags(ofFileAt path: String, on backend: String) -> [(key: String, value: String)] {
        if let own = self.backend, !own.utf8.elementsEqual(backend.utf8) { return [] }
        let parts = path.utf8.split(separator: UInt8(ascii: "/"))
        guard isForDirectories ? parts.count > names.count : parts.count == names.count else {
            return []
        }
        var tags: [(key: String, value: String)] = []
        for (pattern, part) in zip(names, parts) {
            guard let found = pattern.values(in: Array(part)) else { return [] }
            tags += found
        }
        return tags
    }
}

/// One name of a rule: text, then gaps with the text after each.
private struct NamePattern: Equatable {
    struct Gap: Equatable {
        /// Of the tag that it becomes; `nil` for `*`.
        var key: String?
        var glob: String?
        var text: [UInt8] = []
    }

    private var start: [UInt8] = []
    private var gaps: [Gap] = []

    var keys: [String] { gaps.compactMap(\.key) }

    init(_ part: [UInt8]) throws(PathRule.Mistake) {
        guard !part.isEmpty else { throw PathRule.Mistake(description: "there is '//' in it") }
        var rest = part[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"): try add(Gap())
            case UInt8(ascii: "{"):
                guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else {
                    throw PathRule.Mistake(description: "a '{' is not closed")
                }
                try add(try Self.gap(rest[..<end]))
                rest = rest[(end + 1)...]
            case UInt8(ascii: "}"): throw PathRule.Mistake(description: "a '}' closes nothing")
            default:
                if gaps.isEmpty {
                    start.append(byte)
                } else {
                    gaps[gaps.count - 1].text.append(byte)
                }
            }
        }
    }

    /// `key` or `key=PATTERN`.
    private static func gap(_ inside: ArraySlice<UInt8>) throws(PathRule.Mistake) -> Gap {
        let parts = inside.split(
            separator: UInt8(ascii: "="),
            maxSplits: 1,
            omittingEmptySubsequences: false
        ).map { String(decoding: $0, as: UTF8.self) }
        guard !parts[0].isEmpty else { throw PathRule.Mistake(description: "a {key} is empty") }
        return Gap(key: parts[0], glob: parts.count > 1 ? parts[1] : nil)
    }

    private mutating func add(_ gap: Gap) throws(PathRule.Mistake) {
        guard gaps.last.map({ !$0.text.isEmpty }) ?? true else {
            let advice = "nothing says where the first ends"
            throw PathRule.Mistake(description: "two gaps touch each other, and \(advice)")
        }
        gaps.append(gap)
    }

    /// What the gaps hold in a name; `nil` where it does not fit.
    ///
    /// Each is as short as what follows it allows. If any division fits, so does this one, but for the
    /// patterns, which are asked only of it.
    func values(in name: [UInt8]) -> [(key: String, value: String)]? {
        guard name.starts(with: start) else { return nil }
        var rest = name[start.count...]
        if gaps.isEmpty { return rest.isEmpty ? [] : nil }
        var values: [(key: String, value: String)] = []
        for (index, gap) in gaps.enumerated() {
            let least = gap.key == nil ? 0 : 1
            let isLast = index == gaps.count - 1
            let place =
                isLast ? rest.endingPlace(of: gap.text) : rest.dropFirst(least).place(of: gap.text)
            guard let place, place - rest.startIndex >= least else { return nil }
            if let key = gap.key {
                let value = String(decoding: rest[..<place], as: UTF8.self)
                // A line break would make two values of one.
                guard !rest[..<place].contains(UInt8(ascii: "\n")),
                    gap.glob.map({ Glob.matches($0, value) }) ?? true
                else { return nil }
                values.append((key, value))
            }
            rest = rest[(place + gap.text.count)...]
        }
        return values
    }
}

extension ArraySlice<UInt8> {
    /// Where a text is found first.
    fileprivate func place(of text: [UInt8]) -> Index? {
        indices.first { self[$0...].starts(with: text) }
    }

    /// Where a text begins that this ends with.
    fileprivate func endingPlace(of text: [UInt8]) -> Index? {
        count >= text.count && suffix(text.count).elementsEqual(text) ? endIndex - text.count : nil
    }
}
