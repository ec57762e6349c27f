import Foundation
import Glibc
import TestSupport
import Testing
import Wire

@testable import gosync

/// What of the files is on the local disk, and files that were changed on two sides.
struct CacheCommandTests {
    /// Clearing costs a fetch, and never a byte.
    @Test func whatIsClearedIsFetchedAgain() throws {
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount(settings: "close = async\ndirectory_ttl = 1s")
        try shell(
            "head -c 3000000 /dev/urandom > a; head -c 2000000 /dev/urandom > b",
            in: mount.folder
        )
        try shell("cat a b | sha256sum > '\(mount.scratch.path)/sums'", in: mount.folder)
        #expect(try eventually { try mount.status().volume.pendingUploads == 0 })
        #expect(try mount.lines("cache", "pin", "store/b") == ["1 file pinned"])
        let open = try FileHandle(forUpdating: URL(filePath: mount.folder + "/new"), making: true)
        try open.write(contentsOf: Data("only here".utf8))
        let freed: ClearedCache = try mount.message("cache", "clear", "--json")
        #expect((3_000_000..<4_000_000).contains(freed.freedBytes))
        #expect(try readFile(mount.folder + "/new") == "only here")
        let state: CacheState = try mount.message("cache", "show", "--json")
        #expect(state.pinned == ["/backends/store/b"])
        #expect((2_000_000..<3_000_000).contains(state.usedBytes))
        try open.close()

        // It is pinned after a restart too, and what is warmed is here.
        try mount.remount()
        let again: ClearedCache = try mount.message("cache", "clear", "--json")
        #expect(again.freedBytes < 1_000_000)
        #expect(try mount.lines("cache", "warm", "store") == ["3 files here, 4.8M"])
        #expect(try mount.cacheState().usedBytes >= 5_000_000)
        try shell("cat a b | sha256sum | cmp - '\(mount.scratch.path)/sums'", in: mount.folder)
        try mount.done("cache", "unpin", "store")
        let all: ClearedCache = try mount.message("cache", "clear", "--json")
        #expect(all.freedBytes >= 5_000_000)
        try shell("cat a b | sha256sum | cmp - '\(mount.scratch.path)/sums'", in: mount.folder)
    }

    /// The version that replaces a pinned file is pinned, whoever wrote it; not everything can be.
    @Test func aPinFollowsTheFile() throws {
        let bucket = try Bucket(.radosgw)
        let section = bucket.section() + "\n[cache]\nsize = 16MiB\n"
        let mount = try Mount(backend: "store", sections: section, settings: "directory_ttl = 1s")
        try writeFile(mount.folder + "/kept", "mine")
        try shell("for n in 1 2 3; do head -c 5000000 /dev/zero > f$n; done", in: mount.folder)
        try mount.done("cache", "pin", "store/kept")
        try bucket.put("somebody else's", at: "kept")
        #expect(eventually { (try? readFile(mount.folder + "/kept")) == "somebody else's" })
        #expect(try mount.cacheState().pinned == ["/backends/store/kept"])
        try mount.done("cp", mount.configuration, "/backends/store/kept")
        #expect(try mount.cacheState().pinned == ["/backends/store/kept"])
        let tooMuch = try mount.gosync("cache", "pin", "store")
        #expect(tooMuch.status == 1 && tooMuch.complaint.contains("three quarters"))
        try mount.done("rm", "store/kept")
        #expect(try mount.cacheState().pinned == [])
    }

    @Test(arguments: ["keep-ours", "keep-theirs"])
    func aConflictIsSettled(how: String) throws {
        let mount = try Mount()
        let folder = mount.folder
        let ours = "a.conflict-host-20240501T100000Z.txt"
        try shell("printf theirs > a.txt; printf ours > \(ours); : > a.conflict-x.txt", in: folder)
        #expect(try mount.lines("conflicts", "list") == ["/backends/local/" + ours])
        #expect(
            try mount.gosync("conflicts", how, "local/a.txt").complaint.contains("no conflicting")
        )
        try mount.done("conflicts", how, "local/" + ours)
        let left = how == "keep-ours" ? "ours" : "theirs"
        #expect(eventually { (try? readFile(folder + "/a.txt")) == left })
        #expect(try mount.lines("ls", "local") == ["a.conflict-x.txt", "a.txt"])
        #expect(try mount.lines("conflicts", "list") == [])
    }

    @Test(arguments: [
        ("/b/x/a.conflict-h-20240501T100000Z.txt", "/b/x/a.txt"),
        ("/b/a.conflict-h-20240501T100000Z", "/b/a"), ("/b/a.conflict-h.txt", nil),
        ("/b/a.txt", nil),
        ("/b/a.conflict-my-host-20240501T100000Z.gz", "/b/a.gz"),
        ("/b/.conflict-h-20240501T100000Z.txt", nil),
        ("/b/d.conflict-h-20240501T100000Z.x/a", nil),
    ])
    func aConflictTellsItsOrigin(path: String, original: String?) {
        #expect(ConflictPath(path)?.original == original)
    }
}

extension Mount {
    fileprivate func status() throws -> Status { try message("status", "--json") }
    fileprivate func cacheState() throws -> CacheState { try message("cache", "show", "--json") }
}

extension FileHandle {
    fileprivate convenience init(forUpdating url: URL, making: Bool) throws {
        _ = FileManager.default.createFile(atPath: url.path, contents: nil)
        let descriptor = open(url.path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw MountFailure(description: "cannot open \(url.path)") }
        self.init(fileDescriptor: descriptor, closeOnDealloc: true)
    }
}
