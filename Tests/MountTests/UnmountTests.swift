import Foundation
import Glibc
import TestSupport
import Testing

/// What an unmount does about what the store has yet to get: `unmount = flush | leave`.
///
/// The store is one that hangs, so that it is sure to have nothing when the daemon is told to end.
@Suite(.serialized)
struct UnmountTests {
    /// More than are under way at once: what a hanging server has been sent may still take effect.
    private static let files = 60

    /// A bucket whose server hangs, and a mount of it with files that are only here.
    private struct Scene {
        let server: S3Server
        let bucket: Bucket
        let mount: Mount

        init(_ settings: String) throws {
            server = try S3Server(.radosgw)
            bucket = try Bucket(on: server)
            mount = try bucket.mount(settings: "close = async\n" + settings)
            try writeFile(mount.folder + "/before", "before")
            #expect(eventually { (try? bucket.read("before")) == "before" })
            try server.pause()
            for number in 0..<UnmountTests.files {
                try writeFile(mount.folder + "/f\(number)", "text \(number)")
            }
        }

        /// With the server awake again, a start delivers what the end left.
        func expectDeliveryAtTheNextStart() throws {
            try server.resume()
            #expect(try delivered().count < UnmountTests.files)
            try mount.start()
            for number in 0..<UnmountTests.files {
                #expect(try readFile(mount.folder + "/f\(number)") == "text \(number)")
            }
            try expectDelivery()
        }

        func expectDelivery() throws {
            #expect(
                try eventually(atMost: 60) { try delivered().count == UnmountTests.files + 1 }
            )
            let copy = try TemporaryDirectory()
            try bucket.rclone("copy", "other:", copy.path)
            for number in 0..<UnmountTests.files {
                #expect(try readFile(copy.path + "/f\(number)") == "text \(number)")
            }
        }

        func delivered() throws -> [Substring] {
            try bucket.rclone("lsf", "other:").split(separator: "\n")
        }

        /// Kills by a signal; whoever hangs for longer than any limit of this test does not end.
        func endsAfter(_ signal: CInt, atMost seconds: Double = 60) -> Bool {
            kill(mount.daemon.processIdentifier, signal)
            return eventually(atMost: seconds) { !mount.daemon.isRunning }
        }
    }

    @Test func leaveEndsAtOnceAndTheNextStartDelivers() throws {
        let scene = try Scene("unmount = leave\nunmount_limit = 1h")
        #expect(scene.endsAfter(SIGTERM))
        #expect(scene.mount.daemon.terminationStatus == 0)
        #expect(scene.mount.log.contains("go on at the next start"))
        try scene.expectDeliveryAtTheNextStart()
    }

    @Test func leaveEndsAtOnceAfterAnUnmountAsWell() throws {
        let scene = try Scene("unmount = leave\nunmount_limit = 1h")
        try scene.mount.beginUnmount()
        #expect(eventually(atMost: 60) { !scene.mount.daemon.isRunning })
        try scene.expectDeliveryAtTheNextStart()
    }

    @Test func flushWaitsNoLongerThanItsLimit() throws {
        let scene = try Scene("unmount_limit = 2s")
        #expect(scene.endsAfter(SIGTERM))
        try scene.expectDeliveryAtTheNextStart()
    }

    @Test func flushWaitsForAStoreThatComesBack() throws {
        let scene = try Scene("unmount_limit = 1h")
        #expect(!scene.endsAfter(SIGTERM, atMost: 15))
        try scene.server.resume()
        #expect(eventually(atMost: 90) { !scene.mount.daemon.isRunning })
        try scene.expectDelivery()
    }

    @Test func aSecondSignalMeansLeave() throws {
        let scene = try Scene("unmount_limit = 1h")
        #expect(!scene.endsAfter(SIGTERM, atMost: 3))
        // Nothing new is opened by then.
        #expect(access(scene.mount.path + "/backends", F_OK) == -1)
        #expect(scene.endsAfter(SIGTERM))
        #expect(scene.mount.daemon.terminationStatus == 0)
        try scene.expectDeliveryAtTheNextStart()
    }

    @Test func aKillDuringTheUnmountLosesNothing() throws {
        let scene = try Scene("unmount_limit = 1h")
        #expect(!scene.endsAfter(SIGTERM, atMost: 2))
        scene.mount.crash()
        try scene.expectDeliveryAtTheNextStart()
    }

    /// What only a mapping has, of a file in a directory whose listing is out of date, costs no question.
    @Test func leaveKeepsWhatIsOnlyMapped() throws {
        let scene = try Scene("unmount = leave\ndirectory_ttl = 1s")
        let file = try must(open(scene.mount.folder + "/f0", O_RDWR))
        defer { close(file) }
        let memory = mmap(nil, 6, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        try #require(memory != MAP_FAILED)
        sleep(2)
        memory!.storeBytes(of: UInt8(ascii: "T"), as: UInt8.self)
        #expect(scene.endsAfter(SIGTERM))
        munmap(memory, 6)
        try scene.server.resume()
        try scene.mount.start()
        #expect(eventually(atMost: 60) { (try? scene.bucket.read("f0")) == "Text 0" })
    }
}
