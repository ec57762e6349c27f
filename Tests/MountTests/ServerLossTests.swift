import Foundation
import Glibc
import TestSupport
import Testing

/// A store that goes away, refuses, or has no room: nothing written is lost, and every error is told.
@Suite(.serialized)
struct ServerLossTests {
    @Test func aWriterLearnsThatTheServerIsGoneAndItsBytesArriveLater() throws {
        let server = try S3Server(.radosgw)
        let bucket = try Bucket(on: server)
        let mount = try bucket.mount()
        try writeFile(mount.folder + "/before", "safe")
        let file = try must(open(mount.folder + "/f", O_WRONLY | O_CREAT, 0o644))
        try server.stop()
        // Not before: the programs that stop the server inherit the file, and close it too.
        try must(write(file, "precious", 8))
        expect(EIO, close(file))
        // What is here stays readable, and what was written is what is read.
        #expect(try readFile(mount.folder + "/before") == "safe")
        #expect(try readFile(mount.folder + "/f") == "precious")
        mount.crash()
        try server.start()
        try mount.start()
        #expect(try readFile(mount.folder + "/f") == "precious")
        #expect(eventually(atMost: 60) { (try? bucket.read("f")) == "precious" })
    }

    @Test func aReaderLearnsThatTheServerIsGoneAndReadsOnWhenItIsBack() throws {
        let server = try S3Server(.radosgw)
        let bucket = try Bucket(on: server)
        let scratch = try TemporaryDirectory()
        try shell("head -c 60000000 /dev/urandom > f", in: scratch.path)
        try bucket.rclone("copyto", scratch.path + "/f", "other:/f")
        let mount = try bucket.mount()
        let file = try must(open(mount.folder + "/f", O_RDONLY))
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        try must(pread(file, &bytes, 4096, 0))
        try server.stop()
        expect(EIO, pread(file, &bytes, 4096, 50_000_000))
        try server.start()
        #expect(eventually(atMost: 60) { pread(file, &bytes, 4096, 50_000_000) == 4096 })
        let isSame = FileManager.default.contentsEqual(
            atPath: scratch.path + "/f",
            andPath: mount.folder + "/f"
        )
        #expect(isSame)
    }

    @Test(arguments: [
        ("secret_key = wrongsecret", "SignatureDoesNotMatch"),
        ("bucket = no-such-bucket", "no bucket"),
        ("endpoint = http://127.0.0.1:9", "not reachable"),
    ])
    func aMountThatCannotWorkSaysWhy(line: String, reason: String) throws {
        let bucket = try Bucket(.radosgw)
        let key = line.prefix { $0 != " " } + " ="
        let section = bucket.section().split(separator: "\n")
            .map { $0.hasPrefix(key) ? line : String($0) }.joined(separator: "\n")
        let scratch = try TemporaryDirectory()
        try must(mkdir(scratch.path + "/mnt", 0o755))
        try "[mount]\ndata_dir = \(scratch.path)/data\n\(section)\n"
            .write(toFile: scratch.path + "/conf", atomically: true, encoding: .utf8)
        let outcome = try run(
            buildDirectory + "/gosync-mount",
            [scratch.path + "/mnt", "-c", scratch.path + "/conf"],
            atMost: 60
        )
        #expect(outcome.status == 1)
        #expect(outcome.complaint.contains(reason), "\(outcome.complaint)")
        #expect(!outcome.complaint.contains("wrongsecret"))
        #expect(!outcome.complaint.contains(bucket.server.secretKey))
    }

    /// A small tmpfs under the data directory, filled by others: a write that finds no room is ENOSPC, and
    /// loses nothing.
    @Test func aFullDiskIsToldAndLosesNothing() throws {
        let room = try SmallDisk(mebibytes: 24)
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount(
            settings: "directory_ttl = 1s",
            more: room.cacheSection
        )
        try writeFile(mount.folder + "/small", "kept")
        let file = try must(open(mount.folder + "/big", O_WRONLY | O_CREAT, 0o644))
        let block = [UInt8](repeating: 7, count: 1 << 20)
        var written = write(file, block, block.count)
        #expect(written == block.count)
        try shell("dd if=/dev/zero of='\(room.path)/others' bs=64k 2>/dev/null || true")
        var failure: CInt = 0
        while written < 64 << 20 {
            let count = write(file, block, block.count)
            if count < 0 {
                failure = errno
                break
            }
            written += count
        }
        #expect(failure == ENOSPC)
        close(file)
        #expect(try readFile(mount.folder + "/small") == "kept")
        #expect(try status(mount.folder + "/big").st_size == written)
        try must(unlink(mount.folder + "/big"))
        try must(unlink(room.path + "/others"))
        try writeFile(mount.folder + "/after", "room again")
        #expect(try readFile(mount.folder + "/after") == "room again")
        // An object larger than the room can be read all the same.
        let scratch = try TemporaryDirectory()
        try shell("head -c 40000000 /dev/urandom > f", in: scratch.path)
        try bucket.rclone("copyto", scratch.path + "/f", "other:/f")
        #expect(eventually { access(mount.folder + "/f", F_OK) == 0 })
        let isSame = FileManager.default.contentsEqual(
            atPath: scratch.path + "/f",
            andPath: mount.folder + "/f"
        )
        #expect(isSame)
    }

    @Test func aReadOnlyBackendRefusesChanges() throws {
        let bucket = try Bucket(.radosgw)
        try bucket.put("x", at: "f")
        let mount = try bucket.mount(more: "read_only = yes")
        #expect(try readFile(mount.folder + "/f") == "x")
        expect(EROFS, open(mount.folder + "/g", O_WRONLY | O_CREAT, 0o644))
        expect(EROFS, open(mount.folder + "/f", O_WRONLY))
        expect(EROFS, unlink(mount.folder + "/f"))
        // A tag lies here, not in the store.
        try must(setAttribute(mount.folder + "/f", "user.tag.colour", Array("red".utf8)))
    }
}
