import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// A cache, or a disk, that is full of what its store has not got yet: writers wait, and in the end learn
/// that there is no space, and nothing is lost.
@Suite(.serialized)
struct RoomTests {
    private static let cacheBytes = 16 << 20
    private static let settings = "directory_ttl = 1s\nclose = async"

    @Test func writersAreSlowedDownToWhatTheStoreTakes() throws {
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount(settings: Self.settings, more: "[cache]\nsize = 16MiB")
        let source = mount.scratch.path + "/source"
        try shell(
            """
            mkdir '\(source)'; cd '\(source)'
            for i in $(seq 60); do head -c 1000000 /dev/urandom > f$i; done
            head -c 50000000 /dev/urandom > large
            """
        )
        // The large one alone is more than the cache holds.
        try shell("cp '\(source)'/* '\(mount.folder)'")
        #expect(try mount.gosync("flush").status == 0)
        let copy = mount.scratch.path + "/copy"
        try bucket.rclone("copy", "other:", copy)
        try shell("diff -r '\(source)' '\(copy)'")
        let status: Status = try mount.message("status", "--json")
        #expect(status.volume.cache.usedBytes <= Self.cacheBytes)
        try shell("diff -r '\(source)' '\(mount.folder)'")
    }

    @Test func withoutAStoreThereIsNoSpaceInTheEndAndNothingIsLost() throws {
        let server = try S3Server(.radosgw)
        let bucket = try Bucket(on: server)
        let mount = try bucket.mount(settings: Self.settings, more: "[cache]\nsize = 16MiB")
        #expect(try names(in: mount.folder).isEmpty)
        try server.stop()
        let file = try must(open(mount.folder + "/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
        let block = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var written = 0
        var count = 0
        repeat {
            count = write(file, block, block.count)
            if count > 0 { written += count }
        } while count > 0 && written < 4 * Self.cacheBytes
        let failure = errno
        #expect(count == -1 && failure == ENOSPC)
        #expect(written >= Self.cacheBytes && written <= Self.cacheBytes + 2 << 20)
        close(file)
        // Who waits can be killed.
        let writer = try Caller("/bin/cp", "/bin/bash", mount.folder + "/more")
        sleep(2)
        #expect(writer.isRunning)
        kill(writer.process, SIGKILL)
        #expect(eventually(atMost: 10) { !writer.isRunning })
        writer.end()
        // What is here can be read, and survives a crash.
        mount.crash()
        try server.start()
        try mount.start()
        #expect(try status(mount.folder + "/f").st_size == written)
        #expect(try mount.gosync("flush").status == 0)
        let copy = mount.scratch.path + "/copy"
        try bucket.rclone("copyto", "other:/f", copy)
        let bytes = try Data(contentsOf: URL(filePath: copy))
        #expect(bytes.count == written)
        #expect(bytes.enumerated().allSatisfy { $1 == block[$0 % block.count] })
        // With room again, so can others.
        try writeFile(mount.folder + "/after", "room again")
        #expect(try mount.gosync("flush").status == 0)
        #expect(try bucket.read("after") == "room again")
    }

    /// Cache and database on a disk that is full: what was answered stays, and with room all goes on.
    @Test func aFullDiskUnderAllDataLosesNothingThatWasAnswered() throws {
        try #require(getuid() == 0, "mounting a tmpfs takes root")
        let server = try S3Server(.radosgw)
        let bucket = try Bucket(on: server)
        let room = try TemporaryDirectory()
        try must(Glibc.mount("tmpfs", room.path, "tmpfs", 0, "size=24m,mode=700"))
        defer { umount2(room.path, CInt(MNT_DETACH)) }
        let mount = try bucket.mount(
            settings: Self.settings,
            more: """
                [cache]
                dir = \(room.path)/cache
                [metadata]
                path = \(room.path)/metadata.db
                """
        )
        try writeFile(mount.folder + "/before", "before")
        try server.stop()
        var answered: [String] = []
        for number in 0..<40 {
            let path = mount.folder + "/f\(number)"
            let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
            guard file >= 0 else { break }
            let block = [UInt8](repeating: UInt8(number), count: 1 << 20)
            let count = write(file, block, block.count)
            if count == block.count, fsync(file) == 0 { answered.append("f\(number)") }
            close(file)
            if count != block.count {
                #expect(count >= 0 || errno == ENOSPC)
                break
            }
        }
        #expect(answered.count > 5 && answered.count < 24)
        mount.crash()
        try must(Glibc.mount("tmpfs", room.path, "tmpfs", UInt(MS_REMOUNT), "size=64m"))
        try server.start()
        try mount.start()
        #expect(try mount.gosync("flush").status == 0)
        let copy = mount.scratch.path + "/copy"
        try bucket.rclone("copy", "other:", copy)
        #expect(try readFile(copy + "/before") == "before")
        for (number, name) in answered.enumerated() {
            let bytes = try Data(contentsOf: URL(filePath: copy + "/" + name))
            #expect(bytes == Data(repeating: UInt8(number), count: 1 << 20), "\(name)")
        }
    }
}
