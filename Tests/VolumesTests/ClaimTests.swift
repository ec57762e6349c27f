import Base
import Cache
import Metadata
import Stores
import TestSupport
import Testing

@testable import Volumes

/// Whose an object is that lies where nobody has noted one.
struct ClaimTests {
    /// SQLite's journal comes and goes like this; the old one must not come back as somebody else's.
    @Test func whatARemovedNameHasSentIsOverwrittenByTheNext() throws {
        let scratch = try TemporaryDirectory()
        let store = MemoryStore()
        let metadata = try Metadata(path: scratch.path + "/db")
        let cache = try BlockCache(
            directory: scratch.path + "/cache",
            sizeBytes: 1 << 30,
            database: metadata.database
        )
        let backend = BackendDescription(
            name: "store",
            store: store,
            isReadOnly: false,
            directorySeconds: 60
        )
        let volume = try Volume(
            metadata: metadata,
            cache: cache,
            backends: [backend],
            options: VolumeOptions(owner: 1, group: 1)
        )
        defer { volume.stop(deliveringAtMost: 0) }
        let backends = try volume.lookup("backends", in: 1).attributes.inode
        let root = try volume.lookup("store", in: backends).attributes.inode
        let make = { (content: String, answers: Bool) in
            let new = NewFile(mode: 0o100644, owner: 1, group: 1)
            let (_, handle) = try volume.create(new, named: "journal", in: root, exclusive: true)
            try volume.write(handle, at: 0, Array(content.utf8).span.bytes)
            if !answers { store.loseAnswers(1) }
            if answers {
                try volume.flush(handle)
            } else {
                #expect(throws: Errno.ioError) { try volume.flush(handle) }
            }
            #expect(store.bytes(of: "journal") == Array(content.utf8))
            volume.release(handle)
        }
        try make("one", false)
        for content in ["two", "three", "four"] {
            try volume.unlink("journal", in: root)
            try make(content, content == "four")
        }
        try volume.openDirectory(root)
        #expect(try volume.list(root, after: 2, limit: 10).map(\.name) == ["journal"])
    }
}
