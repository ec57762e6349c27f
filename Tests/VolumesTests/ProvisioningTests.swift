import Base
import Cache
import Metadata
import SQLite
import Stores
import TestSupport
import Testing

@testable import Volumes

/// Backends that come and go while the volume is open.
struct ProvisioningTests {
    private func description(_ store: any Store, _ name: String = "extra") -> BackendDescription {
        BackendDescription(
            name: Name(name),
            store: store,
            isReadOnly: false,
            directorySeconds: 60,
            isProvisioned: true
        )
    }

    private func volume(in scratch: TemporaryDirectory) throws -> Volume {
        try Volume(over: MemoryStore(), in: scratch.path)
    }

    private func names(_ volume: Volume, _ path: String) throws -> Set<String> {
        let inode = try volume.resolve(path).inode
        try volume.openDirectory(inode)
        return Set(try volume.list(inode, after: 2, limit: 1000).map(\.name.text))
    }

    private func add(_ store: any Store, to volume: Volume) throws {
        try volume.add(description(store), settings: "{}", sealed: nil, isNew: false)
    }

    @Test func aBackendIsThereAtOnceAndGoneAtOnce() throws {
        let scratch = try TemporaryDirectory()
        let volume = try volume(in: scratch)
        defer { volume.stop(deliveringAtMost: 0) }
        let store = MemoryStore()
        store.set("d/a", [1])
        try add(store, to: volume)
        #expect(try names(volume, "/backends") == ["store", "extra"])
        #expect(try names(volume, "/backends/extra/d") == ["a"])
        #expect(throws: Errno.exists) { try add(MemoryStore(), to: volume) }
        let inside = try volume.resolve("/backends/extra/d").inode
        let lost = try volume.removeBackend("extra", losingUnsent: false)
        #expect(lost.isEmpty)
        #expect(try names(volume, "/backends") == ["store"])
        #expect(throws: Errno.self) { try volume.openDirectory(inside) }
        #expect(store.keys == ["d/a"])
        #expect(throws: RemovalProblem.errno(.noEntry)) {
            try volume.removeBackend("extra", losingUnsent: false)
        }
    }

    @Test func tagsReturnWithTheBackend() throws {
        let scratch = try TemporaryDirectory()
        let volume = try volume(in: scratch)
        defer { volume.stop(deliveringAtMost: 0) }
        let store = MemoryStore()
        for key in ["d/a", "d/e/b", "c"] as [Key] { store.set(key, [1]) }
        try add(store, to: volume)
        var changes = TagChanges()
        changes.added = [Tag("colour", "red")]
        for path in ["d/a", "d/e", "c"] {
            _ = try names(volume, "/backends/extra/d/e")
            let inode = try volume.resolve("/backends/extra/\(path)").inode
            _ = try volume.change(changes, ofTagsOf: inode)
        }
        #expect(try volume.search("tag:colour=red", after: 0, limit: 10).count == 2)
        _ = try volume.removeBackend("extra", losingUnsent: false)
        #expect(try volume.search("tag:colour=red", after: 0, limit: 10).isEmpty)
        // What others changed meanwhile keeps its tags as well.
        store.set("c", [2, 3])
        try add(store, to: volume)
        #expect(try names(volume, "/backends/extra") == ["c", "d"])
        #expect(try names(volume, "/backends/extra/d/e") == ["b"])
        for path in ["d/a", "d/e", "c"] {
            let inode = try volume.resolve("/backends/extra/\(path)").inode
            let tags = try volume.tags(of: inode).map { "\($0.key)=\($0.value)" }
            #expect(tags == ["colour=red"], "\(path)")
        }
    }

    @Test func whatIsPendingKeepsABackend() throws {
        let scratch = try TemporaryDirectory()
        let volume = try volume(in: scratch)
        defer { volume.stop(deliveringAtMost: 0) }
        let store = MemoryStore()
        try add(store, to: volume)
        store.goWithTheNextWrite()
        let root = try volume.resolve("/backends/extra").inode
        let new = NewFile(mode: 0o100644, owner: 1, group: 1)
        let (_, handle) = try volume.create(new, named: "f", in: root, exclusive: true)
        #expect(throws: RemovalProblem.self) {
            try volume.removeBackend("extra", losingUnsent: false)
        }
        try volume.write(handle, at: 0, [7, 7, 7].span.bytes)
        volume.release(handle)
        var refused: Unsent?
        do throws(RemovalProblem) {
            _ = try volume.removeBackend("extra", losingUnsent: false)
        } catch {
            if case .unsent(let unsent) = error { refused = unsent }
        }
        #expect(refused?.changes ?? 0 > 0)
        #expect(refused?.first.map(\.path).contains("/backends/extra/f") == true)
        // It can be written to again.
        let inode = try volume.resolve("/backends/extra/f").inode
        volume.release(try volume.open(inode, forWriting: true))
        let lost = try volume.removeBackend("extra", losingUnsent: true)
        #expect(lost.changes > 0)
        #expect(try names(volume, "/backends") == ["store"])
        let left = try volume.metadata.database.read { (rows) throws(MetadataError) in
            (
                rows.pendingWork(.everything, at: Timestamp(nanoseconds: .max)).count,
                rows.journaledFiles()
            )
        }
        #expect(left.0 == 0)
        #expect(left.1 == [])
    }

    /// A crash while a backend is taken away leaves no half of it.
    @Test func aRemovalThatWasInterruptedIsFinished() throws {
        let scratch = try TemporaryDirectory()
        let store = MemoryStore()
        store.set("d/a", [1])
        // The first volume is gone before the second opens what it has left.
        try interruptRemoval(of: store, in: scratch)
        let volume = try volume(in: scratch)
        defer { volume.stop(deliveringAtMost: 0) }
        #expect(try names(volume, "/backends") == ["store"])
        let left = try volume.metadata.database.read { (rows) throws(MetadataError) in
            rows.removedRoots()
        }
        #expect(left == [])
        try add(store, to: volume)
        _ = try names(volume, "/backends/extra")
        let tags = try volume.tags(of: volume.resolve("/backends/extra/d").inode)
        #expect(tags.map { "\($0.key)=\($0.value)" } == ["k=v"])
    }

    private func interruptRemoval(of store: MemoryStore, in scratch: TemporaryDirectory) throws {
        let volume = try volume(in: scratch)
        defer { volume.stop(deliveringAtMost: 0) }
        try add(store, to: volume)
        var changes = TagChanges()
        changes.added = [Tag("k", "v")]
        _ = try volume.change(changes, ofTagsOf: volume.resolve("/backends/extra/d").inode)
        let number = try #require(volume.backends.named("extra")?.number)
        try volume.metadata.database.write(durably: true) { (rows) throws(MetadataError) in
            rows.setRemoved(number, at: .now())
            rows.deleteProvision(of: number)
        }
    }

    /// Requests run while their backend goes: each of them ends, and none hangs.
    @Test func requestsOfABackendThatGoesEnd() throws {
        let scratch = try TemporaryDirectory()
        let volume = try volume(in: scratch)
        defer { volume.stop(deliveringAtMost: 0) }
        for _ in 0..<5 {
            let store = MemoryStore()
            for number in 0..<50 { store.set(Key("d\(number)/f"), [1]) }
            try add(store, to: volume)
            let readers = Workers("test", limit: 4)
            let ended = Monitor(0)
            for _ in 0..<4 {
                readers.run {
                    for number in 0..<50 {
                        guard let inode = try? volume.resolve("/backends/extra/d\(number)/f").inode,
                            let handle = try? volume.open(inode, forWriting: false)
                        else { continue }
                        try? volume.read(handle, at: 0, count: 1) { _ in }
                        volume.release(handle)
                    }
                    ended.update { $0 += 1 }
                }
            }
            _ = try volume.removeBackend("extra", losingUnsent: false)
            #expect(ended.wait(atMost: 60) { $0 == 4 ? true : nil } == true)
            readers.stop()
            #expect(try names(volume, "/backends") == ["store"])
        }
    }
}
