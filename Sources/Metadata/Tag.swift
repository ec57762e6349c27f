/// A key and one of its values; an empty value is a flag.
public struct Tag: Hashable, Sendable {
    public let key: String
    public let value: String

    public init(_ key: String, _ value: String = "") {
        self.key = key
        self.value = value
    }

    /// The longest key in bytes: with `user.tag.` before it, it fills an attribute's name.
    public static let longestKeyBytes = 255 - ExtendedAttribute.tagPrefix.utf8.count
    /// How many values a file may have under one key.
    public static let mostValues = 1000

    // Bytes count, as in SQLite: two spellings of "é" are two keys, though one `String`.
    public static func == (one: Tag, other: Tag) -> Bool {
        one.key.utf8.elementsEqual(other.key.utf8)
            && one.value.utf8.elementsEqual(other.value.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        for byte in key.utf8 { hasher.combine(byte) }
        for byte in value.utf8 { hasher.combine(byte) }
    }
}

/// A key, or a value of some key, and how many files have it.
public struct TagCount: Equatable, Sendable {
    public let text: String
    public let files: Int

    public init(text: String, files: Int) {
        self.text = text
        self.files = files
    }
}
