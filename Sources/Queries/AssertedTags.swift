extension FilterQuery {
    /// The tags that make a file a member by themselves: of an AND of `tag:k=v` and flags, each key with
    /// its value, which is empty for a flag; `nil` for any other query.
    public var assertedTags: [(key: String, value: String)]? {
        guard order == nil else { return nil }
        return Self.assertedTags(query)
    }

    private static func assertedTags(_ query: Query) -> [(key: String, value: String)]? {
        switch query {
        case .predicate(.tag(let key), .exists): return [(key, "")]
        case .predicate(.tag(let key), .compare(.equal, .text(let value))): return [(key, value)]
        case .predicate(.tag(let key), .compare(.equal, .number(let number))):
            return [(key, Int64(exactly: number).map(String.init) ?? "\(number)")]
        case .all(let queries):
            var tags: [(key: String, value: String)] = []
            for query in queries {
                guard let part = assertedTags(query) else { return nil }
                tags += part
            }
            return tags
        default: return nil
        }
    }
}
