import Base
import Metadata
import Queries
import SQLite

// Tags set and removed by what people do with files in a view: `ln` and `mv` into it where `assert` is
// on, `rm` in it with `unlink = untag`. Everything else in a view is EPERM, and destroys nothing.

extension Volume {
    /// What `assert` and `unlink` need: a query that says which tags a member has.
    static func checkGestures(_ filter: Filter) throws(MetadataError) {
        guard filter.asserts || filter.untags, assertedTags(filter) == nil else { return }
        throw .query(
            QueryError(
                "assert and unlink need a query of tag:k=v and flags, joined by AND",
                in: filter.query
            )
        )
    }

    private static func assertedTags(_ filter: Filter) -> [(key: String, value: String)]? {
        (try? FilterQuery(filter.query))?.assertedTags
    }

    /// `ln` of a file into a view: it gets the tags that make it a member.
    func assertTags(of file: File, in view: File, as name: Name) throws(Errno) -> DirectoryEntry {
        guard let filter = try filter(of: view.id), filter.asserts,
            let tags = Self.assertedTags(filter), file.backend != 0
        else { throw .notPermitted }
        let changed = try metadata.database.write { (rows) throws(Errno) in
            for (key, value) in tags { try rows.addTag(Tag(key, value), to: file.id) }
            rows.touchChange(of: file.id, at: .now())
            guard let changed = rows.file(file.id) else { throw .stale }
            return changed
        }
        return DirectoryEntry(
            name: name,
            cookie: file.id + Self.cookiesBefore,
            attributes: attributes(of: changed),
            validSeconds: 0
        )
    }

    /// `mv` of a file into a view: it stays where it is, and gets the tags.
    func moveIntoView(_ name: Name, in directory: File, to view: File) throws(Errno) {
        guard let found = try child(name, of: directory.id) else { throw .noEntry }
        guard !found.file.isDirectory else { throw .notPermitted }
        _ = try assertTags(of: found.file, in: view, as: name)
    }

    /// `rm` in a view: `false` where the directory is none, EPERM where the view does not take it.
    func untag(_ name: Name, in directory: UInt64) throws(Errno) -> Bool {
        let view = FileID(bitPattern: directory)
        guard let filter = try filter(of: view) else { return false }
        guard filter.untags, let tags = Self.assertedTags(filter),
            let member = try member(name, of: try file(view))
        else { throw .notPermitted }
        let file = FileID(bitPattern: member.attributes.inode)
        try metadata.database.write { (rows) throws(Errno) in
            for (key, value) in tags {
                // A flag's predicate holds by any value of its key.
                if value.isEmpty {
                    rows.removeTag(key: key, of: file)
                } else {
                    rows.removeTag(Tag(key, value), of: file)
                }
            }
            rows.touchChange(of: file, at: .now())
        }
        return true
    }
}
