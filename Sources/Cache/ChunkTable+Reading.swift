import Base

/// A read on its way through `admit`.
struct Read {
    let range: Range<Int64>
    fileprivate var id: Int?
    /// The chunks that are kept here for it.
    fileprivate var admitted = 0..<0
    /// What to fetch ahead was decided.
    fileprivate var isNoted: Bool

    init(_ range: Range<Int64>, readsAhead: Bool = true) {
        self.range = range
        isNoted = !readsAhead
    }
}

/// A read that waits for chunks, or is about to.
struct WaitingRead {
    var chunks: Range<Int>
    /// Why a chunk that it waits for did not come.
    var failure: Errno?
}

/// One request to the store, for chunks that lie side by side.
struct Piece: Equatable {
    let id: Int
    let chunks: Range<Int>
    let bytes: Range<Int64>
    /// Nobody had asked for it when it was planned.
    let isAhead: Bool
}

struct RunningFetch {
    let piece: Piece
    /// For which stream it goes ahead.
    var stream: Int?
    /// Chunks before this one have arrived.
    var arrived: Int
    var isCancelled = false
}

/// How a fetch ended.
enum FetchEnding: Equatable {
    /// Everything has arrived, or what is missing is not wanted any more.
    case done
    /// The store did not give the bytes.
    case failed(Errno)
    /// The cache's disk did not take them.
    case notStored
}

/// What the arrival of a chunk asks of the fetch.
struct Arrived: Equatable {
    /// A read has all it waits for.
    var wakes: Bool
    /// Nobody wants the rest.
    var ends: Bool
}

/// Decides for each read what to fetch and what to wait for.
extension ChunkTable {
    enum Step: Equatable {
        /// The range is here, and is kept here until `end`.
        case ready
        case verify(Int)
        case fetch([Piece])
        case fail(Errno)
    }

    /// The next step of a read, or `nil` while it has to wait.
    mutating func admit(_ read: inout Read, at now: Double, budget: Budget) -> Step? {
        guard !frozen else { return nil }
        let chunks = Self.chunks(of: belowBase(read.range))
        if let id = read.id, let failure = waiting[id]?.failure {
            leave(&read)
            return .fail(failure)
        }
        guard !isEvicting(any: chunks) else { return nil }
        let isHere = areValid(chunks)
        if !isHere, now < storageFailsUntil, !isFetching(any: chunks) {
            leave(&read)
            return .fail(.noSpace)
        }
        let pieces = plan(&read, chunks, isHere: isHere, at: now, budget)
        guard isHere else {
            enroll(&read, chunks)
            return pieces.isEmpty ? nil : .fetch(pieces)
        }
        if !pieces.isEmpty { return .fetch(pieces) }
        if let chunk = firstUnverified(in: chunks) { return .verify(chunk) }
        leave(&read)
        countReader(of: chunks, 1)
        read.admitted = chunks
        return .ready
    }

    /// Ends a read that was admitted; says whether somebody waits for that.
    mutating func end(_ read: Read) -> Bool {
        countReader(of: read.admitted, -1)
        return frozen && readers == 0
    }

    /// Gives up a read that was not admitted.
    mutating func leave(_ read: inout Read) {
        guard let id = read.id else { return }
        waiting[id] = nil
        read.id = nil
    }

    private mutating func enroll(_ read: inout Read, _ chunks: Range<Int>) {
        for (id, fetch) in fetches where fetch.isCancelled && fetch.rest.overlaps(chunks) {
            // Should it have ended already, the read plans anew.
            fetches[id]?.isCancelled = false
        }
        guard read.id == nil else { return }
        lastID += 1
        read.id = lastID
        waiting[lastID] = WaitingRead(chunks: chunks)
    }

    /// Decides what to fetch for a read, and marks it as on its way: what the read needs, and once what
    /// a sequential reader will want next.
    private mutating func plan(
        _ read: inout Read,
        _ chunks: Range<Int>,
        isHere: Bool,
        at now: Double,
        _ budget: Budget
    ) -> [Piece] {
        var pieces: [Piece] = []
        if !isHere { planNeeded(chunks, &pieces, budget) }
        guard !read.isNoted else { return pieces }
        read.isNoted = true
        let advice = streams.note(belowBase(read.range), isStalled: !isHere, at: now)
        if !advice.ended.isEmpty {
            cancelAhead { [streams] fetch in
                guard let stream = fetch.stream, advice.ended.contains(stream) else { return false }
                return !streams.want(fetch.piece.bytes.lowerBound)
            }
        }
        if !advice.ahead.isEmpty, now >= storageFailsUntil { planAhead(advice, &pieces, budget) }
        return pieces
    }

    private mutating func planNeeded(
        _ chunks: Range<Int>,
        _ pieces: inout [Piece],
        _ budget: Budget
    ) {
        let wanted = base <= ChunkSize.small ? Self.chunks(of: 0..<base) : chunks
        var position = wanted.lowerBound
        while let missing = firstMissing(in: position..<wanted.upperBound) {
            let count = Int(Streams.largestPiece / ChunkSize.chunk)
            let run = missing.lowerBound..<min(missing.upperBound, missing.lowerBound + count)
            budget.takeNeeded(Int64(range(ofChunks: run).count))
            pieces.append(begin(run, ahead: nil))
            position = run.upperBound
        }
    }

    private mutating func planAhead(
        _ advice: Streams.Advice,
        _ pieces: inout [Piece],
        _ budget: Budget
    ) {
        let wanted = Self.chunks(of: belowBase(advice.ahead))
        let count = Int(advice.pieceBytes / ChunkSize.chunk)
        var position = wanted.lowerBound
        while let missing = firstMissing(in: position..<wanted.upperBound) {
            position = missing.lowerBound
            // Pieces end where their size divides the file, so that they stay whole.
            let run = position..<min(missing.upperBound, (position / count + 1) * count)
            // The last one waits until it is due as a whole.
            let isCut = run.upperBound == wanted.upperBound && run.upperBound % count != 0
            let bytes = range(ofChunks: run)
            if isCut, bytes.upperBound < base { break }
            guard budget.takeAhead(Int64(bytes.count)) else { break }
            pieces.append(begin(run, ahead: advice.stream))
            position = run.upperBound
        }
        if firstMissing(in: position..<wanted.upperBound) == nil { position = wanted.upperBound }
        streams.planned(advice.stream, upTo: Int64(position) * ChunkSize.chunk)
    }

    private mutating func begin(_ chunks: Range<Int>, ahead stream: Int?) -> Piece {
        lastID += 1
        let bytes = range(ofChunks: chunks)
        let piece = Piece(id: lastID, chunks: chunks, bytes: bytes, isAhead: stream != nil)
        fetches[lastID] = RunningFetch(piece: piece, stream: stream, arrived: chunks.lowerBound)
        setFetching(chunks, true)
        bytesOnTheWay += Int64(bytes.count)
        return piece
    }

    // MARK: Fetches

    /// Whether a fetch that was planned is still wanted.
    func isWanted(_ piece: Piece) -> Bool { fetches[piece.id].map { !$0.isCancelled } ?? false }

    /// The next chunk of a fetch is in the cache file.
    mutating func arrived(_ chunk: Int, of piece: Piece, checksum: UInt32) -> Arrived {
        markClean(chunk, checksum: checksum)
        hasUnsynced = true
        bytesOnTheWay -= Int64(range(ofChunk: chunk).count)
        fetches[piece.id]?.arrived = chunk + 1
        let wakes = waiting.values.contains { $0.chunks.contains(chunk) && areValid($0.chunks) }
        return Arrived(wakes: wakes, ends: !isWanted(piece))
    }

    /// A fetch has ended; what did not arrive is missing again.
    ///
    /// - Returns: how many bytes that are.
    mutating func end(_ piece: Piece, _ ending: FetchEnding, at now: Double) -> Int64 {
        guard let rest = fetches.removeValue(forKey: piece.id)?.rest else { return 0 }
        setFetching(rest, false)
        let bytes = Int64(range(ofChunks: rest).count)
        bytesOnTheWay -= bytes
        switch ending {
        case .done: break
        case .notStored: storageFailsUntil = now + Self.storagePauseSeconds
        case .failed(let error):
            // What went wrong ahead of need need not go wrong for those who came to wait for it.
            guard !piece.isAhead else { break }
            for (id, read) in waiting where read.chunks.overlaps(rest) {
                waiting[id]?.failure = error
            }
        }
        return bytes
    }

    /// Tells fetches ahead of need to end, unless a read waits for them.
    mutating func cancelAhead(where isMeant: (RunningFetch) -> Bool) {
        for (id, fetch) in fetches where fetch.piece.isAhead && isMeant(fetch) {
            guard !waiting.values.contains(where: { $0.chunks.overlaps(fetch.rest) }) else {
                continue
            }
            fetches[id]?.isCancelled = true
        }
    }

    /// Tells every fetch of some chunks to end; who waits for one plans it anew.
    mutating func cancel(_ chunks: Range<Int>) {
        for (id, fetch) in fetches where fetch.rest.overlaps(chunks) {
            fetches[id]?.isCancelled = true
        }
    }

    /// The last user has closed the file.
    mutating func endStreams() {
        streams.end()
        cancelAhead { _ in true }
    }

    /// How long to leave a disk alone that did not take bytes.
    private static let storagePauseSeconds: Double = 5
}

extension RunningFetch {
    /// The chunks that have not arrived.
    var rest: Range<Int> { arrived..<max(arrived, piece.chunks.upperBound) }
}
