/// A key and its values; a flag is a key with one empty value.
public struct Tag: Message {
    public var key: String
    public var values: [String]

    public init(key: String, values: [String]) {
        self.key = key
        self.values = values
    }
}

/// Answer of `GET` and `POST /v1/tags`: all tags of one file.
public struct FileTags: Message {
    public var path: String
    public var tags: [Tag]

    public init(path: String, tags: [Tag]) {
        self.path = path
        self.tags = tags
    }
}

/// Body of `POST /v1/tags`: what to change, all at once or not at all.
///
/// `remove` is done first, then `set`, then `add`.
public struct TagChange: Message {
    public var path: String
    /// Keys whose values become exactly these.
    public var set: [Tag]
    /// Values that come on top of what there is.
    public var add: [Tag]
    /// Values to remove; a key without values is removed whole.
    public var remove: [Tag]

    public init(path: String, set: [Tag] = [], add: [Tag] = [], remove: [Tag] = []) {
        self.path = path
        self.set = set
        self.add = add
        self.remove = remove
    }

    /// Of the three lists, those that are empty may be left out.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        path = try container.decode(String.self, forKey: .path)
        set = try container.decodeIfPresent([Tag].self, forKey: .set) ?? []
        add = try container.decodeIfPresent([Tag].self, forKey: .add) ?? []
        remove = try container.decodeIfPresent([Tag].self, forKey: .remove) ?? []
    }
}

/// Answer of `GET /v1/search`: files that match a query.
public struct Matches: Message {
    public var files: [Match]
    /// What the query may have meant otherwise, such as a tag that no file has.
    public var warnings: [String]
    /// Goes into `after` for the next page; absent on the last.
    public var next: String?

    public init(files: [Match], warnings: [String] = [], next: String? = nil) {
        self.files = files
        self.warnings = warnings
        self.next = next
    }
}

/// One file that matches.
public struct Match: Message {
    /// Where it lies, below `/backends`.
    public var path: String
    public var sizeBytes: Int64
    public var modified: Moment

    public init(path: String, sizeBytes: Int64, modified: Moment) {
        self.path = path
        self.sizeBytes = sizeBytes
        self.modified = modified
    }
}
