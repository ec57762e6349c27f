import Base

/// Which keys a listing has shown, or shown to be missing, and when it asked for them: a plain value.
struct Coverage {
    /// The keys behind `lower` and up to `upper`; `nil` is the end of the listing on that side.
    struct Part: Equatable {
        var lower: Key?
        var upper: Key?
        var asked: Timestamp
    }

    /// In order of the keys, none over another.
    private var parts: [Part] = []

    mutating func add(_ part: Part) {
        if part.lower == nil, part.upper == nil { parts = [] }
        parts.insert(part, at: part.lower.map { count(startingBefore: $0) } ?? 0)
    }

    /// How many parts begin before a key; those are the first ones.
    private func count(startingBefore key: Key) -> Int {
        var bounds = 0..<parts.count
        while !bounds.isEmpty {
            let middle = bounds.lowerBound + bounds.count / 2
            let isBefore = parts[middle].lower.map { $0 < key } ?? true
            bounds = isBefore ? middle + 1..<bounds.upperBound : bounds.lowerBound..<middle
        }
        return bounds.lowerBound
    }

    /// Up to where there is no gap behind `lower`; `nil` while nothing is known there, or all is.
    func reach(from lower: Key?) -> Key? {
        guard let first = parts.first, first.lower == lower, var upper = first.upper else {
            return nil
        }
        for part in parts.dropFirst() {
            guard part.lower == upper, let next = part.upper else { break }
            upper = next
        }
        return upper
    }

    /// When the oldest answer about the keys from `first` until before `end` was asked for; `nil` while
    /// one is missing.
    func asked(from first: Key, until end: Key?) -> Timestamp? {
        // The end of the listing on the left is before the empty key, too.
        var index = max(count(startingBefore: first), parts.first?.lower == nil ? 1 : 0) - 1
        guard parts.indices.contains(index) else { return nil }
        var asked = parts[index].asked
        while let upper = parts[index].upper, end.map({ upper < $0 }) ?? true {
            index += 1
            guard index < parts.count, parts[index].lower == upper else { return nil }
            asked = min(asked, parts[index].asked)
        }
        return asked
    }
}

extension Key {
    /// The first key that does not lie below this prefix, which ends in `/`; `nil` if all do.
    var afterAllBelow: Key? {
        text.isEmpty ? nil : Key(String(decoding: text.utf8.dropLast(), as: UTF8.self) + "0")
    }
}
