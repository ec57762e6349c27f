import Queries
import SQLite

extension Connection {
    /// What queries may ask of a file; of one that isn't there, that it is no member.
    func facts(of file: FileID, paths: Bool, attributes: Bool) -> FileFacts {
        var facts = FileFacts()
        facts.id = file
        let isThere: Void? = first(
            """
            SELECT f.mode, f.size, f.mtime, b.name,
              EXISTS(SELECT 1 FROM entry e WHERE e.file = b.root AND e.parent > 0)
            FROM file f JOIN backend b ON b.id = f.backend WHERE f.id = ?
            """,
            .integer(file)
        ) { row in
            let type = row.integer(0) & 0o170000
            facts.isLink = type == 0o120000
            facts.isMember = (type == 0o100000 || facts.isLink) && row.integer(4) != 0
            facts.size = row.integer(1)
            facts.modified = row.integer(2)
            facts.backend = row.text(3)
        }
        guard isThere != nil, facts.isMember else { return facts }
        facts.places = places(of: file, paths: paths)
        facts.tags = tagFacts(of: file)
        if attributes { facts.attributes = attributeFacts(of: file) }
        return facts
    }

    private func places(of file: FileID, paths: Bool) -> [FileFacts.Place] {
        var places: [FileFacts.Place] = []
        func add(_ row: borrowing Row, path: String?, directory: String?) {
            places.append(
                FileFacts.Place(
                    entry: row.integer(0),
                    parent: row.integer(1),
                    name: row.text(2),
                    ext: row.optionalText(3),
                    path: path,
                    directory: directory
                )
            )
        }
        if paths {
            each(query: PlaceColumns.select(file: file)) { row in
                add(row, path: row.optionalText(4), directory: row.optionalText(5))
                return true
            }
        } else {
            each(
                """
                SELECT id, parent, name, ext FROM entry
                WHERE file = ? AND parent > 0 ORDER BY id
                """,
                .integer(file)
            ) { row in
                add(row, path: nil, directory: nil)
                return true
            }
        }
        return places
    }

    private func tagFacts(of file: FileID) -> [FileFacts.Tag] {
        var tags: [FileFacts.Tag] = []
        each(
            """
            SELECT k.name, v.raw, v.folded, v.num, v.time FROM file_tag t
            JOIN tag_key k ON k.id = t.key JOIN tag_value v ON v.id = t.value WHERE t.file = ?
            """,
            .integer(file)
        ) { row in
            let reading = ValueReading(
                folded: row.text(2),
                number: row.isNull(3) ? nil : row.real(3),
                time: row.optionalInteger(4)
            )
            tags.append(FileFacts.Tag(row.text(0), FileFacts.Value(row.text(1), known: reading)))
            return true
        }
        return tags
    }

    private func attributeFacts(of file: FileID) -> [String: FileFacts.Value] {
        var attributes: [String: FileFacts.Value] = [:]
        each("SELECT name, CAST(value AS TEXT) FROM xattr WHERE file = ?", .integer(file)) { row in
            attributes[row.text(0)] = FileFacts.Value(row.text(1))
            return true
        }
        return attributes
    }
}
