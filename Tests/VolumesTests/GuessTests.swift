import Base
import Metadata
import Stores
import TestSupport
import Testing

@testable import Volumes

/// Files of which a listing has told no more than name and size.
struct GuessTests {
    private let scratch: TemporaryDirectory
    private let store = MemoryStore()
    private let volume: Volume
    private let root: UInt64
    private let names: [Name] = ["a", "b", "c", "e"]

    init() throws {
        scratch = try TemporaryDirectory()
        for name in names { store.set(Key("d/\(name)"), Array("bytes".utf8), Self.attributes) }
        volume = try Volume(over: store, in: scratch.path, waitsForStore: false)
        root = try volume.storeRoot
    }

    private static let attributes = ObjectAttributes(
        mode: 0o100640,
        owner: 7,
        group: 8,
        modified: Timestamp(seconds: 1_234_567),
        contentType: "text/special",
        other: ["who": "me"]
    )

    @Test func aMovedDirectoryTakesAttributesAlong() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        #expect(try listed("d").count == names.count)
        try volume.rename("d", in: root, to: "n", in: root, replacement: .replace)
        let keys = Set(names.map { Key("n/\($0)") })
        #expect(eventually { store.files == keys })
        for key in keys { #expect(store.attributes(of: key) == Self.attributes) }
    }

    @Test func aMovedFileTakesAttributesAlong() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        _ = try listed("d")
        let directory = try volume.lookup("d", in: root).attributes.inode
        try volume.rename("a", in: directory, to: "z", in: directory, replacement: .replace)
        #expect(eventually { store.attributes(of: "d/z") != nil && store.bytes(of: "d/a") == nil })
        #expect(store.attributes(of: "d/z") == Self.attributes)
    }

    @Test(arguments: [false, true])
    func aChangedFileKeepsAttributes(_ truncates: Bool) throws {
        defer { volume.stop(deliveringAtMost: 0) }
        let inode = try #require(try listed("d")["a"])
        let handle = try volume.open(inode, forWriting: true, truncating: truncates)
        try volume.write(handle, at: truncates ? 0 : 5, Array("more".utf8).span.bytes)
        try volume.flush(handle)
        volume.release(handle)
        _ = try volume.flush(.everything, atMost: 30, evenLater: true) { _ in true }
        #expect(
            store.bytes(of: "d/a") == Array((truncates ? "more" : "bytesmore").utf8)
        )
        var expected = Self.attributes
        let found = try #require(store.attributes(of: "d/a"))
        #expect(found.modified != expected.modified)
        expected.modified = found.modified
        #expect(found == expected)
        #expect(try volume.attributes(of: inode).mode == 0o100640)
    }

    @Test func attributesAreNotChangedWhileTheyAreAGuess() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        let inode = try #require(try listed("d")["b"])
        var changes = AttributeChanges()
        changes.mode = 0o600
        store.leave()
        #expect(throws: Errno.ioError) { try volume.setAttributes(changes, of: inode) }
        store.comeBack()
        #expect(eventually { (try? volume.setAttributes(changes, of: inode)) != nil })
        _ = try volume.flush(.everything, atMost: 30, evenLater: true) { _ in true }
        var expected = Self.attributes
        expected.mode = 0o100600
        #expect(store.attributes(of: "d/b") == expected)
    }

    @Test func namesThatAreRemovedAreNotAskedFor() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        _ = try listed("d")
        let directory = try volume.lookup("d", in: root).attributes.inode
        _ = try volume.lookup("a", in: directory)
        try volume.unlink("a", in: directory)
        _ = store.takeAsked()
        let guess = try volume.lookup("b", in: directory).attributes
        #expect(guess.validSeconds == 0)
        try volume.unlink("b", in: directory)
        // Somebody who only looks sees what there is.
        let other = try volume.lookup("c", in: directory).attributes
        #expect(!store.takeAsked().contains { $0 == "HEAD" || $0 == "GET" })
        #expect(try volume.attributes(of: other.inode).mode == 0o100640)
    }

    @Test func aLinkThatWasTakenForAFileIsNotOpened() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        store.set("d/link", Array("target".utf8), ObjectAttributes(mode: 0o120777))
        let inode = try #require(try listed("d")["link"])
        #expect(throws: Errno.stale) { _ = try volume.open(inode, forWriting: false) }
        let directory = try volume.lookup("d", in: root).attributes.inode
        let link = try volume.lookup("link", in: directory).attributes.inode
        #expect(try volume.target(of: link) == "target")
    }

    @Test func aLinkThatWasTakenForAFileIsMovedAsWhatItIs() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        store.set("d/link", Array("target".utf8), ObjectAttributes(mode: 0o120777))
        _ = try listed("d")
        let directory = try volume.lookup("d", in: root).attributes.inode
        try volume.rename("link", in: directory, to: "moved", in: directory, replacement: .replace)
        #expect(
            eventually {
                store.attributes(of: "d/moved") != nil && store.bytes(of: "d/link") == nil
            }
        )
        #expect(store.attributes(of: "d/moved")?.mode == 0o120777)
        let link = try volume.lookup("moved", in: directory).attributes.inode
        #expect(try volume.target(of: link) == "target")
    }

    /// The numbers of what is in a directory, of which nothing but a listing is asked.
    private func listed(_ name: Name) throws -> [Name: UInt64] {
        let directory = try volume.lookup(name, in: root).attributes.inode
        try volume.openDirectory(directory)
        let page = try volume.list(directory, after: 2, limit: 100)
        return Dictionary(uniqueKeysWithValues: page.map { ($0.name, $0.attributes.inode) })
    }
}
