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
}
