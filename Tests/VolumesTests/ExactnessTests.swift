import Base
import Metadata
import Stores
import TestSupport
import Testing

@testable import Volumes

/// What is shown of objects that have attributes recorded, before anybody has asked for them.
struct ExactnessTests {
    private let scratch: TemporaryDirectory
    private let store = MemoryStore(pageKeys: 1000)
    private let volume: Volume
    private let root: UInt64

    init() throws {
        scratch = try TemporaryDirectory()
        volume = try Volume(over: store, in: scratch.path, waitsForStore: false)
        root = try volume.storeRoot
    }

    private static let recorded = ObjectAttributes(
        mode: 0o100640,
        owner: 7,
        group: 8,
        modified: Timestamp(seconds: 1_234_567)
    )

    @Test func whereAttributesAreRecordedNoGuessIsShown() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        for name in ["a", "b", "c"] { store.set(Key("d/\(name)"), [1, 2, 3], Self.recorded) }
        store.set("d/large", [UInt8](repeating: 1, count: 5000), Self.recorded)
        store.set("d/link", Array("a".utf8), ObjectAttributes(mode: 0o120777))
        store.set("d/sub/f", [1])
        let directory = try opened("d")
        let page = try volume.list(directory, after: 2, limit: 100)
        // One was compared, and tells of itself.
        #expect(page.map(\.certainty) == [.all, .number, .number, .type, .number, .type])
        #expect(page[0].attributes.mode == 0o100640)
        let names = try volume.list(directory, after: 2, limit: 100, withAttributes: false)
        #expect(names.map(\.certainty) == [.type, .number, .number, .type, .number, .type])
        for name in ["a", "b", "c", "large"] as [Name] {
            let found = try volume.lookup(name, in: directory).attributes
            #expect(found.mode == 0o100640 && found.owner == 7 && found.group == 8)
            #expect(found.modified == Self.recorded.modified)
        }
        let link = try volume.lookup("link", in: directory).attributes.inode
        #expect(try volume.target(of: link) == "a")
        #expect(try volume.list(directory, after: 2, limit: 5).allSatisfy { $0.certainty == .all })
    }

    /// Nothing is asked of each, and of the directory only one.
    @Test func whereNothingIsRecordedTheListingIsShown() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        for i in 0..<50 { store.set(Key("d/\(10 + i)"), [1, 2, 3]) }
        store.set("e/", [])
        store.set("e/f", [1], Self.recorded)
        let directory = try opened("d")
        _ = store.takeAsked()
        for _ in 0..<5 {
            let page = try volume.list(directory, after: 2, limit: 100)
            #expect(page.count == 50 && page.allSatisfy { $0.certainty == .all })
            _ = try volume.list(directory, after: page[9].cookie, limit: 100)
        }
        #expect(store.takeAsked() == ["GET"])
        // The next one may have been made by a file system, which then has made an object of its own.
        let other = try opened("e")
        #expect(try volume.list(other, after: 2, limit: 10).map(\.attributes.mode) == [0o100640])
    }

    @Test func namesThatAreLookedAtInTurnAreLearnedSideBySide() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        let names = (0..<200).map { Name("\(1000 + $0)") }
        for name in names { store.set(Key("d/\(name)"), [1, 2, 3], Self.recorded) }
        let directory = try opened("d")
        _ = try volume.list(directory, after: 2, limit: 100)
        _ = store.takeAsked()
        for name in names {
            #expect(try volume.lookup(name, in: directory).attributes.mode == 0o100640)
            if name == names[2] {
                // The first was compared, the second looked at alone, and the third with the next one.
                #expect(eventually { volume.lookRuns.withLock { $0.underway.isEmpty } })
                #expect(store.takeAsked() == ["GET", "HEAD", "HEAD"])
            }
        }
        #expect(eventually { volume.lookRuns.withLock { $0.underway.isEmpty } })
        #expect(store.takeAsked() == Array(repeating: "HEAD", count: 200 - 4))
    }

    /// Many programs record the time of a file and nothing else.
    @Test func aTimeThatIsAboutTheObjectsOwnIsNoNews() {
        let now = Timestamp(seconds: 1_700_000_000)
        let file = File(backend: 1, mode: 0o100644, owner: 0, group: 0, at: now)
        let directory = File(backend: 1, mode: 0o040755, owner: 0, group: 0, at: now)
        for seconds in [0, -100, 100, -200, 200] as [Double] {
            let recorded = ObjectAttributes(modified: now.adding(seconds: seconds))
            #expect(file.isRefuted(by: recorded) == (abs(seconds) == 200))
            #expect(!directory.isRefuted(by: recorded))
        }
        #expect(!file.isRefuted(by: ObjectAttributes(contentType: "text/plain")))
        for made in [ObjectAttributes(mode: 0o644), ObjectAttributes(owner: 0, group: 0)] {
            #expect(file.isRefuted(by: made) && directory.isRefuted(by: made))
        }
    }

    /// Where the store cannot be reached, what was listed is shown, and is asked for again.
    @Test func withoutTheStoreTheListingIsShownForNow() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        for name in ["a", "b"] { store.set(Key("d/\(name)"), [1, 2, 3], Self.recorded) }
        let directory = try opened("d")
        _ = try volume.list(directory, after: 2, limit: 100)
        store.leave()
        let guess = try volume.lookup("b", in: directory).attributes
        #expect(guess.mode == 0o100644 && guess.validSeconds == 0)
        store.comeBack()
        #expect(
            try eventually { try volume.lookup("b", in: directory).attributes.mode == 0o100640 }
        )
    }

    private func opened(_ name: Name) throws -> UInt64 {
        let directory = try volume.lookup(name, in: root).attributes.inode
        try volume.openDirectory(directory)
        return directory
    }
}

/// Who looks at one name after the other, and how trust in a listing is lost.
struct LookRunsTests {
    @Test func aRunDoublesAndIsAheadOfWhoLooks() {
        var runs = LookRuns()
        var begun: [ClosedRange<Int64>] = []
        // Names 2, 4, 6, …, of which nothing is known.
        for entry in stride(from: 2, through: 1000 as Int64, by: 2) {
            let batch = runs.look(at: entry, in: 1)
            let again = runs.look(at: entry, in: 1)
            #expect(again == nil)
            if let batch {
                let next = (batch.after / 2 + 1) * 2
                let entries = (0..<batch.count).map { next + 2 * Int64($0) }
                runs.begin(entries, of: batch, in: 1)
                begun.append(next...entries.last!)
            }
            // The first is looked at alone.
            #expect(runs.underway.contains(entry) == (entry > 2))
            runs.end(entry)
        }
        #expect(begun.prefix(6) == [4...6, 8...14, 16...30, 32...62, 64...126, 128...254])
        #expect(zip(begun, begun.dropFirst()).allSatisfy { $0.upperBound + 2 == $1.lowerBound })
        #expect(runs.underway.count < 2 * LookRuns.longest)
    }

    @Test func whoLooksBackBeginsAnew() {
        var runs = LookRuns()
        var found: [LookRuns.Batch?] = []
        for entry in [50, 60, 7, 90] as [Int64] {
            found.append(runs.look(at: entry, in: 1))
            if let batch = found.last! { runs.begin([], of: batch, in: 1) }
        }
        let two = LookRuns.Batch(after: 59, count: 2)
        #expect(found == [nil, two, nil, LookRuns.Batch(after: 89, count: 2)])
        for directory in 2..<200 as Range<FileID> { _ = runs.look(at: 1, in: directory) }
        let forgotten = runs.look(at: 99, in: 1)
        #expect(forgotten == nil)
    }

    @Test func oneGuessIsComparedNowAndThen() {
        var trust = GuessTrust()
        var times: [Double] = []
        for time in [0, 0.5, 1, 2, 3, 6, 7, 1000, 1015, 1020, 1047, 1048, 1107, 1108] {
            guard trust.isLookDue(at: time, isLikely: false) else { continue }
            trust.noteLook(at: time)
            times.append(time)
        }
        #expect(times == [0, 1, 3, 7, 1000, 1020, 1107])
        #expect(trust.isLookDue(at: 1109, isLikely: true) && !trust.isLost)
    }
}
