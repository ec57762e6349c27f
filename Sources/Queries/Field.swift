extension Field {
    /// Which literals a field is compared with.
    enum Kind {
        /// Text, numbers and dates: the literal decides.
        case any
        case text
        /// One of the names in `FileKind`.
        case type
        case number
        case size
        case time
        case age
    }

    var kind: Kind {
        switch self {
        case .tag, .attribute: .any
        case .name, .stem, .ext, .path, .dir, .backend, .mime: .text
        case .type: .type
        case .tagCount: .number
        case .size: .size
        case .modified: .time
        case .age: .age
        }
    }

    /// Whether there are files without it, so that asking for its existence makes sense.
    var mayBeMissing: Bool {
        switch self {
        case .tag, .attribute, .ext, .mime: true
        default: false
        }
    }

    /// The fields that are one word, by each of their names.
    static let named: [String: Field] = [
        "name": .name, "stem": .stem, "ext": .ext, "path": .path, "dir": .dir,
        "backend": .backend, "size": .size, "mtime": .modified, "modified_time": .modified,
        "age": .age, "type": .type, "mime": .mime, "mime_type": .mime, "tagcount": .tagCount,
    ]

    /// The field as it is printed.
    var text: String {
        switch self {
        case .tag(let key): "tag:" + Self.quotedIfNeeded(key)
        case .attribute(let name): "xattr:" + Self.quotedIfNeeded(name)
        case .name: "name"
        case .stem: "stem"
        case .ext: "ext"
        case .path: "path"
        case .dir: "dir"
        case .backend: "backend"
        case .size: "size"
        case .modified: "mtime"
        case .age: "age"
        case .type: "type"
        case .mime: "mime"
        case .tagCount: "tagcount"
        }
    }

    private static func quotedIfNeeded(_ name: String) -> String {
        var scanner = Scanner(name)
        _ = scanner.key()
        return scanner.isAtEnd && !name.isEmpty ? name : Printer.quoted(name)
    }

    /// A predicate on the field, to show how it is done.
    var example: String {
        switch self {
        case .tag(let key): "tag:\(key)=red"
        case .attribute: "xattr:comment contains 'draft'"
        case .name: "name:IMG_*"
        case .stem: "stem=README"
        case .ext: "ext=jpg"
        case .path: "path:/pictures/*"
        case .dir: "dir=/pictures"
        case .backend: "backend:local"
        case .size: "size>1M"
        case .modified: "mtime>now-7d"
        case .age: "age<7d"
        case .type: "type=image"
        case .mime: "mime:image/*"
        case .tagCount: "tagcount>2"
        }
    }
}
