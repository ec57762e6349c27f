/// A question about files, as a tree.
///
/// Two-valued: a predicate about something a file doesn't have is false, and `not` is its exact
/// complement. A file matches by a tag if any of its values does, and by name or path if any of its
/// names does.
public indirect enum Query: Equatable, Sendable {
    /// `*`: every file.
    case everything
    /// `untagged`: files without any tag.
    case untagged
    /// `filter:PATH`: what another filter selects.
    case filter(String)
    case predicate(Field, Test)
    case not(Query)
    case all([Query])
    case any([Query])
}

/// What a predicate looks at.
public enum Field: Hashable, Sendable {
    /// `tag:KEY`.
    case tag(String)
    /// `xattr:NAME`, of attributes that are no tags; the name with its `user.`.
    case attribute(String)
    /// `name`: the last component of the path.
    case name
    /// `stem`: the name without the last dot and what follows.
    case stem
    /// `ext`: what follows the last dot of the name, in lower case.
    case ext
    /// `path`: a slash and the path inside the backend.
    case path
    /// `dir`: the path of the directory the file is in; `/` at the top of the backend.
    case dir
    /// `backend`: the backend's id in the configuration.
    case backend
    /// `size`: in bytes.
    case size
    /// `mtime`, `modified_time`: when the content last changed.
    case modified
    /// `age`: how long ago that was.
    case age
    /// `type`: `file` or `symlink`, and the class of the content: `image`, `video`, ….
    case type
    /// `mime`, `mime_type`: the media type, known by the extension.
    case mime
    /// `tagcount`: how many tags a file has; two values of one key are two tags.
    case tagCount
}

/// What a predicate asks of a field.
public enum Test: Equatable, Sendable {
    case exists
    /// By exact bytes, by number or by time, as the literal says.
    case compare(Comparison, Literal)
    /// Both ends included.
    case between(Literal, Literal)
    case oneOf([Literal])
    /// The whole text, upper and lower case alike.
    case folded(String)
    /// A pattern with `*`, `?` and `[…]` for the whole text, upper and lower case alike.
    case glob(String)
    /// A pattern with `%` and `_` for the whole text, upper and lower case alike.
    case like(String)
    case contains(String)
    case startsWith(String)
    case endsWith(String)
    /// Anywhere below a directory, by exact bytes.
    case under(String)
}

/// `!=` is not one of them: it is `not` of `equal`.
public enum Comparison: String, CaseIterable, Sendable {
    case equal = "="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
}

/// A value in a query; its kind decides how a field is compared with it.
public enum Literal: Equatable, Sendable {
    case number(Double)
    case text(String)
    case time(Moment)
    case duration(Duration)
}

extension Query {
    /// The longest query, in bytes.
    public static let longestBytes = 4096
    /// How deep parentheses and NOT may nest.
    public static let deepest = 64
    /// How many predicates a query may have; each value of an IN list counts.
    public static let mostPredicates = 256
}
