import Base

/// A file in INI form: sections of `key = value` lines, not yet understood.
///
/// `#` starts a comment at the beginning of a line or after white space. A value that holds ` #`, or
/// spaces at an end, stands in quotes, `'…'` or `"…"`, in which a backslash precedes the same quote
/// or a backslash. Quotes inside a value, as in a query, stay, and keep a `#` within them too.
struct Document {
    struct Section {
        /// The first word between the brackets.
        let kind: String
        /// The rest, such as the name of a backend.
        let name: String
        let line: Int
        var entries: [Entry] = []

        var title: String { name.isEmpty ? "[\(kind)]" : "[\(kind) \(name)]" }
    }

    struct Entry {
        let key: String
        /// Without comment and outer quotes; variables are not yet filled in.
        let text: String
        let line: Int
    }

    /// Far more than anyone writes, and small enough to hold and to show in an error.
    static let longestLineBytes = 64 * 1024

    let path: String
    private(set) var sections: [Section] = []

    init(_ bytes: [UInt8], path: String) throws(SettingsError) {
        self.path = path
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        let body = bytes.starts(with: mark) ? bytes[mark.count...] : bytes[...]
        var number = 0
        for line in body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            try read(line, number)
        }
    }

    func error(_ line: Int, _ message: String) -> SettingsError {
        SettingsError(path: path, line: line, message: message)
    }

    private mutating func read(_ bytes: ArraySlice<UInt8>, _ number: Int) throws(SettingsError) {
        guard bytes.count <= Self.longestLineBytes else {
            throw error(number, "the line is longer than \(Self.longestLineBytes) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw error(number, "the line is not text in UTF-8")
        }
        let line = ValueText.trim(text.unicodeScalars[...])
        guard let first = line.first, first != "#" else { return }
        if first == "[" {
            try open(ValueText.withoutComment(line), number)
        } else {
            try add(line, number)
        }
    }

    private mutating func open(_ line: ValueText.Scalars, _ number: Int) throws(SettingsError) {
        guard line.count >= 2, line.last == "]" else {
            throw error(number, "a section is written [name], on a line of its own")
        }
        let inner = ValueText.trim(line.dropFirst().dropLast())
        let kind = inner.prefix { !ValueText.isSpace($0) }
        guard !kind.isEmpty else { throw error(number, "the section has no name") }
        let rest = ValueText.trim(inner.dropFirst(kind.count))
        guard let name = ValueText.unquoted(rest) else { throw unclosed(number) }
        let section = Section(kind: String(kind), name: name, line: number)
        if let other = sections.first(where: {
            $0.kind == section.kind && Name($0.name) == Name(name)
        }) {
            throw error(number, "\(section.title) is already in line \(other.line)")
        }
        sections.append(section)
    }

    private mutating func add(_ line: ValueText.Scalars, _ number: Int) throws(SettingsError) {
        guard let equals = line.firstIndex(of: "=") else {
            throw error(number, "expected 'key = value', a [section] or a # comment")
        }
        let key = String(ValueText.trim(line[..<equals]))
        guard !key.isEmpty else { throw error(number, "there is no key before '='") }
        guard let section = sections.indices.last else {
            throw error(number, "'\(key)' stands before the first [section]")
        }
        let value = ValueText.withoutComment(ValueText.trim(line[line.index(after: equals)...]))
        guard let text = ValueText.unquoted(value) else { throw unclosed(number) }
        if let other = sections[section].entries.first(where: { $0.key == key }) {
            let title = sections[section].title
            throw error(number, "'\(key)' is already set in line \(other.line), in \(title)")
        }
        sections[section].entries.append(Entry(key: key, text: text, line: number))
    }

    private func unclosed(_ line: Int) -> SettingsError {
        error(line, "the quote at the start of the value is not closed")
    }
}
