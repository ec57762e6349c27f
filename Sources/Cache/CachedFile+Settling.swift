public import Base
public import SQLite

// The end of the journal: the store has what was written here.

/// What is known of a file's bytes at the moment at which its object has them.
public struct Settlement: Equatable, Sendable {
    let size: Int64
    /// CRC-32C of every chunk that was written here; the others are what they were.
    let checksums: [Int: UInt32]
}

extension CachedFile {
    /// Below the size of the object, what it has and nobody has changed here, whether it is here or not.
    ///
    /// No write may come meanwhile.
    public func unchangedRanges() throws(Errno) -> [Range<Int64>] {
        try loadWhole()
        return table.withLock { $0.unchanged }
    }

    /// The checksum of every chunk of the file as it is now; every byte must be here.
    public func checksums(size: Int64) throws(Errno) -> [Int: UInt32] {
        try checksums(of: Array(ChunkTable.chunks(of: 0..<size)), size: size)
    }

    /// Sums up what was written here, and runs `body`, whose transaction ends the journal by `settle`.
    ///
    /// The chunk in which the object used to end may be on its way here, and will have another length:
    /// it is waited for, and kept as it is until the end.
    ///
    /// - Parameters:
    ///   - checksums: of all chunks, where they are known, and count instead.
    ///   - passed: of chunks as they were sent, which nobody has changed since.
    public func settling(
        size: Int64,
        checksums known: [Int: UInt32]?,
        passed: [Int: UInt32] = [:],
        _ body: (Settlement) throws(Errno) -> Void
    ) throws(Errno) {
        try loadWhole()
        let (written, border) = table.withLock { ($0.written(size: size), $0.border(size: size)) }
        var all: [Int: UInt32]
        if let known {
            all = known
        } else {
            all = try checksums(of: written.filter { passed[$0] == nil }, size: size)
            for chunk in written { all[chunk] = all[chunk] ?? passed[chunk] }
        }
        guard let border else { return try body(Settlement(size: size, checksums: all)) }
        try freeze()
        defer { unfreeze() }
        table.update { $0.cancel(border..<border + 1) }
        try table.wait(in: bulkhead) { $0.isFetching(any: border..<border + 1) ? nil : true }
        let (isHere, isTrusted) = table.withLock { ($0.isValid(border), $0.isTrusted(border)) }
        if all[border] == nil, isTrusted || isHere && verify(border) {
            all.merge(try checksums(of: [border], size: size)) { $1 }
        }
        try body(Settlement(size: size, checksums: all))
    }

    /// Ends the journal: the store has these very bytes.
    ///
    /// Part of the transaction that notes the object. No write may come between `settling` and this.
    public func settle(_ settlement: Settlement, in connection: Connection) {
        table.update { $0.becomeClean(settlement) }
        connection.deleteDirtyExtents(of: number)
        for (index, extent) in table.withLock({ $0.takeChangedExtents() }) {
            connection.save(extent, at: index, of: number)
        }
        save(isDirty: false, in: connection)
    }

    /// The file becomes an object that begins with what was here, and of whose rest nothing is here.
    ///
    /// `commit` runs the transaction that says so, with what belongs into it. If that fails, the file is what it
    /// was. No write may come meanwhile, and nothing of the file may be changed below `base`.
    public func becomeObject(
        size: Int64,
        _ commit: (_ settle: (Connection) -> Void) throws(Errno) -> Void
    ) throws(Errno) {
        try loadWhole()
        try freeze()
        defer { unfreeze() }
        table.update { $0.cancel(0..<Int.max) }
        try table.wait(in: bulkhead) { $0.readers == 0 && $0.fetches.isEmpty ? true : nil }
        let base = table.withLock { $0.base }
        do throws(Errno) {
            try commit { rows in settle(Settlement(size: size, checksums: [:]), in: rows) }
        } catch {
            table.update { $0.lowerBase(to: base) }
            throw error
        }
        // Should that fail, the chunks that are fetched extend it.
        try? descriptor.truncate(to: size)
    }

    private func checksums(of chunks: [Int], size: Int64) throws(Errno) -> [Int: UInt32] {
        var sums: [Int: UInt32] = [:]
        for chunk in chunks {
            let start = Int64(chunk) * ChunkSize.chunk
            sums[chunk] = try checksum(of: start..<min(size, start + ChunkSize.chunk))
        }
        return sums
    }
}

extension ChunkTable {
    /// What the object has, and nobody has changed here; the whole index must be loaded.
    var unchanged: [Range<Int64>] {
        var found: [Range<Int64>] = []
        var start: Int64 = 0
        for chunk in dirtyChunks {
            let bytes = range(ofChunk: chunk)
            if start < bytes.lowerBound { found.append(start..<bytes.lowerBound) }
            start = max(start, bytes.upperBound)
        }
        if start < base { found.append(start..<base) }
        return found
    }

    /// The chunks of which the object is to get other bytes than it has; not the one where it ends.
    func written(size: Int64) -> [Int] {
        let last = Self.chunks(of: 0..<base).upperBound
        return dirtyChunks + (last..<max(last, Self.chunks(of: 0..<size).upperBound))
    }

    /// The chunk in which the object ends within what is to be its new size, if there is one.
    func border(size: Int64) -> Int? {
        base < size && base % ChunkSize.chunk != 0 ? Int(base / ChunkSize.chunk) : nil
    }

    /// Whether a chunk is here and, as far as it is the object's, was compared with its checksum.
    func isTrusted(_ chunk: Int) -> Bool {
        isValid(chunk) && firstUnverified(in: chunk..<chunk + 1) == nil
    }

    /// The file is now an object: what was written here is its own, and whole chunks that are missing
    /// stay so.
    ///
    /// The chunk in which the former object ended is missing unless it was summed up: the new object has
    /// both halves of it.
    mutating func becomeClean(_ settlement: Settlement) {
        let border = border(size: settlement.size)
        grow(to: settlement.size)
        for (number, extent) in extents where extent.dirty != 0 {
            extents[number]?.dirty = 0
            extents[number]?.changed = true
        }
        for (chunk, checksum) in settlement.checksums { markClean(chunk, checksum: checksum) }
        if let border, settlement.checksums[border] == nil, isValid(border) { markMissing(border) }
    }

    /// The changed chunks below `base`, in order.
    private var dirtyChunks: [Int] {
        let count = Self.chunks(of: 0..<base).upperBound
        return extents.filter { $0.value.dirty != 0 }.sorted { $0.key < $1.key }
            .flatMap { number, extent in
                (0..<ChunkSize.chunksPerExtent).filter { extent.dirty & 1 << UInt32($0) != 0 }
                    .map { number * ChunkSize.chunksPerExtent + $0 }
            }
            .filter { $0 < count }
    }
}
