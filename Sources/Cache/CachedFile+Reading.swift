public import Base

extension CachedFile {
    /// Runs `body` while a range is present, fetching what is missing and some of what a sequential
    /// reader will want next.
    ///
    /// - Parameter readsAhead: not where the caller knows what he needs, and has asked for all of it.
    /// - Throws: what the fetch failed with; `ENOSPC` if the cache's disk does not take the bytes, for
    ///   whatever reason: then they can still be had from the store itself; before `body`, what a wait
    ///   ends with (`Monitor.wait(in:)`), after which the fetch goes on.
    public func withPresent<R>(
        _ range: Range<Int64>,
        readsAhead: Bool = true,
        fetch: @escaping Fetch,
        _ body: () throws(Errno) -> R
    ) throws(Errno) -> R {
        let read = try prepare(Read(range, readsAhead: readsAhead), fetch: fetch)
        defer { if table.withLock({ $0.end(read) }) { wakeWaiting() } }
        return try body()
    }

    /// Makes every byte of the file present and keeps it so while the file is open, so that it need no
    /// longer depend on its object.
    public func makeWhole(fetch: @escaping Fetch) throws(Errno) {
        var position: Int64 = 0
        // From now on nothing goes, or the beginning of a file larger than the cache would be lost again.
        let end = table.update { table in
            table.keepsAll = true
            return table.base
        }
        while position < end {
            let next = min(end, position + ChunkSize.extent)
            try withPresent(position..<next, fetch: fetch) {}
            position = next
        }
    }

    /// Bytes of a range that is present.
    public func bytes(in range: Range<Int64>) throws(Errno) -> [UInt8] {
        try descriptor.bytes(in: range)
    }

    /// Appends bytes that are present to `output`, up to its free capacity.
    public func read(into output: inout OutputRawSpan, at offset: Int64) throws(Errno) {
        try descriptor.read(into: &output, at: offset)
    }

    /// Whether every byte of a range is here.
    public func isPresent(_ range: Range<Int64>) throws(Errno) -> Bool {
        try load(range)
        return table.withLock { $0.areValid(ChunkTable.chunks(of: $0.belowBase(range))) }
    }

    /// Returns with the range present and kept so until the read is ended, or throws.
    ///
    /// The only place where a read waits.
    private func prepare(_ read: Read, fetch: @escaping Fetch) throws(Errno) -> Read {
        var read = read
        let range = read.range
        try load(range.lowerBound..<range.upperBound + Streams.largestWindow)
        // A request that is repeated where it may wait was counted as a miss before.
        var isCounted = Patience.isAsked
        while true {
            let (step, hasWaited) = try step(of: &read, isCounted: isCounted)
            if hasWaited, !isCounted {
                cache.meter.misses.add()
                isCounted = true
            }
            switch step {
            case .ready:
                if !isCounted { cache.meter.hits.add() }
                cache.meter.readBytes.add(range.count)
                return read
            case .verify(let chunk): _ = verify(chunk)
            case .fetch(let pieces):
                for piece in pieces { start(piece, fetch: fetch) }
            case .fail(let error): throw error
            }
        }
    }

    /// The next step, and whether it had to be waited for.
    private func step(
        of read: inout Read,
        isCounted: Bool
    ) throws(Errno) -> (ChunkTable.Step, hasWaited: Bool) {
        var looks = 0
        do throws(Errno) {
            let step = try table.wait(in: bulkhead) { table in
                looks += 1
                table.used = Timestamp.now().nanoseconds
                return table.admit(&read, at: monotonicSeconds(), budget: cache.budget)
            }
            return (step, looks > 1)
        } catch {
            if error == .wouldWait, !isCounted { cache.meter.misses.add() }
            table.update { $0.leave(&read) }
            throw error
        }
    }

    /// Compares a chunk that an earlier process left with its checksum; a damaged one is missing.
    func verify(_ chunk: Int) -> Bool {
        let (range, expected) = table.withLock {
            ($0.range(ofChunk: chunk), $0.checksum(of: chunk))
        }
        // A disk that cannot be read has lost the chunk as well.
        let isSound = (try? checksum(of: range)) == expected
        if !isSound {
            Log.warning("cache file \(number): chunk \(chunk) is damaged, fetching it anew")
            cache.forgetSound(number)
        }
        table.update { isSound ? $0.markVerified(chunk) : $0.markMissing(chunk) }
        return isSound
    }

    /// The CRC-32C of a range of the cache file, or that of less where the file is short.
    func checksum(of range: Range<Int64>) throws(Errno) -> UInt32 {
        crc32c(try descriptor.bytes(in: range))
    }

    func wakeWaiting() { table.update { _ in } }
}
