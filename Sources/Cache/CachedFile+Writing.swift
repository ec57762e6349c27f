public import Base
public import SQLite

extension CachedFile {
    /// Journals that the file will have bytes that its object has not.
    ///
    /// Part of the transaction that says
    /// so, and committed before the first `write` or `truncate`.
    public func journal(in connection: Connection) {
        table.update { $0.isJournaled = true }
        save(isDirty: true, in: connection)
    }

    /// Writes bytes that the caller has journaled the file for (`journal`).
    ///
    /// Order, where the bytes lie below `base`: fetch the chunks that are only partly overwritten,
    /// reserve disk for the others, commit the dirty bits, then write. So a chunk that the journal does
    /// not name is the object's, and one that it names is whole.
    public func write(_ bytes: RawSpan, at offset: Int64, fetch: @escaping Fetch) throws(Errno) {
        guard isWritable else { throw .readOnly }
        try makeWritable(offset..<offset + Int64(bytes.byteCount), fetch: fetch)
        defer { accountDisk() }
        try descriptor.write(bytes, at: offset)
        Failpoint.written.pass()
    }

    /// Cuts or extends the file; what it is extended by reads as zeros.
    ///
    /// The file is cut before `base` falls in the index: after a crash between the two, `recover`
    /// takes the smaller of both.
    public func truncate(to size: Int64) throws(Errno) {
        guard isWritable else { throw .readOnly }
        try freeze()
        defer { unfreeze() }
        table.update { $0.cancel(0..<Int.max) }
        try table.wait(in: bulkhead) { $0.readers == 0 && $0.fetches.isEmpty ? true : nil }
        try load(max(0, size - 1)..<size + 1)
        try descriptor.truncate(to: size)
        Failpoint.truncated.pass()
        guard table.withLock({ size < $0.base }) else { return }
        if size % ChunkSize.chunk != 0 { try synchronizeFetched() }
        table.update { $0.lowerBase(to: size) }
        try saveBase()
    }

    /// Brings fetched bytes to the disk, before the index says of their chunks that they were written here.
    ///
    /// From then on no checksum tells whether they are what the object has, should the power fail. Costs
    /// something only where bytes were fetched since the last time.
    func synchronizeFetched() throws(Errno) {
        let isDue = table.update { table in
            defer { table.hasUnsynced = false }
            return table.hasUnsynced
        }
        guard isDue else { return }
        do throws(Errno) {
            try descriptor.synchronizeData()
        } catch {
            table.update { $0.hasUnsynced = true }
            throw error
        }
    }

    /// Returns when the bytes written so far are on the disk.
    public func synchronize() throws(Errno) { try descriptor.synchronizeData() }

    /// Sets the time that a crash would find.
    public func setModified(_ time: Timestamp) throws(Errno) {
        try descriptor.setModified(time)
    }

    /// Takes the journal's word after a crash: `base` cannot be beyond the end of what is here.
    public func recover(size: Int64) throws(Errno) {
        guard table.withLock({ size < $0.base }) else { return }
        table.update { $0.lowerBase(to: size) }
        try saveBase()
    }

    /// Lets clean chunks go again, after the transaction of `settle` was committed: had it failed, the
    /// journal would still name them, and what is not here would be taken for zeros.
    ///
    /// No write may come between that and this.
    public func endJournal() {
        table.update { $0.isJournaled = false }
        cache.eviction.update { $0.uselessUntil = 0 }
        _ = cache.makeRoom()
    }

    /// Cuts the tie to the object, of which every byte must be here: the file counts as written here.
    ///
    /// Part of the transaction that says so.
    public func becomeIndependent(in connection: Connection) {
        table.update { table in
            table.lowerBase(to: 0)
            table.isJournaled = true
        }
        connection.deleteExtents(of: number, from: 0)
        save(isDirty: true, in: connection)
    }

    /// Writes the file's row as it is now.
    func save(isDirty: Bool, in connection: Connection) {
        let disk = (try? descriptor.diskBytes()) ?? 0
        let (base, used) = table.withLock { ($0.base, $0.used) }
        let row = ContentRow(base: base, isDirty: isDirty, disk: disk, used: used)
        connection.saveContent(row, of: number)
        noteSaved(row)
    }

    private func makeWritable(_ range: Range<Int64>, fetch: @escaping Fetch) throws(Errno) {
        try load(range)
        if table.withLock({ $0.baseIsUnsaved }) { try saveBase() }
        while true {
            let (chunks, edges) = table.withLock { table in
                let chunks = ChunkTable.chunks(of: table.belowBase(range))
                    .filter { !table.isDirty($0) }
                let edges = chunks.map(table.range(ofChunk:)).filter { $0.clamped(to: range) != $0 }
                return (chunks, edges)
            }
            if chunks.isEmpty { return }
            // Also what is here already: its checksum is compared for the last time.
            for edge in edges { try withPresent(edge, readsAhead: false, fetch: fetch) {} }
            if try markDirty(chunks, writing: range) { return }
        }
    }

    /// Commits the dirty bits of chunks; `false` if an edge was evicted meanwhile.
    func markDirty(_ chunks: [Int], writing range: Range<Int64>) throws(Errno) -> Bool {
        try freeze()
        defer { unfreeze() }
        guard let first = chunks.first, let last = chunks.last else { return true }
        table.update { $0.cancel(first..<last + 1) }
        try table.wait(in: bulkhead) {
            $0.readers == 0 && !$0.isFetching(any: first..<last + 1) ? true : nil
        }
        let (isWhole, changed) = table.withLock { table in
            let isWhole = chunks.allSatisfy { chunk in
                let bounds = table.range(ofChunk: chunk)
                return table.isValid(chunk) || bounds.clamped(to: range) == bounds
            }
            var after = table
            for chunk in chunks { after.markDirty(chunk) }
            return (isWhole, after.takeChangedExtents())
        }
        guard isWhole else { return false }
        let isPartly = chunks.contains { chunk in
            let bounds = table.withLock { $0.range(ofChunk: chunk) }
            return bounds.clamped(to: range) != bounds
        }
        if isPartly { try synchronizeFetched() }
        for chunk in chunks { try descriptor.reserve(table.withLock { $0.range(ofChunk: chunk) }) }
        try cache.database.write { (connection) throws(Errno) in
            for (index, extent) in changed { connection.save(extent, at: index, of: number) }
        }
        Failpoint.markedDirty.pass()
        table.update { table in
            for chunk in chunks { table.markDirty(chunk) }
        }
        return true
    }

    private func saveBase() throws(Errno) {
        table.update { $0.baseIsUnsaved = true }
        let (base, changed) = table.withLock { ($0.base, $0.takeChangedExtents()) }
        try cache.database.write { (connection) throws(Errno) in
            save(isDirty: connection.isJournaled(number), in: connection)
            connection.deleteExtents(of: number, from: ChunkTable.extents(of: 0..<base).upperBound)
            for (index, extent) in changed { connection.save(extent, at: index, of: number) }
        }
        table.update { $0.baseIsUnsaved = false }
    }
}
