import Base
import Cache
import Metadata
import SQLite

// The kernel maps a lent file for a program as it is, for writing too. Whoever opens such a file for
// reading and writing may so change it unnoticed, even after `close`, until the mapping is gone.

extension Volume {
    /// Prepares for a handle by which a lent file may be mapped for writing.
    func expectMapping(of node: Node) throws(Errno) {
        guard !node.mayBeMapped else { return }
        try metadata.database.write { (rows) throws(Errno) in rows.noteMapped(node.id) }
        let seen = try node.bytes.changeTime()
        node.door.update { door in
            door.mayBeMapped = true
            door.mappingSeen = seen
        }
    }

    /// Takes what was written to mappings of a file for written here.
    ///
    /// - Parameter thoroughly: looks at the bytes even if the file system says that nothing changed,
    ///   because some (tmpfs) do not tell.
    func takeUpMapped(_ node: Node, thoroughly: Bool = false) throws(Errno) {
        guard node.mayBeMapped else { return }
        try node.change { () throws(Errno) in
            let time = try node.bytes.changeTime()
            guard thoroughly || time != node.door.withLock({ $0.mappingSeen }) else { return }
            let chunks = try node.bytes.changedChunks()
            if !chunks.isEmpty {
                try markDirty(node)
                try node.bytes.noteWritten(chunks)
            }
            // Chunks that were written here before may have changed as well.
            if node.now.isDirty { noteWrite(node) { _ in } }
            node.door.update { $0.mappingSeen = time }
        }
        try save(node)
    }

    /// Ends with the last handle of a file; while it is mapped still, it is looked at now and then.
    func endMapping(of node: Node) {
        guard node.mayBeMapped, !finishMapping(of: node) else { return }
        let isWatched = passthrough.mapped.withLock { $0.contains { $0 === node } }
        guard !isWatched, (try? retain(node.id)) != nil else { return }
        let isFirst = passthrough.mapped.update { nodes in
            nodes.append(node)
            return nodes.count == 1
        }
        if isFirst { passthrough.watcher.run { [self] in watchMapped() } }
    }

    /// Returns whether nobody can change the file unnoticed any more; the door must be taken.
    private func finishMapping(of node: Node) -> Bool {
        guard node.door.withLock({ $0.isShut }), !node.bytes.isOpenElsewhere else { return false }
        do throws(Errno) {
            try takeUpMapped(node, thoroughly: true)
            try metadata.database.write { (rows) throws(Errno) in rows.forgetMapped(node.id) }
        } catch {
            Log.warning(
                "file \(node.id): what was written to its mappings is taken up later: \(error)"
            )
            return false
        }
        node.door.update { $0.mayBeMapped = false }
        return true
    }

    private func watchMapped() {
        while true {
            let nodes: [Node]? = passthrough.mapped.wait(atMost: Self.watchSeconds) { _ in
                passthrough.isEnding ? [] : nil
            }
            let watched = nodes ?? passthrough.mapped.withLock { $0 }
            guard !watched.isEmpty else { return }
            for node in watched { look(at: node) }
            if passthrough.mapped.withLock({ $0.isEmpty }) { return }
        }
    }

    private func look(at node: Node) {
        takeDoor(of: node)
        let isFinished = finishMapping(of: node)
        leaveDoor(of: node)
        if !isFinished { try? takeUpMapped(node) }
        if node.now.isDirty { hasten(node.id) }
        guard isFinished else { return }
        passthrough.mapped.update { $0.removeAll { $0 === node } }
        releaseNode(node)
    }

    private static let watchSeconds: Double = 1

    /// At start: files that were mapped when the process ended, and may have changed since.
    func recoverMapped() throws(Errno) {
        let (files, known) = try metadata.database.read { (rows) throws(Errno) in
            let files = rows.mappedFiles()
            return (files, files.map { rows.file($0) })
        }
        for (id, file) in zip(files, known) {
            if let file, cache.status(of: id) != nil { try recoverMapped(file) }
        }
    }

    private func recoverMapped(_ file: File) throws(Errno) {
        let bytes = try cache.file(file.id, size: file.size)
        defer { cache.release(bytes) }
        let chunks = try bytes.changedChunks()
        if !chunks.isEmpty {
            Log.info("file \(file.id): takes up what was written to it by mapping")
            try metadata.database.write { (rows) throws(Errno) in
                guard var file = rows.file(file.id) else { return }
                file.changeBytes()
                file.modified = .now()
                rows.update(file)
                bytes.journal(in: rows)
            }
            try bytes.noteWritten(chunks)
        }
        // A program that has it mapped still goes on; the next start looks again.
        if bytes.isOpenElsewhere { return }
        try metadata.database.write { (rows) throws(Errno) in rows.forgetMapped(file.id) }
    }
}

extension Node {
    var mayBeMapped: Bool { door.withLock { $0.mayBeMapped } }
}
