public import Base
public import Queries
public import SQLite

/// A file with all that a person has given it, by where it lies.
public struct TaggedFile: Equatable, Sendable {
    public let file: FileID
    public let tags: [Tag]
    /// Other attributes; the name with its `user.`.
    public let attributes: [(name: String, value: [UInt8])]

    public static func == (one: TaggedFile, other: TaggedFile) -> Bool {
        one.file == other.file && one.tags == other.tags
            && one.attributes.elementsEqual(other.attributes) {
                $0.name == $1.name && $0.value == $1.value
            }
    }
}

/// What is done to the tags of many files at once, within `read` or `write`.
extension Connection {
    /// Gives a key of a file another name, beside the values that the new one has there already.
    public func renameTag(_ key: String, to new: String, of file: FileID) throws(Errno) {
        for value in tagValues(key, of: file) {
            removeTag(Tag(key, value), of: file)
            try addTag(Tag(new, value), to: file)
        }
    }

    public func files(withTag key: String) -> [FileID] {
        var files: [FileID] = []
        each(
            """
            SELECT DISTINCT file FROM file_tag WHERE key = (SELECT id FROM tag_key WHERE name = ?)
            """,
            .text(key)
        ) {
            files.append($0.integer(0))
            return true
        }
        return files
    }

    /// A page of the files that have tags or other attributes, in the order of their numbers.
    public func taggedFiles(after file: FileID, limit: Int) -> [TaggedFile] {
        var files: [FileID] = []
        each(
            """
            SELECT f.id FROM file f WHERE f.id > ?1 AND f.backend > 0
              AND (EXISTS (SELECT 1 FROM file_tag t WHERE t.file = f.id)
                OR EXISTS (SELECT 1 FROM xattr x WHERE x.file = f.id))
            ORDER BY f.id LIMIT ?2
            """,
            .integer(file),
            .integer(Int64(limit))
        ) {
            files.append($0.integer(0))
            return true
        }
        return files.map { file in
            TaggedFile(file: file, tags: tags(of: file), attributes: plainAttributes(of: file))
        }
    }

    private func plainAttributes(of file: FileID) -> [(name: String, value: [UInt8])] {
        var attributes: [(name: String, value: [UInt8])] = []
        each("SELECT name, value FROM xattr WHERE file = ? ORDER BY name", .integer(file)) {
            attributes.append(($0.text(0), $0.blob(1)))
            return true
        }
        return attributes
    }

    /// How a query is gone about, for people.
    public func explanation(
        of query: String,
        at present: Present
    ) throws(MetadataError) -> (tree: String, sql: String, plan: [String], rows: Int64) {
        let prepared = try prepare(query, at: present)
        let selection = prepared.selection(catalogue)
        let plan = try plan(of: Filter(file: 0, query: query), at: present)
        return (prepared.tree, selection.sql(after: 0).text, plan, selection.cost)
    }
}
