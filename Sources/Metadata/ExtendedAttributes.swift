public import Base
public import SQLite

/// The names and limits of extended attributes, and how tags look as such.
public enum ExtendedAttribute {
    /// Whether a write may make an attribute, replace one, or both: `setxattr`'s flags.
    public enum Mode: Sendable {
        case createOrReplace, create, replace
    }

    public static let tagPrefix = "user.tag."
    /// The flags of a file, comma-separated, as KDE and others write them.
    public static let flagList = "user.xdg.tags"
    /// Answered by the volume, never stored.
    public static let virtualPrefix = "user.gosync."

    /// The longest value, and the longest list of names, that Linux allows.
    public static let longestValueBytes = 65_536
    static let longestListBytes = 65_536
    static let longestNameBytes = 255

    /// Stands between the values of a tag.
    static let separator = UInt8(ascii: "\n")

    /// What a name speaks of.
    enum Subject: Equatable {
        case tag(String)
        case flags
        case plain(String)

        /// - Throws: `EOPNOTSUPP` for names outside `user.`, quietly ignored by `ls`, `cp -a` and `rsync -X`;
        ///   `EINVAL` for a name without an end, `ERANGE` for one over 255 bytes, `EPERM` for virtual ones.
        init(_ name: String) throws(Errno) {
            let utf8 = name.utf8
            guard utf8.starts(with: "user.".utf8) else { throw .notSupported }
            guard utf8.count <= longestNameBytes else { throw .range }
            guard utf8.count > 5, !utf8.contains(0) else { throw .invalid }
            if utf8.elementsEqual(flagList.utf8) {
                self = .flags
            } else if utf8.starts(with: tagPrefix.utf8) {
                guard utf8.count > tagPrefix.utf8.count else { throw .invalid }
                self = .tag(String(decoding: utf8.dropFirst(tagPrefix.utf8.count), as: UTF8.self))
            } else if utf8.starts(with: virtualPrefix.utf8) {
                throw .notPermitted
            } else {
                self = .plain(name)
            }
        }
    }
}

/// Extended attributes of files under the names the kernel sends, within `read` or `write`.
///
/// `user.tag.KEY` and `user.xdg.tags` read and write tags; every other `user.*` is stored as it is.
/// A method that throws has changed nothing.
extension Connection {
    /// The value of an attribute.
    ///
    /// - Throws: `ENODATA` where there is none, `EOPNOTSUPP` for names outside `user.`.
    public func extendedAttribute(_ name: String, of file: FileID) throws(Errno) -> [UInt8] {
        guard !name.utf8.starts(with: ExtendedAttribute.virtualPrefix.utf8) else { throw .noData }
        guard let value = value(of: try ExtendedAttribute.Subject(name), file) else {
            throw .noData
        }
        return value
    }

    /// The names of all attributes: tags, then the list of flags if there are any, then the others.
    public func extendedAttributes(of file: FileID) -> [String] {
        var names: [String] = []
        let tagged: StaticString = """
            SELECT k.name FROM file_tag t JOIN tag_key k ON k.id = t.key
            WHERE t.file = ? GROUP BY k.name ORDER BY k.name
            """
        each(tagged, .integer(file)) { row in
            names.append(ExtendedAttribute.tagPrefix + row.text(0))
            return true
        }
        if !listedFlags(of: file).isEmpty { names.append(ExtendedAttribute.flagList) }
        each("SELECT name FROM xattr WHERE file = ? ORDER BY name", .integer(file)) { row in
            names.append(row.text(0))
            return true
        }
        return names
    }

    /// Writes an attribute.
    ///
    /// - Throws: `EEXIST` or `ENODATA` as `mode` demands, `E2BIG` for a value over 64 KiB or with over 1,000
    ///   lines in a tag, `ERANGE` for a name over 255 bytes, `EILSEQ` for a tag that is no UTF-8, `EINVAL`
    ///   for a NUL in a tag, `EPERM` for `user.gosync.*`, `EOPNOTSUPP` outside `user.`, `ENOSPC` when the
    ///   names of all attributes would pass 64 KiB.
    public func setExtendedAttribute(
        _ name: String,
        of file: FileID,
        to value: [UInt8],
        mode: ExtendedAttribute.Mode = .createOrReplace
    ) throws(Errno) {
        let subject = try ExtendedAttribute.Subject(name)
        guard value.count <= ExtendedAttribute.longestValueBytes else { throw .argumentTooBig }
        let exists = self.value(of: subject, file) != nil
        if mode == .create, exists { throw .exists }
        if mode == .replace, !exists { throw .noData }
        switch subject {
        case .tag(let key): try setTag(key, to: try lines(value), of: file)
        case .flags: try setFlags(try listItems(value), of: file)
        case .plain(let name):
            if !exists { try checkAttributeList(adding: name, to: file) }
            run(
                "INSERT OR REPLACE INTO xattr(file, name, value) VALUES (?, ?, ?)",
                .integer(file),
                .text(name),
                .blob(value)
            )
        }
    }

    /// Removes an attribute; of a tag with all values, of the list of flags every flag.
    ///
    /// - Throws: `ENODATA` where there is none, `EPERM` for `user.gosync.*`, `EOPNOTSUPP` outside `user.`.
    public func removeExtendedAttribute(_ name: String, of file: FileID) throws(Errno) {
        let subject = try ExtendedAttribute.Subject(name)
        guard value(of: subject, file) != nil else { throw .noData }
        switch subject {
        case .tag(let key): removeTag(key: key, of: file)
        case .flags: try setFlags([], of: file)
        case .plain(let name):
            run("DELETE FROM xattr WHERE file = ? AND name = ?", .integer(file), .text(name))
        }
    }

    /// Refuses a new attribute whose name would make `listxattr` fail for all of them.
    func checkAttributeList(adding name: String, to file: FileID) throws(Errno) {
        let present = extendedAttributes(of: file).reduce(0) { $0 + $1.utf8.count + 1 }
        // The list of flags may come to be with the name, so it always counts.
        let whole = present + name.utf8.count + 1 + ExtendedAttribute.flagList.utf8.count + 1
        guard whole <= ExtendedAttribute.longestListBytes else { throw .noSpace }
    }

    private func value(of subject: ExtendedAttribute.Subject, _ file: FileID) -> [UInt8]? {
        switch subject {
        case .tag(let key):
            let values = tagValues(key, of: file)
            guard !values.isEmpty else { return nil }
            return Array(values.map(\.utf8).joined(separator: [ExtendedAttribute.separator]))
        case .flags:
            let flags = listedFlags(of: file)
            return flags.isEmpty ? nil : Array(flags.joined(separator: ",").utf8)
        case .plain(let name):
            let sql: StaticString = "SELECT value FROM xattr WHERE file = ? AND name = ?"
            return first(sql, .integer(file), .text(name)) { $0.blob(0) }
        }
    }

    /// The keys with an empty value, but for those with a comma, which the list could not give back.
    private func listedFlags(of file: FileID) -> [String] {
        var flags: [String] = []
        each(
            """
            SELECT k.name FROM file_tag t
            JOIN tag_key k ON k.id = t.key JOIN tag_value v ON v.id = t.value
            WHERE t.file = ? AND v.raw = '' AND instr(k.name, ',') = 0 ORDER BY k.name
            """,
            .integer(file)
        ) { row in
            flags.append(row.text(0))
            return true
        }
        return flags
    }

    /// Checks every new flag before it sets the first.
    private func setFlags(_ wanted: [String], of file: FileID) throws(Errno) {
        let wanted = Set(wanted.map { Name($0) })
        let present = Set(listedFlags(of: file).map { Name($0) })
        let new = wanted.subtracting(present).sorted()
        for key in new { try checkAdding(Tag(key.text), to: file) }
        let names = new.map { ExtendedAttribute.tagPrefix + $0.text }.joined(separator: "\0")
        try checkAttributeList(adding: names, to: file)
        for key in present.subtracting(wanted).sorted() { removeTag(Tag(key.text), of: file) }
        for key in new { try addTag(Tag(key.text), to: file) }
    }
}

/// The lines of a tag's value.
///
/// A newline at the very end is an editor's or `echo`'s, and no value.
private func lines(_ value: [UInt8]) throws(Errno) -> [String] {
    var bytes = value[...]
    if bytes.last == ExtendedAttribute.separator { bytes.removeLast() }
    var lines: [String] = []
    for line in bytes.split(
        separator: ExtendedAttribute.separator,
        omittingEmptySubsequences: false
    ) {
        lines.append(try text(line))
    }
    return lines
}

/// The items of a comma-separated list, without blanks around them and without empty ones.
private func listItems(_ value: [UInt8]) throws(Errno) -> [String] {
    var items: [String] = []
    for item in value.split(separator: UInt8(ascii: ",")) {
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte >= 0x09 && byte <= 0x0d }
        let front = item.drop(while: isBlank)
        let end = front.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? front.startIndex
        let trimmed = front[front.startIndex..<end]
        if !trimmed.isEmpty { items.append(try text(trimmed)) }
    }
    return items
}

private func text(_ bytes: ArraySlice<UInt8>) throws(Errno) -> String {
    guard !bytes.contains(0) else { throw .invalid }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .illegalBytes }
    return text
}
