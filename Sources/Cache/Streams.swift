/// The sequential readers of one file, told apart by where they read: a plain value.
///
/// A read that begins near the end of an earlier one, or within what was fetched ahead for it, goes on
/// with that stream: the kernel's own read-ahead asks out of order. A window opens when a stream has
/// to wait, and doubles when it has used what the window was and waits again. It never reaches
/// further than a few times what the stream has read, and only where it has read most of what it
/// passed: so random reads fetch nothing ahead, however close together.
struct Streams: Sendable {
    /// What to fetch ahead after a read.
    struct Advice: Equatable {
        var stream: Int
        /// Up to where bytes should be on their way, from where on that is not yet seen to.
        var ahead: Range<Int64>
        var pieceBytes: Int64
        /// Streams that have ended: what is fetched ahead for them is not wanted any more.
        var ended: [Int]
    }

    fileprivate struct Stream {
        var id: Int
        /// Where it began, or where what is remembered of it does.
        var start: Int64
        /// Where the next read is expected.
        var next: Int64
        /// How much was read from `start` on, in whatever order.
        var bytesRead: Int64 = 0
        var isContinued = false
        var window: Int64 = 0
        /// The window does not double before the reader is here.
        var roundEnd: Int64 = 0
        /// Up to here bytes were asked for.
        var plannedTo: Int64 = 0
        var lastRead: Double

        var isEstablished: Bool { window > 0 }
        /// Whether most of what it passed was read.
        var isDense: Bool { bytesRead * 2 >= next - start }
    }

    /// The least recently read first.
    private var streams: [Stream] = []
    private var lastID = 0
    private let largestWindow: Int64

    /// Streams with a window at once, per file.
    static let limit = 4
    /// Reads that may yet turn out to begin a stream.
    static let candidateLimit = 8
    static let largestWindow: Int64 = 128 << 20
    static let firstWindow: Int64 = 4 << 20
    /// Requests that a window is fetched with: enough to fill a line, few enough for small machines.
    static let piecesPerWindow: Int64 = 8
    static let smallestPiece: Int64 = 512 << 10
    static let largestPiece: Int64 = 16 << 20
    /// A stream fetches ahead at most this many times what it has read.
    fileprivate static let evidence: Int64 = 4
    /// How far out of order a stream may be read.
    static let slack: Int64 = 4 << 20
    /// When others read on and a stream does not, it has ended.
    static let idleSeconds: Double = 5

    init(largestWindow: Int64) {
        self.largestWindow = min(largestWindow, Self.largestWindow)
    }

    /// Takes note of a read, of which `isStalled` says whether it has to wait for bytes.
    mutating func note(_ range: Range<Int64>, isStalled: Bool, at now: Double) -> Advice {
        var stream =
            if let index = index(of: range) {
                streams.remove(at: index)
            } else {
                begin(range, at: now)
            }
        stream.follow(range, at: now)
        if isStalled {
            stream.grow(upTo: largestWindow)
            // What was planned may have been lost since: look at the whole window.
            stream.plannedTo = range.upperBound
        }
        streams.append(stream)
        let from = max(stream.plannedTo, range.upperBound)
        return Advice(
            stream: stream.id,
            ahead: from..<max(from, stream.reach),
            pieceBytes: min(
                max(stream.window / Self.piecesPerWindow, Self.smallestPiece),
                Self.largestPiece
            ),
            ended: dropEnded(at: now)
        )
    }

    /// Remembers up to where the advice was followed.
    mutating func planned(_ id: Int, upTo end: Int64) {
        guard let index = streams.firstIndex(where: { $0.id == id }) else { return }
        streams[index].plannedTo = max(streams[index].plannedTo, end)
    }

    /// Whether a stream will come to a place that was fetched ahead for another.
    func want(_ position: Int64) -> Bool {
        streams.contains { stream in
            stream.isEstablished && position >= stream.next - Self.slack
                && position <= max(stream.next + stream.window, stream.plannedTo)
        }
    }

    /// Forgets all streams.
    mutating func end() { streams = [] }

    /// The stream that a read goes on with: of several, the one expected nearest.
    private func index(of range: Range<Int64>) -> Int? {
        streams.indices.filter { streams[$0].expects(range.lowerBound) }
            .min { distance($0, range) < distance($1, range) }
    }

    private func distance(_ index: Int, _ range: Range<Int64>) -> Int64 {
        abs(streams[index].next - range.lowerBound)
    }

    private mutating func begin(_ range: Range<Int64>, at now: Double) -> Stream {
        lastID += 1
        return Stream(id: lastID, start: range.lowerBound, next: range.lowerBound, lastRead: now)
    }

    private mutating func dropEnded(at now: Double) -> [Int] {
        var ended: [Int] = []
        // The last one is being read now.
        for stream in streams.dropLast()
        where stream.isEstablished && now - stream.lastRead > Self.idleSeconds {
            ended.append(stream.id)
        }
        streams.removeAll { ended.contains($0.id) }
        for (isEstablished, limit) in [(true, Self.limit), (false, Self.candidateLimit)] {
            while streams.count(where: { $0.isEstablished == isEstablished }) > limit,
                let oldest = streams.firstIndex(where: { $0.isEstablished == isEstablished })
            {
                ended.append(streams.remove(at: oldest).id)
            }
        }
        return ended
    }
}

extension Streams.Stream {
    /// Whether a read from `start` on goes on with this stream, or trails it: several who read the same
    /// file side by side are one stream.
    func expects(_ start: Int64) -> Bool {
        start >= next - max(Streams.slack, window)
            && start <= max(next + Streams.slack, plannedTo)
    }

    mutating func follow(_ range: Range<Int64>, at now: Double) {
        let gap = range.lowerBound - next
        if isEstablished, gap > 0, range.lowerBound <= plannedTo {
            // A jump within what was fetched ahead is no gap in the reading, but a reason for doubt.
            start += gap
            if gap > Streams.slack { window = max(window / 2, Streams.firstWindow) }
        }
        isContinued = bytesRead > 0
        start = min(start, range.lowerBound)
        next = max(next, range.upperBound)
        bytesRead += Int64(range.count)
        if next - start > Self.memoryBytes {
            start = next - Self.memoryBytes
            bytesRead = min(bytesRead, Self.memoryBytes)
        }
        lastRead = now
    }

    mutating func grow(upTo largest: Int64) {
        // The first read of all says nothing yet, nor do two neighbouring pages; and a window that is not
        // used up need not grow.
        guard isContinued, isDense, bytesRead >= ChunkSize.chunk, next > roundEnd else { return }
        window = min(max(window * 2, Streams.firstWindow), largest)
        roundEnd = next + window
    }

    /// Up to where bytes should be on their way.
    var reach: Int64 {
        isEstablished && isDense ? next + min(window, Streams.evidence * bytesRead) : 0
    }

    /// What a stream read before does not count for ever.
    private static let memoryBytes: Int64 = 64 << 20
}
