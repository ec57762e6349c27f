import Base
import Glibc
import TestSupport
import Testing

/// A disk of its own for cache and database.
final class SmallDisk {
    private let directory: TemporaryDirectory
    var path: String { directory.path }
    /// For the configuration of a mount that has its cache here.
    var cacheSection: String { "[cache]\ndir = \(path)/cache\n" }
    /// The same for one that has its database here as well.
    var sections: String { cacheSection + "[metadata]\npath = \(path)/metadata.db\n" }

    init(mebibytes: Int) throws {
        try #require(getuid() == 0, "mounting a tmpfs takes root")
        directory = try TemporaryDirectory()
        try must(Glibc.mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m,mode=700"))
    }

    func resize(mebibytes: Int) throws {
        try must(Glibc.mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT), "size=\(mebibytes)m"))
    }

    func free() throws -> Int64 { try fileSystemSpace(at: path).free }

    deinit { umount2(path, CInt(MNT_DETACH)) }
}
