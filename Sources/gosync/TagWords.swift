import Base
import Wire

/// Tags as they are typed: `colour=red`, or `urgent` for a flag.
enum TagWords {
    /// One tag per key, with its values in the order typed, each once.
    ///
    /// A key typed alone gets the values `flag`.
    static func tags(_ words: ArraySlice<String>, flag: [String]) throws(Failure) -> [Tag] {
        var tags: [Tag] = []
        for word in words {
            let parts = word.unicodeScalars.split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            let key = String(parts[0])
            guard !key.isEmpty else {
                throw Failure(.usage, "the tag '\(word)' has no key before =")
            }
            let values = parts.count == 2 ? [String(parts[1])] : flag
            // Two spellings of one letter are two keys, and two values.
            guard let index = tags.firstIndex(where: { Name($0.key) == Name(key) }) else {
                tags.append(Tag(key: key, values: values))
                continue
            }
            // To remove a key whole and some of its values is to remove it whole.
            if values.isEmpty || tags[index].values.isEmpty {
                tags[index].values = []
            } else if !tags[index].values.contains(where: { Name($0) == Name(values[0]) }) {
                tags[index].values += values
            }
        }
        return tags
    }

    /// As they would be typed, one word per value.
    static func words(_ tags: [Tag]) -> [String] {
        tags.flatMap { tag in tag.values.map { $0.isEmpty ? tag.key : "\(tag.key)=\($0)" } }
    }
}
