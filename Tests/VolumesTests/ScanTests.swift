import Base
import Metadata
import SQLite
import Stores
import TestSupport
import Testing

@testable import Volumes

/// A scan finds what others did, in a store that lists in order and in one that does not.
struct ScanTests {
    private func volume(_ store: MemoryStore, in scratch: TemporaryDirectory) throws -> Volume {
        try Volume(over: store, in: scratch.path, isReadOnly: true, directorySeconds: 3600)
    }

    private func scan(
        _ volume: Volume,
        _ path: String = "/backends/store",
        isDry: Bool = false
    ) throws -> ScanProgress {
        let number = try volume.beginScan(of: path, isDry: isDry)
        var last: ScanProgress?
        volume.watchScan(number) {
            last = $0
            return true
        }
        return try #require(last)
    }

    private func counts(_ progress: ScanProgress) -> [Int] {
        [progress.new, progress.changed, progress.vanished]
    }

    private static let keys: [Key] = (0..<60).map { Key("d\($0 % 7)/e\($0 % 3)/f\($0)") } + ["top"]

    @Test(arguments: [true, false])
    func whatOthersDidIsFoundAndCounted(isInRanges: Bool) throws {
        let scratch = try TemporaryDirectory()
        let store = MemoryStore(pageKeys: 5, isInRanges: isInRanges)
        for key in Self.keys { store.set(key, [1]) }
        let volume = try volume(store, in: scratch)
        defer { volume.stop(deliveringAtMost: 0) }

        let dry = try scan(volume, isDry: true)
        #expect(dry.state == .done && counts(dry) == [61, 0, 0])
        #expect(dry.objects == 61)
        #expect(try volume.test("*").count == 0)

        let first = try scan(volume)
        #expect(first.state == .done && counts(first) == [61, 0, 0], "\(first)")
        #expect(try volume.test("*").count == 61)

        for key in Self.keys.prefix(10) { store.set(key, [2]) }
        for key in Self.keys[20..<24] { store.set(key, nil) }
        store.set("d0/new", [1])
        store.set("fresh/new", [1])
        let planned = try scan(volume, isDry: true)
        #expect(counts(planned) == [2, 10, 4])
        #expect(try volume.test("*").count == 61)
        let second = try scan(volume)
        #expect(counts(second) == [2, 10, 4])
        #expect(try volume.test("*").count == 59)
        #expect(counts(try scan(volume)) == [0, 0, 0])
        #expect(store.takeAsked().allSatisfy { $0 == "LIST" })
    }

    @Test func aScanOfADirectoryLeavesTheRest() throws {
        let scratch = try TemporaryDirectory()
        let store = MemoryStore()
        for key in Self.keys { store.set(key, [1]) }
        let volume = try volume(store, in: scratch)
        defer { volume.stop(deliveringAtMost: 0) }
        let found = try scan(volume, "/backends/store/d1")
        #expect(found.objects == Self.keys.count { $0.text.hasPrefix("d1/") })
        #expect(throws: Errno.notDirectory) { try scan(volume, "/backends/store/top") }
        #expect(throws: Errno.noEntry) { try scan(volume, "/backends/store/none") }
        #expect(throws: Errno.invalid) { try scan(volume, "/backends") }
    }

    /// A listing that breaks off takes nothing away, and what it has shown stays.
    @Test(arguments: [true, false], [1, 2, 4, 7])
    func aScanThatFailsRemovesNothing(isInRanges: Bool, pages: Int) throws {
        let scratch = try TemporaryDirectory()
        let store = MemoryStore(pageKeys: 5, isInRanges: isInRanges)
        for key in Self.keys { store.set(key, [1]) }
        let volume = try volume(store, in: scratch)
        defer { volume.stop(deliveringAtMost: 0) }
        _ = try scan(volume)
        store.set("zz", [1])
        store.failListings(after: pages)
        let broken = try scan(volume)
        #expect(broken.state == .failed && broken.problem != nil)
        #expect(counts(broken)[2] == 0)
        #expect(try volume.test("*").count >= 61)
    }

    /// The first run ended somewhere in the middle; the second begins there, and misses nothing.
    @Test(arguments: ["d2/e1/f9", "d0/e0/f0", "d6/e9", "top"] as [Key])
    func aScanGoesOnWhereItWas(position: Key) throws {
        let scratch = try TemporaryDirectory()
        let store = MemoryStore(pageKeys: 5)
        for key in Self.keys { store.set(key, [1]) }
        // One file on the way to that place vanishes, one before it, one behind it.
        let gone: [Key] = ["d2/e1/f16", "d6/e0/f6", "top"]
        // The first volume is gone before the second opens what it has left.
        try interruptScan(at: position, of: store, in: scratch) {
            for key in gone { store.set(key, nil) }
        }
        let volume = try volume(store, in: scratch)
        defer { volume.stop(deliveringAtMost: 0) }
        let resumed = try #require(volume.scanProgress().last)
        volume.watchScan(resumed.number) { _ in true }
        let end = try #require(volume.scanProgress().last)
        #expect(end.isResumed && end.state == .done)
        let shown = gone.filter { $0 > position || position.text.hasPrefix(directory(of: $0)) }
        #expect(end.vanished == shown.count, "\(end)")
        let left = try volume.metadata.database.read { (rows) throws(MetadataError) in
            rows.unfinishedScans()
        }
        #expect(left == [])
    }

    private func interruptScan(
        at position: Key,
        of store: MemoryStore,
        in scratch: TemporaryDirectory,
        _ change: () -> Void
    ) throws {
        let volume = try volume(store, in: scratch)
        defer { volume.stop(deliveringAtMost: 0) }
        _ = try scan(volume)
        change()
        let root = FileID(bitPattern: try volume.storeRoot)
        let number = try volume.file(root).backend
        let unfinished = UnfinishedScan(
            directory: root,
            backend: number,
            began: .now(),
            position: position
        )
        try volume.metadata.database.write(durably: true) { (rows) throws(MetadataError) in
            rows.store(unfinished)
        }
    }

    private func directory(of key: Key) -> String {
        key.text.split(separator: "/").dropLast().map { $0 + "/" }.joined()
    }
}
