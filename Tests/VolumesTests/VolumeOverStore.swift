import Base
import Cache
import Metadata
import Stores

@testable import Volumes

extension Volume {
    /// A volume with one backend, `store`, that keeps what is its own in a directory.
    convenience init(
        over store: any Store,
        in directory: String,
        isReadOnly: Bool = false,
        directorySeconds: Double = 60,
        waitsForStore: Bool = true
    ) throws {
        let metadata = try Metadata(path: directory + "/db")
        let cache = try BlockCache(
            directory: directory + "/cache",
            sizeBytes: 1 << 30,
            database: metadata.database
        )
        let backend = BackendDescription(
            name: "store",
            store: store,
            isReadOnly: isReadOnly,
            directorySeconds: directorySeconds
        )
        var options = VolumeOptions(owner: 1, group: 1)
        options.waitsForStore = waitsForStore
        try self.init(metadata: metadata, cache: cache, backends: [backend], options: options)
    }

    /// Writes to a file at the top of the store, which is made if it is not there; to be released.
    func written(_ content: String, to name: Name) throws -> Handle {
        let new = NewFile(mode: 0o100644, owner: 1, group: 1)
        let (_, handle) = try create(new, named: name, in: storeRoot, exclusive: false)
        try write(handle, at: 0, Array(content.utf8).span.bytes)
        return handle
    }

    /// The directory that shows the store.
    var storeRoot: UInt64 {
        get throws {
            let backends = try lookup("backends", in: 1).attributes.inode
            return try lookup("store", in: backends).attributes.inode
        }
    }
}
