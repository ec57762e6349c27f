import Foundation
import Glibc
import TestSupport
import Testing

/// `durability = remote`: what `fsync` has returned from is in the store.
@Suite(.serialized)
struct DurabilityTests {
    private static let settings = "close = async\ndurability = remote"

    @Test(arguments: [fsync, fdatasync] as [@Sendable (Int32) -> Int32])
    func whatWasSynchronizedIsInTheStore(call: @Sendable (Int32) -> Int32) throws {
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount(settings: Self.settings)
        let file = try must(open(mount.folder + "/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
        defer { close(file) }
        for text in ["first", "later"] {
            try must(pwrite(file, text, 5, 0))
            try must(call(file))
            #expect(try bucket.read("f") == text)
        }
        // Also by way of a handle that only reads, as `sync FILE` has it.
        try must(pwrite(file, "third", 5, 0))
        let reader = try must(open(mount.folder + "/f", O_RDONLY | O_CLOEXEC))
        defer { close(reader) }
        try must(call(reader))
        #expect(try bucket.read("f") == "third")
    }

    @Test func aServerThatIsGoneFailsItAndGetsTheBytesLater() throws {
        let server = try S3Server(.radosgw)
        let bucket = try Bucket(on: server)
        let mount = try bucket.mount(settings: Self.settings)
        let file = try must(open(mount.folder + "/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
        try server.stop()
        try must(write(file, "precious", 8))
        expect(EIO, fsync(file))
        mount.crash()
        close(file)
        try server.start()
        try mount.start()
        #expect(try readFile(mount.folder + "/f") == "precious")
        #expect(eventually(atMost: 60) { (try? bucket.read("f")) == "precious" })
    }

    @Test func aFailureInTheBackgroundIsToldOnceByClose() throws {
        let proxy = try S3Proxy(before: .radosgw)
        var bucket = try Bucket(.radosgw)
        bucket.endpoint = proxy.url
        let mount = try bucket.mount(settings: Self.settings)
        let path = mount.folder + "/f"
        let file = try must(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
        proxy.breaks { request in
            guard request.method == "PUT" else { return nil }
            return .instead(
                .answer(403, body: Array("<Error><Code>AccessDenied</Code></Error>".utf8))
            )
        }
        try must(write(file, "bytes", 5))
        // The close of another writer makes the work due, and is told itself if it is slower than the server.
        let isToldAtOnce = close(try must(open(path, O_WRONLY | O_CLOEXEC))) != 0
        #expect(!isToldAtOnce || errno == EACCES)
        let isTold = eventually { (try? attribute(path, "user.gosync.error"))?.isEmpty == false }
        #expect(isTold, "\(mount.log.suffix(1000))")
        // Who starts a program has all that is open copied and closed, and what that answers is lost.
        #expect(try run("/bin/true", []).status == 0)
        let other = try must(dup(file))
        if isToldAtOnce { close(other) } else { expect(EACCES, close(other)) }
        proxy.breaks { _ in nil }
        try must(fsync(file))
        try must(close(file))
        #expect(try bucket.read("f") == "bytes")
    }

    /// Who does not want to wait any more leaves, and the bytes are delivered all the same.
    @Test func aWaitForAServerThatIsSilentCanBeEnded() throws {
        let server = try S3Server(.radosgw)
        let bucket = try Bucket(on: server)
        let mount = try bucket.mount(settings: Self.settings)
        try writeFile(mount.folder + "/f", "before")
        #expect(eventually(atMost: 60) { (try? bucket.read("f")) == "before" })
        try server.pause()
        try shell("printf after > f", in: mount.folder)
        let outcome = try run("/usr/bin/sync", [mount.folder + "/f"], atMost: 1)
        try server.resume()
        #expect(outcome.status == 128 + SIGKILL, "\(outcome)")
        #expect(eventually(atMost: 60) { (try? bucket.read("f")) == "after" })
    }
}
