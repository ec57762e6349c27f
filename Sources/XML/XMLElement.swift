/// An element of a document: its name without namespace, its own text, its children in order.
///
/// Attributes are left out; the documents read here say nothing in them.
public struct XMLElement: Equatable, Sendable {
    public var name: String
    public var text: String
    public var children: [XMLElement]

    public init(_ name: String, text: String = "", children: [XMLElement] = []) {
        self.name = name
        self.text = text
        self.children = children
    }

    /// The first child of a name.
    public func first(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The text of the first child of a name.
    public func text(of name: String) -> String? { first(name)?.text }

    public func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}

/// Why bytes are not a document this reader takes.
public enum XMLError: Error, Equatable, Sendable {
    /// Not well-formed; the text is expat's reason, with its line.
    case malformed(String)
    /// Larger, deeper or richer than `XMLLimits` allow.
    case tooLarge
    /// It brings a document type, which nothing here needs and which can define entities.
    case documentType
}

/// What a document may grow to, since a stranger wrote it.
public struct XMLLimits: Equatable, Sendable {
    public var bytes: Int
    public var depth: Int
    public var elements: Int

    public init(bytes: Int = 16 << 20, depth: Int = 32, elements: Int = 200_000) {
        self.bytes = bytes
        self.depth = depth
        self.elements = elements
    }
}

/// The text with everything escaped that has a meaning in XML, or `nil` if XML 1.0 cannot write it.
///
/// Tabs and line ends are escaped too: a reader would otherwise change them.
public func escapedXML(_ text: String) -> String? {
    var output = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": output += "&amp;"
        case "<": output += "&lt;"
        case ">": output += "&gt;"
        case "\"": output += "&quot;"
        case "'": output += "&apos;"
        case "\t", "\n", "\r": output += "&#\(scalar.value);"
        case "\u{0}"..<" ", "\u{fffe}", "\u{ffff}": return nil
        default: output.unicodeScalars.append(scalar)
        }
    }
    return output
}
