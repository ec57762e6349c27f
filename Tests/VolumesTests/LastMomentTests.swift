import Base
import Cache
import Metadata
import Stores
import TestSupport
import Testing

@testable import Volumes

/// What somebody else does between a look of ours at the store and the request that follows.
struct LastMomentTests {
    private let scratch: TemporaryDirectory
    private static let theirs = Array("theirs".utf8)

    init() throws { scratch = try TemporaryDirectory() }

    private func volume(
        _ store: MemoryStore,
        directorySeconds: Double = 60,
        waitsForStore: Bool = true
    ) throws -> Volume {
        try Volume(
            over: store,
            in: scratch.path,
            directorySeconds: directorySeconds,
            waitsForStore: waitsForStore
        )
    }

    /// By a copy on a condition, or, where the store takes none on copies, by sending it on one.
    @Test(arguments: [true, false], [true, false])
    func aFileThatMovesOverwritesNobodysObject(copiesOnConditions: Bool, isTaken: Bool) throws {
        let store = MemoryStore(copiesOnConditions: copiesOnConditions)
        let volume = try volume(store)
        defer { volume.stop(deliveringAtMost: 0) }
        let root = try volume.storeRoot
        try write("ours", to: "a", in: volume)
        if isTaken { try write("former", to: "b", in: volume) }
        store.before(copiesOnConditions ? "COPY" : "PUT") { $0.set("b", Self.theirs) }
        try volume.rename("a", in: root, to: "b", in: root, replacement: .replace)
        #expect(eventually(atMost: 30) { store.keys.count == 2 && !store.keys.contains("a") })
        #expect(store.bytes(of: "b") == Self.theirs)
        let beside = try #require(store.keys.first { $0.text.hasPrefix("b.conflict-") })
        #expect(store.bytes(of: beside) == Array("ours".utf8))
    }

    @Test func aSecondNameOverwritesNobodysObject() throws {
        let store = MemoryStore()
        let volume = try volume(store)
        defer { volume.stop(deliveringAtMost: 0) }
        let root = try volume.storeRoot
        let file = try made(in: volume)
        store.before("COPY") { $0.set("b", Self.theirs) }
        _ = try volume.link(file, named: "b", in: root)
        #expect(eventually(atMost: 30) { store.keys.count == 3 })
        #expect(store.bytes(of: "b") == Self.theirs)
    }

    /// What arrives is another version then, and known by nothing that was noted: somebody else's.
    @Test func aFileIsNotSentWhileASecondNameIsMadeOfItsObject() throws {
        let store = MemoryStore()
        let volume = try volume(store)
        defer { volume.stop(deliveringAtMost: 0) }
        let root = try volume.storeRoot
        let file = try made(in: volume)
        let threads = Threads()
        store.before("COPY") { store in
            threads.start { try? write("ours, longer", to: "a", in: volume) }
            #expect(!eventually(atMost: 0.5) { store.bytes(of: "a")?.count != 4 })
        }
        _ = try volume.link(file, named: "b", in: root)
        threads.wait()
        let isEqual = eventually(atMost: 30) {
            store.bytes(of: "a")?.count == 12 && store.bytes(of: "a") == store.bytes(of: "b")
        }
        #expect(isEqual)
        #expect(store.keys == ["a", "b"])
    }

    @Test func whatTookTheObjectsPlaceIsNotRemoved() throws {
        let store = MemoryStore()
        let volume = try volume(store, directorySeconds: 0)
        defer { volume.stop(deliveringAtMost: 0) }
        let root = try volume.storeRoot
        try write("ours", to: "a", in: volume)
        store.before("DELETE") { $0.set("a", Self.theirs) }
        try volume.unlink("a", in: root)
        let isShown = try eventually(atMost: 30) {
            try volume.openDirectory(root)
            return try volume.list(root, after: 2, limit: 10).map(\.name) == ["a"]
        }
        #expect(isShown)
        #expect(store.bytes(of: "a") == Self.theirs)
    }

    /// A name that gets another file always has an object, the old one or the new one.
    @Test(arguments: [true, false])
    func whatIsReplacedIsNotRemovedBefore(waitsForStore: Bool) throws {
        let store = MemoryStore()
        let volume = try volume(store, waitsForStore: waitsForStore)
        defer { volume.stop(deliveringAtMost: 0) }
        let root = try volume.storeRoot
        try write("old", to: "a", in: volume)
        _ = try volume.flush(.everything, atMost: 30) { _ in true }
        try write("new", to: "b", in: volume)
        try volume.rename("b", in: root, to: "a", in: root, replacement: .replace)
        // Removals come sooner than what was just written, if nothing holds them back.
        #expect(!eventually(atMost: 1) { store.bytes(of: "a") == nil })
        _ = try volume.flush(.everything, atMost: 30) { _ in
            #expect(store.bytes(of: "a") != nil)
            return true
        }
        #expect(eventually(atMost: 30) { store.keys == ["a"] })
        #expect(store.bytes(of: "a") == Array("new".utf8))
    }

    /// Nobody would ever find it.
    @Test func aFileThatSomebodyElseHasRemovedIsNotWrittenTo() throws {
        let store = MemoryStore()
        let volume = try volume(store, directorySeconds: 0)
        defer { volume.stop(deliveringAtMost: 0) }
        let root = try volume.storeRoot
        let file = try made(in: volume)
        let handle = try volume.open(file, forWriting: true)
        defer { volume.release(handle) }
        store.set("a", nil)
        try volume.openDirectory(root)
        #expect(throws: Errno.noEntry) { try volume.lookup("a", in: root) }
        #expect(throws: Errno.stale) {
            try volume.write(handle, at: 0, Array("more".utf8).span.bytes)
        }
    }

    /// The listing that tells comes while the file is opened, of which nobody knows yet.
    @Test func aFileThatIsReplacedWhileItIsOpenedIsNotWrittenTo() throws {
        let store = MemoryStore()
        let volume = try volume(store, directorySeconds: 0)
        defer { volume.stop(deliveringAtMost: 0) }
        let root = try volume.storeRoot
        let inode = try made(in: volume)
        let file = try volume.file(FileID(bitPattern: inode))
        store.set("a", Self.theirs)
        let node = try volume.nodes.retain(file.id) { () throws(Errno) in
            try volume.openDirectory(root)
            let bytes = try volume.cache.file(file.id, size: file.size, bulkhead: nil)
            return Node(file, bytes: bytes, isDirty: false)
        }
        defer { volume.releaseNode(node) }
        #expect(try volume.lookup("a", in: root).attributes.inode != inode)
        #expect(throws: Errno.stale) { try volume.markDirty(node) }
        #expect(throws: Errno.stale) { try volume.open(inode, forWriting: true) }
    }

    /// What was removed here goes on as a file without a name, as everywhere.
    @Test func aFileThatWasRemovedHereIsWrittenTo() throws {
        let store = MemoryStore()
        let volume = try volume(store)
        defer { volume.stop(deliveringAtMost: 0) }
        let root = try volume.storeRoot
        let file = try made(in: volume)
        let handle = try volume.open(file, forWriting: true)
        defer { volume.release(handle) }
        try volume.unlink("a", in: root)
        try volume.write(handle, at: 0, Array("more".utf8).span.bytes)
    }

    /// A file `a` that the store has, too; returns its inode.
    private func made(in volume: Volume) throws -> UInt64 {
        try write("ours", to: "a", in: volume)
        return try volume.lookup("a", in: volume.storeRoot).attributes.inode
    }
}

private func write(_ content: String, to name: Name, in volume: Volume) throws {
    let handle = try volume.written(content, to: name)
    defer { volume.release(handle) }
    try volume.flush(handle)
}
