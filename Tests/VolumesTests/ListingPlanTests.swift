import Base
import Stores
import TestSupport
import Testing

@testable import Volumes

struct ListingPlanTests {
    /// Keys as people and programs name them: counted, hashed, dated, in any script.
    static func keys(using random: inout SplitMix64) -> [Key] {
        let kind = Int.random(in: 0..<5, using: &random)
        let letters: [String] = [
            "a", "b", "-", ".", "/", "0", "é", "日", "🎈", "\u{ffff}", "e\u{301}",
        ]
        let keys = (0..<Int.random(in: 0...400, using: &random)).map { number -> String in
            switch kind {
            case 0: return "img_" + String(String(1_000_000 + number).dropFirst())
            case 1: return String(random.next(), radix: 16)
            case 2: return "\(number % 3)/\(number % 31)/" + String(number, radix: 36)
            case 3:
                let scalar = Unicode.Scalar(UInt32.random(in: 0x4e00..<0x9fff, using: &random))
                return "x" + String(Character(scalar ?? "x"))
            default:
                let count = Int.random(in: 1...5, using: &random)
                return (0..<count).map { _ in letters.randomElement(using: &random) ?? "a" }
                    .joined()
            }
        }
        return Set(keys.map { Key("p/" + $0) } + [Key("p0"), Key("o")]).sorted()
    }

    /// Answers come in any order, and still make the listing that one request after the other makes.
    @Test(arguments: 0..<80 as Range<UInt64>)
    func partsAreTheWhole(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let keys = Self.keys(using: &random)
        let isDelimited = Bool.random(using: &random)
        let prefix: Key = Bool.random(using: &random) ? "p/" : ""
        let limit = Int.random(in: 2...20, using: &random)
        let list = { (position: ListPosition?, limit: Int) in
            var page = MemoryStore.page(
                of: keys,
                prefix: prefix,
                delimited: isDelimited,
                after: position,
                limit: limit
            ) { ObjectInfo(key: $0, size: 1, etag: "e", modified: Timestamp(seconds: 0)) }
            page.isInRanges = true
            return page
        }
        let whole = list(nil, .max)
        var plan = ListingPlan(prefix: prefix, isDelimited: isDelimited, start: .now())
        var asked: [ListingPlan.Request] = []
        var objects: [Key] = []
        var prefixes: [Key] = []
        var coverage = Coverage()
        var requests = 0
        while !plan.isDone {
            while asked.count < 8, let request = plan.next() { asked.append(request) }
            let request = asked.remove(at: Int.random(in: 0..<asked.count, using: &random))
            requests += 1
            let time = Timestamp(seconds: Int64(requests))
            let piece = try plan.answer(request, list(request.after, limit), askedAt: time)
            objects += piece.page.objects.map(\.key)
            prefixes += piece.page.prefixes
            if let covered = piece.covered { coverage.add(covered) }
            // What counts as covered has been shown.
            guard let from = whole.objects.randomElement(using: &random)?.key else { continue }
            let until = whole.objects.randomElement(using: &random)?.key
            if coverage.asked(from: from, until: until) != nil {
                let shown = Set(objects)
                let isShown = whole.objects.allSatisfy { object in
                    object.key < from || until.map { object.key >= $0 } ?? false
                        || shown.contains(object.key)
                }
                #expect(isShown)
            }
        }
        let isSame =
            objects.sorted() == whole.objects.map(\.key) && prefixes.sorted() == whole.prefixes
        #expect(isSame, "\(objects.count) of \(whole.objects.count) \(prefixes) \(whole.prefixes)")
        #expect(coverage.asked(from: prefix, until: prefix.afterAllBelow) == Timestamp(seconds: 1))
        // Splitting costs a few requests, not many.
        #expect(requests <= 2 * ((objects.count + prefixes.count) / limit + 1) + 24)
    }

    @Test func aLongListingIsAskedForInParallel() throws {
        let keys = (0..<20_000).map { Key("img_" + String(String(1_000_000 + $0).dropFirst())) }
        var plan = ListingPlan(prefix: "", isDelimited: true, start: .now())
        var rounds = 0
        var asked: [ListingPlan.Request] = []
        while !plan.isDone {
            while asked.count < 8, let request = plan.next() { asked.append(request) }
            rounds += 1
            for request in asked {
                var page = MemoryStore.page(
                    of: keys,
                    prefix: "",
                    delimited: true,
                    after: request.after,
                    limit: 200
                ) { ObjectInfo(key: $0, size: 1, etag: "e", modified: Timestamp(seconds: 0)) }
                page.isInRanges = true
                _ = try plan.answer(request, page, askedAt: .now())
            }
            asked = []
        }
        // Of the 100 round trips that a single sequence takes.
        #expect(rounds <= 35, "\(rounds)")
    }

    @Test func aStoreThatKeepsNoOrderIsFound() throws {
        var plan = ListingPlan(prefix: "", isDelimited: false, start: .now())
        let next = plan.next()
        let request = try #require(next)
        let objects = ["b", "a"].map {
            ObjectInfo(key: $0, size: 1, etag: "e", modified: Timestamp(seconds: 0))
        }
        var page = ListPage(objects: objects, prefixes: [], next: .token("t"))
        page.isInRanges = true
        #expect(throws: ListingPlan.disorder) {
            _ = try plan.answer(request, page, askedAt: .now())
        }
    }
}

struct WalksTests {
    private static func place(_ id: Int64, under ancestors: [Int64]) -> DirectoryPlace {
        DirectoryPlace(id: id, prefix: Key("\(id)/"), ancestors: ancestors)
    }

    @Test func theThirdDirectoryOfOneParentIsAWalk() {
        var walks = Walks()
        let found = (10..<13).map {
            walks.visit(Self.place($0, under: [5, 4]), at: 1) { _ in false }
        }
        #expect(found == [nil, nil, 5])
    }

    @Test func looksNowAndThenAreNoWalk() {
        var walks = Walks()
        for number in 0..<20 as Range<Int64> {
            let place = Self.place(10 + number, under: [5, 4])
            #expect(walks.visit(place, at: Double(number) * 5) { _ in false } == nil)
            #expect(walks.visit(place, at: Double(number) * 5 + 1) { _ in false } == nil)
        }
    }

    @Test(arguments: [(60, [1]), (1, [])] as [(Double, [Int64])])
    func aSweepThatTakesLongerThanItIsGoodForIsNotRepeated(_ seconds: Double, _ swept: [Int64]) {
        var refreshing = Refreshing()
        let start = Timestamp.now().adding(seconds: -5)
        let isBegun = refreshing.beginSweep(of: 1, after: "", at: start)
        #expect(isBegun)
        refreshing.note([2], inSweepOf: 1)
        refreshing.endSweep(of: 1, goodFor: seconds, at: 10)
        let found = (2...4).compactMap {
            refreshing.walk(at: Self.place($0, under: [1]), now: 11)
        }
        #expect(found == swept)
    }

    @Test func directoriesOfManyParentsAreAWalkThroughWhatHoldsThem() {
        var walks = Walks()
        let found = (0..<6).map {
            walks.visit(Self.place(100 + $0, under: [10 + $0 / 2, 5, 4]), at: 1) { _ in false }
        }
        #expect(found == [nil, nil, nil, nil, nil, 5])
    }
}

struct FirstBytesTests {
    @Test func looksWithoutReadsStopMovingBytes() {
        var bytes = FirstBytes()
        let counts = (0..<100).map { bytes.count(of: $0, size: 4 << 20) }
        #expect(counts.reduce(0, +) == 1 << 20)
        #expect(bytes.count(of: 200, size: 100) == 100, "what comes with the headers is free")
    }

    @Test func readsEarnCreditAlsoWhereNoneWasLeft() {
        var bytes = FirstBytes()
        for id in 0..<100 as Range<Int64> {
            if bytes.count(of: id, size: 4 << 20) == 0 {
                #expect(bytes.take(of: id, etag: "e") == nil)
                break
            }
        }
        for id in 200..<300 as Range<Int64> {
            let count = bytes.count(of: id, size: 4 << 20)
            #expect(count == FirstBytes.longestBytes)
            bytes.hold([UInt8](repeating: 1, count: count), of: id, etag: "e")
            #expect(bytes.take(of: id, etag: "e")?.count == count)
        }
    }

    @Test func bytesOfAnotherVersionAreNotHandedOut() {
        var bytes = FirstBytes()
        bytes.hold([1], of: 1, etag: "old")
        #expect(bytes.take(of: 1, etag: "new") == nil)
        #expect(bytes.take(of: 1, etag: "old") == nil)
    }
}
