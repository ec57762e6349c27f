public import Base
public import SQLite

// Programs that write to a lent file by mapping it. Such bytes do not pass through here: what changed is
// found by its checksums, also after a crash.

extension CachedFile {
    /// Whether anybody besides this process has the cache file open or mapped.
    public var isOpenElsewhere: Bool { descriptor.isOpenElsewhere ?? false }

    /// When the cache file last changed, with all that was written to mappings before the call.
    ///
    /// Pages that are on the disk are guarded: writing to one moves the time again.
    public func changeTime() throws(Errno) -> Timestamp {
        try descriptor.synchronizeData()
        return try descriptor.nameStatus().changed
    }

    /// The chunks that count as the object's and have other bytes than it.
    ///
    /// Every byte must be here, and no write may come meanwhile.
    public func changedChunks() throws(Errno) -> [Int] {
        try load(0..<table.withLock { $0.base })
        let clean = table.withLock { table in
            ChunkTable.chunks(of: 0..<table.base).filter { table.isValid($0) && !table.isDirty($0) }
        }
        var changed: [Int] = []
        for chunk in clean {
            let (range, expected) = table.withLock {
                ($0.range(ofChunk: chunk), $0.checksum(of: chunk))
            }
            if try checksum(of: range) != expected { changed.append(chunk) }
        }
        return changed
    }

    /// Counts chunks as written here, of a file that the caller has journaled (`journal`).
    public func noteWritten(_ chunks: [Int]) throws(Errno) {
        guard !chunks.isEmpty else { return }
        try synchronizeFetched()
        // They are whole, so none is found wanting.
        _ = try markDirty(chunks, writing: 0..<table.withLock { $0.base })
    }
}

extension Connection {
    /// Notes that a file may change without a word; committed before it may.
    public func noteMapped(_ file: Int64) {
        run("INSERT OR IGNORE INTO mapped(file) VALUES (?)", .integer(file))
    }

    public func forgetMapped(_ file: Int64) {
        run("DELETE FROM mapped WHERE file = ?", .integer(file))
    }

    public func mappedFiles() -> [Int64] {
        var files: [Int64] = []
        each("SELECT file FROM mapped") {
            files.append($0.integer(0))
            return true
        }
        return files
    }
}
