/// Text compared byte by byte, as the kernel, SQLite and S3 do.
///
/// To `String`, the two spellings of "é" are equal; as file names or object keys they are two.
public protocol ExactText: Hashable, Comparable, Sendable, CustomStringConvertible,
    ExpressibleByStringLiteral
{
    var text: String { get }
    init(_ text: String)
}

extension ExactText {
    public init(stringLiteral text: String) { self.init(text) }

    public var description: String { text }

    @inlinable public static func == (one: Self, other: Self) -> Bool {
        one.text.utf8.elementsEqual(other.text.utf8)
    }

    /// Byte order, which is the order in which S3 lists keys.
    @inlinable public static func < (one: Self, other: Self) -> Bool {
        one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
    }

    @inlinable public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// One component of a path.
public struct Name: ExactText {
    public let text: String

    public init(_ text: String) { self.text = text }

    /// Refuses bytes that are not UTF-8, which S3 could not store.
    public init?(validating bytes: UnsafePointer<CChar>) {
        guard let text = unsafe String(validatingCString: bytes) else { return nil }
        self.text = text
    }

    /// The longest name Linux allows, in bytes (`NAME_MAX`).
    public static let longestBytes = 255
}

/// The key of an object in a store, relative to the store's prefix.
public struct Key: ExactText {
    public let text: String

    public init(_ text: String) { self.text = text }

    /// The longest key S3 allows, in bytes.
    public static let longestBytes = 1024

    /// The keys that would be files where this one needs directories: `a` and `a/b` of `a/b/c`, and
    /// `a` of `a/`.
    public var ancestors: [Key] {
        text.utf8.indices.filter { text.utf8[$0] == UInt8(ascii: "/") && $0 != text.startIndex }
            .map { Key(String(text[..<$0])) }
    }
}
