import Base
import Stores
import TestSupport
import Testing

@testable import Volumes

/// Whose an object is that lies where nobody has noted one.
struct ClaimTests {
    private let scratch: TemporaryDirectory
    private let store = MemoryStore()
    private let volume: Volume
    private let root: UInt64

    init() throws {
        scratch = try TemporaryDirectory()
        volume = try Volume(over: store, in: scratch.path)
        root = try volume.storeRoot
    }

    /// SQLite's journal comes and goes like this; the old one must not come back as somebody else's.
    @Test func whatARemovedNameHasSentIsOverwrittenByTheNext() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        try write("one", to: "journal", isAnswered: false)
        try volume.unlink("journal", in: root)
        try write("two", to: "journal", isAnswered: true)
        #expect(try names() == ["journal"])
    }

    @Test func whatARenamedFileHasSentIsOverwrittenByTheNext() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        try write("one", to: "a", isAnswered: true)
        try write("two", to: "a", isAnswered: false)
        try volume.rename("a", in: root, to: "b", in: root, replacement: .replace)
        try write("three", to: "a", isAnswered: true)
        #expect(try names() == ["a", "b"])
        #expect(store.bytes(of: "b") == Array("two".utf8))
    }

    /// What is sent is noted as it is sent, and not as the row has it a moment later.
    @Test func aLargeFileThatIsWrittenToMeanwhileIsKnownAgain() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        let new = NewFile(mode: 0o100644, owner: 1, group: 1)
        let (_, handle) = try volume.create(new, named: "large", in: root, exclusive: true)
        defer { volume.release(handle) }
        let start = Volume.snapshotBytes + 1
        try volume.write(handle, at: start, [1 as UInt8].span.bytes)
        let isOver = Monitor(false)
        let threads = Threads()
        threads.start {
            var end = start
            while !isOver.withLock({ $0 }) {
                end += 1
                try? volume.write(handle, at: end, [2 as UInt8].span.bytes)
                try? volume.save(handle.node)
            }
        }
        for _ in 0..<8 {
            store.goWithTheNextWrite()
            // On a slow machine the file's age may have had it sent already, and this sends it again.
            #expect(eventually { failure(of: handle) == .ioError })
            store.comeBack()
            #expect(eventually { (try? volume.flush(handle)) != nil })
        }
        isOver.update { $0 = true }
        threads.wait()
        #expect(store.keys == ["large"])
    }

    private func failure(of handle: Handle) -> Errno? {
        do throws(Errno) {
            try volume.flush(handle)
            return nil
        } catch {
            return error
        }
    }

    private func names() throws -> [Name] {
        try volume.openDirectory(root)
        return try volume.list(root, after: 2, limit: 10).map(\.name).sorted()
    }

    private func write(_ content: String, to name: Name, isAnswered: Bool) throws {
        let handle = try volume.written(content, to: name)
        defer { volume.release(handle) }
        if isAnswered {
            store.comeBack()
            #expect(eventually { (try? volume.flush(handle)) != nil })
        } else {
            store.goWithTheNextWrite()
            #expect(throws: Errno.ioError) { try volume.flush(handle) }
        }
        #expect(store.bytes(of: Key(name.text)) == Array(content.utf8))
    }
}
