public import Base
import Queries
public import SQLite

/// Tags of files, within `Database.read` or `Database.write`.
///
/// A tag is a key with one or more values. Counts are kept exact with every change, because the
/// query compiler chooses by them. A method that throws an `Errno` has changed nothing.
extension Connection {
    /// All tags of a file, by key and value in byte order.
    public func tags(of file: FileID) -> [Tag] {
        var tags: [Tag] = []
        each(
            """
            SELECT k.name, v.raw FROM file_tag t
            JOIN tag_key k ON k.id = t.key JOIN tag_value v ON v.id = t.value
            WHERE t.file = ? ORDER BY k.name, v.raw
            """,
            .integer(file)
        ) { row in
            tags.append(Tag(row.text(0), row.text(1)))
            return true
        }
        return tags
    }

    /// The values a file has under a key, in byte order; empty where it doesn't have the key.
    public func tagValues(_ key: String, of file: FileID) -> [String] {
        var values: [String] = []
        each(
            """
            SELECT v.raw FROM file_tag t JOIN tag_value v ON v.id = t.value
            WHERE t.file = ? AND t.key = (SELECT id FROM tag_key WHERE name = ?) ORDER BY v.raw
            """,
            .integer(file),
            .text(key)
        ) { row in
            values.append(row.text(0))
            return true
        }
        return values
    }

    /// Gives a file exactly these values under a key; none removes the key.
    ///
    /// - Throws: `EINVAL` for a key or value that no attribute can carry (empty key, a newline or NUL in
    ///   a value), `ERANGE` for a key over `Tag.longestKeyBytes`, `E2BIG` for more than `Tag.mostValues`
    ///   values or over 64 KiB of them, `ENOSPC` when the names of all attributes would pass 64 KiB.
    public func setTag(_ key: String, to values: [String], of file: FileID) throws(Errno) {
        let wanted = Set(values.map { Name($0) })
        let present = Set(tagValues(key, of: file).map { Name($0) })
        try checkTag(key, values: wanted, isNew: present.isEmpty, of: file)
        for value in present.subtracting(wanted).sorted() {
            remove(value.text, key: key, of: file)
        }
        for value in wanted.subtracting(present).sorted() {
            insert(value.text, key: key, of: file)
        }
    }

    /// Adds one value under a key, beside those that are there.
    ///
    /// - Throws: as `setTag`.
    public func addTag(_ tag: Tag, to file: FileID) throws(Errno) {
        if try checkAdding(tag, to: file) { insert(tag.value, key: tag.key, of: file) }
    }

    /// Throws what `addTag` would, and returns whether there is anything to add.
    @discardableResult
    func checkAdding(_ tag: Tag, to file: FileID) throws(Errno) -> Bool {
        let present = Set(tagValues(tag.key, of: file).map { Name($0) })
        let wanted = present.union([Name(tag.value)])
        try checkTag(tag.key, values: wanted, isNew: present.isEmpty, of: file)
        return wanted.count > present.count
    }

    /// Removes one value of a key, and returns whether the file had it.
    @discardableResult
    public func removeTag(_ tag: Tag, of file: FileID) -> Bool {
        remove(tag.value, key: tag.key, of: file)
    }

    /// Removes a key with all of its values, and returns whether the file had it.
    @discardableResult
    public func removeTag(key: String, of file: FileID) -> Bool {
        let values = tagValues(key, of: file)
        for value in values { remove(value, key: key, of: file) }
        return !values.isEmpty
    }

    /// Removes every tag and every other attribute, as before the file's own row is deleted.
    public func removeAllTags(of file: FileID) {
        for tag in tags(of: file) { remove(tag.value, key: tag.key, of: file) }
        run("DELETE FROM xattr WHERE file = ?", .integer(file))
    }

    public func hasTagsOrAttributes(_ file: FileID) -> Bool {
        first(
            """
            SELECT 1 WHERE EXISTS(SELECT 1 FROM file_tag WHERE file = ?1)
            OR EXISTS(SELECT 1 FROM xattr WHERE file = ?1)
            """,
            .integer(file)
        ) { _ in true } ?? false
    }

    /// Gives `target` the tags and attributes of `source`, unless it has any of its own.
    ///
    /// For a file that another takes the place of: replaced by rename, or by a new version in the store.
    public func carryTags(from source: FileID, to target: FileID) {
        guard source != target, !hasTagsOrAttributes(target) else { return }
        for tag in tags(of: source) { insert(tag.value, key: tag.key, of: target) }
        run(
            "INSERT INTO xattr SELECT ?, name, value FROM xattr WHERE file = ?",
            .integer(target),
            .integer(source)
        )
    }

    /// Every key in use, in byte order, with how many files have it.
    public func tagKeys() -> [TagCount] {
        var keys: [TagCount] = []
        each("SELECT name, n FROM tag_key ORDER BY name") { row in
            keys.append(TagCount(text: row.text(0), files: Int(row.integer(1))))
            return true
        }
        return keys
    }

    /// Every value in use under a key, the most frequent first.
    public func tagValues(_ key: String) -> [TagCount] {
        var values: [TagCount] = []
        each(
            """
            SELECT raw, n FROM tag_value WHERE key = (SELECT id FROM tag_key WHERE name = ?)
            ORDER BY n DESC, raw
            """,
            .text(key)
        ) { row in
            values.append(TagCount(text: row.text(0), files: Int(row.integer(1))))
            return true
        }
        return values
    }

    private func checkTag(
        _ key: String,
        values: Set<Name>,
        isNew: Bool,
        of file: FileID
    ) throws(Errno) {
        guard !key.isEmpty, !key.utf8.contains(0) else { throw .invalid }
        guard key.utf8.count <= Tag.longestKeyBytes else { throw .range }
        guard values.count <= Tag.mostValues else { throw .argumentTooBig }
        var bytes = values.count - 1
        for value in values {
            let utf8 = value.text.utf8
            guard !utf8.contains(0), !utf8.contains(ExtendedAttribute.separator) else {
                throw .invalid
            }
            bytes += utf8.count
        }
        guard bytes <= ExtendedAttribute.longestValueBytes else { throw .argumentTooBig }
        if isNew, !values.isEmpty {
            try checkAttributeList(adding: ExtendedAttribute.tagPrefix + key, to: file)
        }
    }
}

/// The rows beneath: each keeps the counts of keys and values exact.
extension Connection {
    private func insert(_ value: String, key: String, of file: FileID) {
        let keyID = tagKeyID(key)
        let reading = ValueReading(value)
        let valueID = tagValueID(value, reading, key: keyID)
        let hadKey = hasTag(keyID, file)
        run(
            "INSERT INTO file_tag(file, key, value, num) VALUES (?, ?, ?, ?)",
            .integer(file),
            .integer(keyID),
            .integer(valueID),
            .optional(reading.number)
        )
        run("UPDATE tag_value SET n = n + 1 WHERE id = ?", .integer(valueID))
        if !hadKey { run("UPDATE tag_key SET n = n + 1 WHERE id = ?", .integer(keyID)) }
    }

    @discardableResult
    private func remove(_ value: String, key: String, of file: FileID) -> Bool {
        let found = first(
            """
            SELECT k.id, v.id FROM tag_key k JOIN tag_value v ON v.key = k.id AND v.raw = ?
            WHERE k.name = ?
            """,
            .text(value),
            .text(key)
        ) { ($0.integer(0), $0.integer(1)) }
        guard let (keyID, valueID) = found else { return false }
        run(
            "DELETE FROM file_tag WHERE file = ? AND key = ? AND value = ?",
            .integer(file),
            .integer(keyID),
            .integer(valueID)
        )
        guard changedRows > 0 else { return false }
        run("UPDATE tag_value SET n = n - 1 WHERE id = ?", .integer(valueID))
        run("DELETE FROM tag_value WHERE id = ? AND n <= 0", .integer(valueID))
        if !hasTag(keyID, file) {
            run("UPDATE tag_key SET n = n - 1 WHERE id = ?", .integer(keyID))
            run("DELETE FROM tag_key WHERE id = ? AND n <= 0", .integer(keyID))
        }
        return true
    }

    private func hasTag(_ key: Int64, _ file: FileID) -> Bool {
        let sql: StaticString = "SELECT 1 FROM file_tag WHERE file = ? AND key = ?"
        return first(sql, .integer(file), .integer(key)) { _ in true } ?? false
    }

    private func tagKeyID(_ key: String) -> Int64 {
        let sql: StaticString = "SELECT id FROM tag_key WHERE name = ?"
        if let known = first(sql, .text(key), body: leadingInteger) { return known }
        run("INSERT INTO tag_key(name) VALUES (?)", .text(key))
        return lastInsertedRow
    }

    private func tagValueID(_ value: String, _ reading: ValueReading, key: Int64) -> Int64 {
        let sql: StaticString = "SELECT id FROM tag_value WHERE key = ? AND raw = ?"
        if let known = first(sql, .integer(key), .text(value), body: leadingInteger) {
            return known
        }
        run(
            "INSERT INTO tag_value(key, raw, folded, num, time) VALUES (?, ?, ?, ?, ?)",
            .integer(key),
            .text(value),
            .text(reading.folded),
            .optional(reading.number),
            .optional(reading.time)
        )
        return lastInsertedRow
    }
}

private func leadingInteger(_ row: borrowing Row) -> Int64 { row.integer(0) }

extension Value {
    static func optional(_ real: Double?) -> Value { real.map(Value.real) ?? .null }
}
