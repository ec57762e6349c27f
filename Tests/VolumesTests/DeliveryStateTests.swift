import Base
import Metadata
import TestSupport
import Testing

@testable import Volumes

/// What is told of a file on its way, by `user.gosync.state` among others.
struct DeliveryStateTests {
    private let scratch: TemporaryDirectory
    private let store = MemoryStore()
    private let volume: Volume
    private let root: UInt64

    init() throws {
        scratch = try TemporaryDirectory()
        volume = try Volume(over: store, in: scratch.path, waitsForStore: false)
        root = try volume.storeRoot
    }

    @Test func aFileIsDirtyThenUploadingThenClean() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        let file = try write("bytes", to: "a")
        #expect(try state(of: file) == "dirty")
        let seen = Monitor<String?>(nil)
        store.before("PUT") { _ in
            let now = try? state(of: file)
            seen.update { $0 = now }
        }
        volume.hasten(FileID(bitPattern: file))
        #expect(try eventually(atMost: 30) { try state(of: file) == "clean" })
        #expect(seen.withLock { $0 } == "uploading")
    }

    @Test func aNameThatTheStoreHasYetToFollowIsPending() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        let file = try delivered("bytes", to: "a")
        store.leave()
        try volume.rename("a", in: root, to: "b", in: root, replacement: .replace)
        #expect(try ["pending", "error"].contains(state(of: file)))
        store.comeBack()
        volume.hasten(FileID(bitPattern: file))
        #expect(try eventually(atMost: 30) { try state(of: file) == "clean" })
    }

    @Test func whatAStoreDoesNotTakeIsAnError() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        let file = try write("bytes", to: "a")
        store.goWithTheNextWrite()
        volume.hasten(FileID(bitPattern: file))
        #expect(try eventually(atMost: 30) { try state(of: file) == "error" })
        store.comeBack()
        #expect(
            try eventually(atMost: 60) {
                volume.hasten(FileID(bitPattern: file))
                return try state(of: file) == "clean"
            }
        )
    }

    /// Until somebody has settled it, under whatever name it lies by then.
    @Test func oursOfTwoVersionsIsAConflict() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        let file = try delivered("one", to: "a.txt")
        _ = try write("two", to: "a.txt")
        store.set("a.txt", Array("theirs".utf8))
        volume.hasten(FileID(bitPattern: file))
        #expect(try eventually(atMost: 30) { try state(of: file) == "conflict" })
        let key = try #require(store.keys.first { $0.text.hasPrefix("a.conflict-") })
        #expect(store.bytes(of: key) == Array("two".utf8))
        try volume.rename(Name(key.text), in: root, to: "mine.txt", in: root, replacement: .replace)
        volume.hasten(FileID(bitPattern: file))
        #expect(try eventually(atMost: 30) { try state(of: file) == "clean" })
    }

    @Test func howLongItTakesIsToldOnlyWhileTheStoreTakesIt() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        _ = try delivered("bytes", to: "a")
        _ = try write("bytes", to: "b")
        #expect(try volume.pendingProgress().secondsLeft != nil)
        store.leave()
        volume.hasten(FileID(bitPattern: try write("bytes", to: "c")))
        #expect(try eventually(atMost: 30) { try volume.pendingProgress().left.failed > 0 })
        #expect(try volume.pendingProgress().secondsLeft == nil)
    }

    private func state(of file: UInt64) throws -> String {
        String(decoding: try volume.extendedAttribute("user.gosync.state", of: file), as: UTF8.self)
    }

    private func delivered(_ content: String, to name: Name) throws -> UInt64 {
        let file = try write(content, to: name)
        volume.hasten(FileID(bitPattern: file))
        #expect(try eventually(atMost: 30) { try state(of: file) == "clean" })
        return file
    }

    private func write(_ content: String, to name: Name) throws -> UInt64 {
        let handle = try volume.written(content, to: name)
        defer { volume.release(handle) }
        return handle.inode
    }
}
