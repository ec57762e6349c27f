public import Base
public import SQLite

extension Connection {
    /// The number and directory of a backend, made at its first mention and kept ever after.
    public func backend(named name: String, makingDirectory make: () -> File) -> (
        id: Int64, root: FileID
    ) {
        let known = first("SELECT id, root FROM backend WHERE name = ?", .text(name)) {
            (id: $0.integer(0), root: $0.integer(1))
        }
        if let known { return known }
        run("INSERT INTO backend(name, root) VALUES (?, 0)", .text(name))
        let id = lastInsertedRow
        var directory = make()
        directory.backend = id
        let root = insert(directory)
        run("UPDATE backend SET root = ? WHERE id = ?", .integer(root), .integer(id))
        return (id, root)
    }

    /// Notes that a backend was taken away, or is there again with `nil`.
    public func setRemoved(_ backend: Int64, at time: Timestamp?) {
        run(
            "UPDATE backend SET removed = ? WHERE id = ?",
            .optional(time?.nanoseconds),
            .integer(backend)
        )
    }

    /// The directories of backends that are being taken away, and still have their name.
    public func removedRoots() -> [FileID] {
        var roots: [FileID] = []
        each(
            """
            SELECT root FROM backend WHERE removed IS NOT NULL
              AND EXISTS (SELECT 1 FROM entry WHERE file = root)
            """
        ) {
            roots.append($0.integer(0))
            return true
        }
        return roots
    }

    /// Gives up what a backend's store has yet to get, in part; `false` once nothing is left of it.
    ///
    /// Names that the store never had go. Of the others it is forgotten which version of the object they
    /// are, because that is not what is here.
    ///
    /// - Parameter files: gets those whose bytes and names may now be nowhere.
    public func giveUpWork(on backend: Int64, limit: Int, files: inout [FileID]) -> Bool {
        var numbers: [Int64] = []
        each(
            """
            SELECT e.id FROM work w JOIN entry e ON e.id = w.entry WHERE e.backend = ? LIMIT ?
            """,
            .integer(backend),
            .integer(Int64(limit))
        ) {
            numbers.append($0.integer(0))
            return true
        }
        for number in numbers {
            guard var entry = entry(number) else { continue }
            let file = file(entry.file)
            if let file { files.append(file.id) }
            if entry.isAttached, entry.key != nil || file?.isDirectory == true {
                finishWork(number)
                entry.etag = nil
                update(entry)
            } else {
                if entry.isAttached { addLinks(-1, to: entry.file) }
                deleteEntry(number)
            }
        }
        return !numbers.isEmpty
    }
}
