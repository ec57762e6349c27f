import Base
import Glibc
import Metadata
import SQLite

/// A tag of ours; `Testing` has one too.
typealias FileTag = Tag

/// A metadata database in a directory of its own, removed with the last reference to it.
final class Library: Sendable {
    let metadata: Metadata
    private let directory: String

    init() throws {
        var template = Array("/tmp/gosync-metadata-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno.current }
        directory = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        metadata = try Metadata(path: directory + "/metadata.sqlite")
    }

    deinit {
        for suffix in ["", "-wal", "-shm", "-redo"] {
            unlink(directory + "/metadata.sqlite" + suffix)
        }
        rmdir(directory)
    }

    func read<R>(_ body: (Connection) throws(MetadataError) -> R) throws -> R {
        try metadata.database.read(body)
    }

    func write<R>(_ body: (Connection) throws(MetadataError) -> R) throws -> R {
        try metadata.database.write(body)
    }
}

extension Library {
    /// A row of `file`, of no directory and under no name.
    func addFile(mode: Int64 = 0o100644) throws -> FileID {
        try write { connection throws(MetadataError) in
            connection.addFile(mode: mode, backend: 1)
        }
    }

    /// A file at a path below a backend, with all directories on the way.
    @discardableResult
    func add(_ path: String, backend: String = "local", tags: [FileTag] = []) throws -> FileID {
        try write { connection throws(MetadataError) in
            let file = connection.add(path, backend: backend)
            for tag in tags { try? connection.addTag(tag, to: file) }
            return file
        }
    }
}

extension Connection {
    func addFile(mode: Int64, backend: Int64, size: Int64 = 0, modified: Int64 = 0) -> FileID {
        run(
            """
            INSERT INTO file(backend, mode, uid, gid, size, mtime, atime, ctime)
            VALUES (?, ?, 0, 0, ?, ?, 0, 0)
            """,
            .integer(backend),
            .integer(mode),
            .integer(size),
            .integer(modified)
        )
        return lastInsertedRow
    }

    func add(_ path: String, backend: String = "local") -> FileID {
        let (number, root) = addBackend(backend)
        let file = addFile(mode: 0o100644, backend: number)
        link(file, path, backend: number, root: root)
        return file
    }

    func addBackend(_ name: String) -> (id: Int64, root: FileID) {
        let now = Timestamp(nanoseconds: 0)
        let (id, root) = backend(named: name) {
            File(backend: 0, mode: 0o040755, owner: 0, group: 0, at: now)
        }
        if entry(named: Name(name), in: .backends) == nil {
            _ = insert(Entry(parent: .backends, name: Name(name), file: root, backend: id))
        }
        return (id, root)
    }

    /// Gives a file a name; directories that are missing are made.
    func link(_ file: FileID, _ path: String, backend: Int64, root: FileID) {
        var components = path.split(separator: "/").map { Name(String($0)) }
        let name = components.removeLast()
        var parent = root
        for component in components {
            if let known = entry(named: component, in: parent) {
                parent = known.file
            } else {
                let directory = addFile(mode: 0o040755, backend: backend)
                _ = insert(
                    Entry(parent: parent, name: component, file: directory, backend: backend)
                )
                parent = directory
            }
        }
        _ = insert(Entry(parent: parent, name: name, file: file, backend: backend))
    }
}
