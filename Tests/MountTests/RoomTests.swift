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

    /// The disk sets the limit where it is smaller than what the cache was given.
    @Test func aFileLargerThanTheDiskGoesToTheStorePieceByPiece() throws {
        let bucket = try Bucket(.radosgw)
        let room = try SmallDisk(mebibytes: 64)
        let mount = try bucket.mount(settings: Self.settings, more: room.sections)
        let source = mount.scratch.path + "/source"
        try shell("head -c 80000000 /dev/urandom > '\(source)'")
        // What was delivered makes room for others.
        for name in ["a", "b"] { try shell("cp '\(source)' '\(mount.folder)/\(name)'") }
        try shell("cmp '\(source)' '\(mount.folder)/a'")
        #expect(try mount.gosync("flush").status == 0)
        for name in ["a", "b"] {
            let copy = mount.scratch.path + "/copy"
            try bucket.rclone("copyto", "other:/" + name, copy)
            try shell("cmp '\(source)' '\(copy)'")
        }
    }

    /// What could be fetched again goes when others need the disk, without anybody using the mount.
    @Test func othersGetTheDiskThatTheCacheCanDoWithout() throws {
        let bucket = try Bucket(.radosgw)
        let room = try SmallDisk(mebibytes: 64)
        let mount = try bucket.mount(settings: Self.settings, more: room.sections)
        try shell("head -c 40000000 /dev/urandom > '\(mount.folder)/a'")
        #expect(try mount.gosync("flush").status == 0)
        let sum = try shell("md5sum < '\(mount.folder)/a'")
        try shell("fallocate -l \(try room.free()) '\(room.path)/foreign'")
        #expect(try eventually(atMost: 30) { try room.free() >= 4 << 20 })
        try writeFile(mount.folder + "/small", "small")
        #expect(try mount.gosync("flush").status == 0)
        #expect(try bucket.read("small") == "small")
        #expect(try shell("md5sum < '\(mount.folder)/a'") == sum)
    }

    /// Cache and database on a disk that is full: what was answered stays, and with room all goes on.
    @Test func aFullDiskUnderAllDataLosesNothingThatWasAnswered() throws {
        let server = try S3Server(.radosgw)
        let bucket = try Bucket(on: server)
        let room = try SmallDisk(mebibytes: 24)
        let mount = try bucket.mount(settings: Self.settings, more: room.sections)
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
        try room.resize(mebibytes: 64)
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
