import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// `gosync flush` waits until the store has what was written, or tells what it has not got, and why.
@Suite(.serialized)
struct FlushTests {
    private static let settings = "directory_ttl = 1s\nclose = async"

    @Test func flushReturnsWhenTheStoreHasEverything() throws {
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount(settings: Self.settings)
        try shell(
            """
            mkdir d; for i in $(seq 50); do echo $i > d/f$i; done; head -c 20000000 /dev/urandom > big
            mv d e; rm e/f7
            """,
            in: mount.folder
        )
        let outcome = try mount.gosync("flush")
        #expect(outcome.status == 0, "\(outcome.complaint)")
        let keys = try bucket.rclone("lsf", "-R", "--files-only", "other:").split(separator: "\n")
        let expected = ["big"] + (1...50).filter { $0 != 7 }.map { "e/f\($0)" }
        #expect(Set(keys) == Set(expected.map { Substring($0) }))
        #expect(try bucket.read("e/f50") == "50\n")
        let status: Status = try mount.message("status", "--json")
        #expect(status.volume.pending == VolumeStatus.Pending(status.volume.pending, left: 0))
        // Nothing to wait for.
        let again = try mount.gosync("flush", "--json")
        let last = try #require(again.output.split(separator: "\n").last)
        #expect(try FlushReport(json: Array(last.utf8)).state == .done)
    }

    @Test func whatAHangingStoreHasNotGotIsNamedWhenTheTimeIsUp() throws {
        let server = try S3Server(.radosgw)
        let bucket = try Bucket(on: server)
        let near = try TemporaryDirectory()
        let mount = try bucket.mount(
            settings: Self.settings,
            more: "[backend near]\ntype = local\npath = \(near.path)"
        )
        #expect(try names(in: mount.folder).isEmpty)
        try server.pause()
        try shell("mkdir d; echo 1 > d/one; echo 2 > two", in: mount.folder)
        try writeFile(mount.path + "/backends/near/f", "near")
        let outcome = try mount.gosync("flush", "--timeout", "1s")
        #expect(outcome.status == 1)
        for name in ["d", "d/one", "two"] {
            #expect(outcome.complaint.contains("/backends/store/\(name)"), "\(outcome.complaint)")
        }
        let status: Status = try mount.message("status", "--json")
        #expect(status.volume.pending.uploads >= 2 && status.volume.pending.bytes == 4)
        #expect(status.volume.pending.oldest != nil)
        // What lies elsewhere does not wait for it.
        #expect(try mount.gosync("flush", mount.path + "/backends/near").status == 0)
        #expect(try readFile(near.path + "/f") == "near")
        let below = try mount.gosync("flush", "store/d", "--timeout", "100ms")
        #expect(below.status == 1 && !below.complaint.contains("two"), "\(below.complaint)")
        try server.resume()
        let done = try mount.gosync("flush", "store/d")
        #expect(done.status == 0, "\(done.complaint)")
        #expect(try bucket.read("d/one") == "1\n")
        #expect(try mount.gosync("flush").status == 0)
        #expect(try bucket.read("two") == "2\n")
    }

    @Test func whatIsRefusedIsNamedWithTheReasonAndWhatWaitsIsTriedAtOnce() throws {
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount(settings: Self.settings)
        #expect(try names(in: mount.folder).isEmpty)
        try bucket.rclone("rmdir", "other:")
        try writeFile(mount.folder + "/f", "kept")
        let outcome = try mount.gosync("flush")
        #expect(outcome.status == 1)
        #expect(outcome.complaint.contains("/backends/store/f: "), "\(outcome.complaint)")
        #expect(outcome.complaint.contains("bucket"), "\(outcome.complaint)")
        let status: Status = try mount.message("status", "--json")
        #expect(status.volume.pending.failed == 1)
        // By now it waits for seconds between two tries.
        for _ in 0..<4 { #expect(try mount.gosync("flush").status == 1) }
        try bucket.rclone("mkdir", "other:")
        #expect(try mount.gosync("flush").status == 0)
        #expect(try bucket.read("f") == "kept")
    }

    @Test func aProgramThatWritesWithoutEndIsNotWaitedForWithoutEnd() throws {
        let mount = try Mount(settings: "close = async")
        let writer = try Caller(
            "/bin/sh",
            "-c",
            "while :; do echo line; sleep 0.002; done >> '\(mount.folder)/log'"
        )
        defer { writer.end() }
        #expect(eventually { (try? readFile(mount.folder + "/log"))?.isEmpty == false })
        let size = try status(mount.folder + "/log").st_size
        let outcome = try mount.gosync("flush")
        #expect(outcome.status == 0, "\(outcome.complaint)")
        #expect(try status(mount.dataDirectory + "/local/log").st_size >= size)
        #expect(writer.isRunning)
    }

    @Test func whatCannotBeFlushedIsAnError() throws {
        let mount = try Mount()
        let missing = try mount.gosync("flush", "local/none")
        #expect(missing.status == 1 && missing.complaint.contains("no such file"))
        #expect(try mount.gosync("flush", "--timeout", "soon").status == 2)
        try mount.unmount()
        #expect(try mount.gosync("flush").status == 3)
    }
}

extension VolumeStatus.Pending {
    /// With nothing left; how fast it went is not known to a test.
    fileprivate init(_ rates: VolumeStatus.Pending, left: Int) {
        self.init()
        objectsPerSecond = rates.objectsPerSecond
        bytesPerSecond = rates.bytesPerSecond
        secondsLeft = Double(left)
    }
}
