import Base
import TestSupport
import Testing

@testable import Cache

/// The table against a simple model: every interleaving of reads, arrivals, failures, evictions and
/// writes that a seed leads to.
private struct Simulation {
    enum Chunk { case missing, coming, here, changed }

    var random: SplitMix64
    var table: ChunkTable
    let budget = Budget(limitBytes: 6 << 20)
    let size: Int64
    var model: [Chunk]
    /// Pieces on their way, and how many of their chunks have come.
    var pieces: [(piece: Piece, arrived: Int)] = []
    var reads: [(read: Read, isReady: Bool)] = []
    var now: Double = 0

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        size = Int64.random(in: 1...40 << 20, using: &random)
        table = ChunkTable(base: size, isNew: true, largestWindow: 16 << 20)
        model = Array(repeating: .missing, count: ChunkTable.chunks(of: 0..<size).count)
    }

    mutating func step() {
        now += 0.01
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25: begin()
        case 25..<50: for index in reads.indices { admit(index) }
        case 50..<85: arrive()
        case 85..<88: end(.failed(.timedOut))
        case 88..<90: end(.done)
        case 90..<94: finishRead()
        case 94..<97: evict()
        case 97: table.endStreams()
        default: change()
        }
        check()
    }

    private mutating func begin() {
        guard reads.count < 8 else { return }
        // Half of them read on.
        let last = reads.last?.read.range.upperBound ?? 0
        let goesOn = Bool.random(using: &random) && last < size
        let start = goesOn ? last : Int64.random(in: 0..<size, using: &random)
        let end = min(size, start + Int64.random(in: 1...1 << 20, using: &random))
        reads.append((Read(start..<end), false))
        admit(reads.count - 1)
    }

    private mutating func admit(_ index: Int) {
        guard !reads[index].isReady else { return }
        let chunks = ChunkTable.chunks(of: reads[index].read.range)
        while let step = table.admit(&reads[index].read, at: now, budget: budget) {
            switch step {
            case .ready:
                #expect(model[chunks].allSatisfy { $0 == .here || $0 == .changed })
                reads[index].isReady = true
                return
            case .verify(let chunk): Issue.record("chunk \(chunk) was fetched by this process")
            case .fail(let error):
                #expect(error == .timedOut)
                reads[index].read = Read(reads[index].read.range)
            case .fetch(let new): for piece in new { note(piece) }
            }
        }
        #expect(
            model[chunks].allSatisfy { $0 != .missing } || table.evictions > 0,
            "what a read waits for is on its way"
        )
    }

    private mutating func note(_ piece: Piece) {
        for chunk in piece.chunks {
            #expect(model[chunk] == .missing, "fetched twice, or although it was changed here")
            model[chunk] = .coming
        }
        if piece.isAhead {
            #expect(budget.takenBytes <= budget.limitBytes, "ahead of need, only within the budget")
        }
        pieces.append((piece, 0))
    }

    private mutating func arrive() {
        guard let index = pieces.indices.randomElement(using: &random) else { return }
        let (piece, arrived) = pieces[index]
        let chunk = piece.chunks.lowerBound + arrived
        let answer = table.arrived(chunk, of: piece, checksum: 1)
        budget.giveBack(Int64(table.range(ofChunk: chunk).count))
        model[chunk] = .here
        pieces[index].arrived += 1
        if answer.ends || arrived + 1 == piece.chunks.count { end(.done, at: index) }
    }

    private mutating func end(_ ending: FetchEnding) {
        guard let index = pieces.indices.randomElement(using: &random) else { return }
        end(ending, at: index)
    }

    private mutating func end(_ ending: FetchEnding, at index: Int) {
        let (piece, arrived) = pieces.remove(at: index)
        let rest = piece.chunks.dropFirst(arrived)
        for chunk in rest { model[chunk] = .missing }
        let lost = table.end(piece, ending, at: now)
        #expect(lost == bytes(of: rest))
        budget.giveBack(lost)
        if piece.isAhead { budget.endAhead() }
    }

    private mutating func finishRead() {
        guard let index = reads.indices.filter({ reads[$0].isReady }).randomElement(using: &random)
        else { return }
        _ = table.end(reads.remove(at: index).read)
    }

    private mutating func evict() {
        let some = table.evictable().map(\.number).shuffled(using: &random).prefix(2)
        let begun = table.beginEviction(of: Array(some))
        guard !begun.isEmpty else { return }
        for range in table.forgetEvicted(begun) {
            for chunk in ChunkTable.chunks(of: range) {
                #expect(model[chunk] == .here, "only what can be fetched again goes")
                model[chunk] = .missing
                let isRead = reads.contains {
                    $0.isReady && ChunkTable.chunks(of: $0.read.range).contains(chunk)
                }
                #expect(!isRead, "what somebody reads stays")
            }
        }
        table.endEviction(of: begun)
    }

    /// A write of one whole chunk, as `makeWritable` does it.
    private mutating func change() {
        guard let chunk = model.indices.randomElement(using: &random) else { return }
        table.cancel(chunk..<chunk + 1)
        guard table.readers == 0, !table.isFetching(any: chunk..<chunk + 1) else { return }
        table.markDirty(chunk)
        model[chunk] = .changed
    }

    private func check() {
        let agrees = model.enumerated().allSatisfy { chunk, state in
            table.isFetching(any: chunk..<chunk + 1) == (state == .coming)
                && table.isValid(chunk) == (state == .here || state == .changed)
                && table.isDirty(chunk) == (state == .changed)
        }
        #expect(agrees)
        let coming = pieces.reduce(0) { $0 + bytes(of: $1.piece.chunks.dropFirst($1.arrived)) }
        #expect(table.bytesOnTheWay == coming)
        #expect(budget.takenBytes == coming)
    }

    private func bytes(of chunks: Range<Int>) -> Int64 {
        Int64(table.range(ofChunks: chunks).count)
    }

    /// Lets everything come: every read must be served.
    mutating func drain() {
        while !reads.isEmpty {
            for index in reads.indices { admit(index) }
            let isStuck = pieces.isEmpty && !reads.contains(where: \.isReady)
            #expect(!isStuck)
            if isStuck { return }
            while !pieces.isEmpty { arrive() }
            finishRead()
        }
        #expect(table.waiting.isEmpty && table.fetches.isEmpty && table.readers == 0)
    }
}

struct ChunkTableTests {
    @Test(arguments: 0..<40 as Range<UInt64>)
    func agreesWithTheModel(seed: UInt64) {
        var simulation = Simulation(seed: seed)
        for _ in 0..<250 { simulation.step() }
        simulation.drain()
    }
}
