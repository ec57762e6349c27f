import Base
import Stores
import TestSupport
import Testing

@testable import Volumes

/// A directory that was moved is listed under its new name before its objects have followed.
struct MovedDirectoryTests {
    private let scratch: TemporaryDirectory
    private let store = MemoryStore()
    private let volume: Volume
    private let root: UInt64

    init() throws {
        scratch = try TemporaryDirectory()
        for key in ["d/a", "d/b", "d/below/c"] as [Key] { store.set(key, Array(key.text.utf8)) }
        volume = try Volume(
            over: store,
            in: scratch.path,
            directorySeconds: 0.001,
            waitsForStore: false
        )
        root = try volume.storeRoot
        #expect(try names(in: "d") == ["a", "b", "below"])
        #expect(try names(in: "d", "below") == ["c"])
    }

    @Test func itHasWhatItHad() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        try volume.rename("d", in: root, to: "e", in: root, replacement: .replace)
        for _ in 0..<5 {
            #expect(try names(in: "e") == ["a", "b", "below"])
            #expect(try names(in: "e", "below") == ["c"])
        }
        #expect(eventually { store.files == ["e/a", "e/b", "e/below/c"] })
        #expect(try names(in: "e") == ["a", "b", "below"])
    }

    @Test func whatOthersPutThereMeanwhileIsNotTakenForItsOwn() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        try volume.rename("d", in: root, to: "e", in: root, replacement: .replace)
        store.set("e/a", Array("theirs".utf8))
        #expect(try names(in: "e") == ["a", "b", "below"])
        #expect(eventually { store.files.count == 4 && store.bytes(of: "d/a") == nil })
        #expect(store.bytes(of: "e/a") == Array("theirs".utf8))
        let ours = store.files.filter { $0.text.contains(".conflict-") }
        #expect(ours.map { store.bytes(of: $0) } == [Array("d/a".utf8)])
    }

    private func names(in path: Name...) throws -> [Name] {
        let directory = try path.reduce(root) { try volume.lookup($1, in: $0).attributes.inode }
        try volume.openDirectory(directory)
        return try volume.list(directory, after: 2, limit: 10).map(\.name).sorted()
    }
}
