import TestSupport
import Testing

@testable import Cache

/// Sequential readers of one file, side by side with random reads, in every order that a seed leads to;
/// against a model of what each has read and what was asked for on its behalf.
private struct ReaderSimulation {
    /// What is known of one reader without looking into `Streams`.
    struct Reader {
        let start: Int64
        var next: Int64
        /// Up to where bytes were asked for ahead of it.
        var asked: Int64
        var stream: Int?
        var largestAhead: Int64 = 0

        var bytesRead: Int64 { next - start }
    }

    var random: SplitMix64
    var streams: Streams
    let largestWindow: Int64
    var readers: [Reader]

    /// Far enough apart that none comes near another.
    static let distance: Int64 = 1 << 40

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        let windows: [Int64] = [8 << 20, 32 << 20, .max]
        largestWindow = windows.randomElement(using: &random)!
        streams = Streams(largestWindow: largestWindow)
        readers = (1...Int64.random(in: 1...4, using: &random)).map { number in
            let start = number * Self.distance
            return Reader(start: start, next: start, asked: start)
        }
    }

    mutating func step() {
        if Int.random(in: 0..<10, using: &random) == 0 { return readAtRandom() }
        read(by: readers.indices.randomElement(using: &random)!)
    }

    /// A read where nobody reads on: of it alone nothing may follow.
    private mutating func readAtRandom() {
        let start = Int64.random(in: 6...1_000_000, using: &random) * Self.distance
        let advice = streams.note(start..<start + 4096, isStalled: true, at: 0)
        #expect(advice.ahead.isEmpty, "what was read once is no stream")
        #expect(Set(advice.ended).isDisjoint(with: readers.compactMap(\.stream)))
    }

    private mutating func read(by index: Int) {
        var reader = readers[index]
        let count = Int64.random(in: 1...256, using: &random) * 4096
        let range = reader.next..<reader.next + count
        // He waits where nothing was asked for, and now and then where it has not come yet.
        let isStalled = range.upperBound > reader.asked || Bool.random(using: &random)
        let advice = streams.note(range, isStalled: isStalled, at: 0)
        reader.next = range.upperBound
        reader.asked = max(reader.asked, reader.next)
        if let stream = reader.stream {
            #expect(advice.stream == stream, "a reader stays the same stream")
        } else if !advice.ahead.isEmpty {
            reader.stream = advice.stream
        }
        #expect(
            Set(advice.ended).isDisjoint(with: readers.compactMap(\.stream)),
            "four readers and random reads end none of the four"
        )
        if !advice.ahead.isEmpty { follow(advice, for: &reader) }
        readers[index] = reader
    }

    private mutating func follow(_ advice: Streams.Advice, for reader: inout Reader) {
        let reach = advice.ahead.upperBound - reader.next
        #expect(advice.ahead.lowerBound >= reader.next, "what was read is not asked for")
        #expect(reach <= min(largestWindow, Streams.largestWindow))
        #expect(reach <= 4 * reader.bytesRead, "no further than what was read vouches for")
        #expect(
            reach <= max(Streams.firstWindow, 2 * reader.largestAhead),
            "it at most doubles"
        )
        #expect(Streams.smallestPiece...Streams.largestPiece ~= advice.pieceBytes)
        reader.largestAhead = max(reader.largestAhead, reach)
        // Not always is there room for all of it.
        let end = Bool.random(using: &random) ? advice.ahead.upperBound : advice.ahead.lowerBound
        streams.planned(advice.stream, upTo: end)
        reader.asked = max(reader.asked, end)
    }
}

struct StreamsModelTests {
    @Test(arguments: 0..<60 as Range<UInt64>)
    func readersAreToldApartAndNeverPromisedTooMuch(seed: UInt64) {
        var simulation = ReaderSimulation(seed: seed)
        for _ in 0..<1500 { simulation.step() }
        for reader in simulation.readers where reader.bytesRead > 64 << 20 {
            #expect(
                reader.largestAhead == min(simulation.largestWindow, Streams.largestWindow)
                    || reader.bytesRead < 2 * Streams.largestWindow,
                "whoever waits long enough gets the whole window"
            )
        }
    }
}
