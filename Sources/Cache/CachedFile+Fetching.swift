import Base

extension CachedFile {
    /// Fetches a piece on another thread; the file stays open until that is done.
    ///
    /// The only place where fetches are started.
    func start(_ piece: Piece, fetch: @escaping Fetch) {
        cache.beginFetch(self, Int64(piece.bytes.count))
        bulkhead.fetchers.run { [self] in
            let ending = run(piece, fetch: fetch)
            let lost = table.update { $0.end(piece, ending, at: monotonicSeconds()) }
            cache.budget.giveBack(lost)
            if piece.isAhead { cache.budget.endAhead() }
            cache.endFetch(self, lost: lost)
        }
    }

    private func run(_ piece: Piece, fetch: Fetch) -> FetchEnding {
        // What a reader waits for comes even if there is no room for it.
        guard table.withLock({ $0.isWanted(piece) }), cache.makeRoom() || !piece.isAhead else {
            return .done
        }
        var arrival = Arrival(piece)
        var ending: FetchEnding?
        do throws(Errno) {
            try fetch(piece.bytes) { (bytes) throws(Errno) in
                try arrival.take(bytes) { (chunk, bytes) throws(Errno) in
                    ending = store(bytes, as: chunk, of: piece)
                    if ending != nil { throw .interrupted }
                }
            }
            return arrival.isComplete ? .done : .failed(.ioError)
        } catch {
            return ending ?? .failed(error)
        }
    }

    /// Puts a chunk into the cache file; returns how its fetch is to end, if it is to.
    private func store(_ bytes: RawSpan, as chunk: Int, of piece: Piece) -> FetchEnding? {
        do throws(Errno) {
            try storing.withLock { (_) throws(Errno) in
                try descriptor.write(bytes, at: Int64(chunk) * ChunkSize.chunk)
            }
        } catch {
            Log.warning("\(cache.directory) does not take what is read: \(error)")
            return .notStored
        }
        cache.meter.fetchedBytes.add(bytes.byteCount)
        let checksum = crc32c(bytes)
        let arrived = table.withLock { $0.arrived(chunk, of: piece, checksum: checksum) }
        cache.budget.giveBack(Int64(bytes.byteCount))
        if arrived.wakes { wakeWaiting() }
        return arrived.ends ? .done : nil
    }
}

/// Gathers what arrives of a piece into whole chunks.
struct Arrival {
    private let end: Int64
    private var position: Int64
    private var part: [UInt8] = []

    init(_ piece: Piece) {
        position = piece.bytes.lowerBound
        end = piece.bytes.upperBound
    }

    /// Whether the last chunk was handed on.
    var isComplete: Bool { position == end }

    /// Takes the next bytes, and hands on each chunk that is complete; more than was asked for is EIO.
    mutating func take(
        _ bytes: RawSpan,
        _ store: (Int, RawSpan) throws(Errno) -> Void
    ) throws(Errno) {
        var used = 0
        while used < bytes.byteCount {
            let length = Int(min(ChunkSize.chunk, end - position))
            guard length > 0 else { throw .ioError }
            let count = min(bytes.byteCount - used, length - part.count)
            let new = bytes.extracting(used..<used + count)
            used += count
            let chunk = Int(position / ChunkSize.chunk)
            if count == length {
                try store(chunk, new)
            } else {
                if part.isEmpty { part.reserveCapacity(length) }
                unsafe new.withUnsafeBytes { unsafe part.append(contentsOf: $0) }
                guard part.count == length else { return }
                try unsafe store(chunk, part.span.bytes)
                part.removeAll(keepingCapacity: true)
            }
            position += Int64(length)
        }
    }
}
