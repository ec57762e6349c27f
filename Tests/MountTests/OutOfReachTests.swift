import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// What is pending for stores that cannot be asked, or that are not what they were.
@Suite(.serialized) struct OutOfReachTests {
    private let count = 150

    @Test func whatIsPendingIsNotTriedOneByOne() throws {
        let proxy = try S3Proxy(before: .radosgw)
        var bucket = try Bucket(.radosgw)
        bucket.endpoint = proxy.url
        let mount = try bucket.mount(settings: "directory_ttl = 1h\nclose = async")
        #expect(try names(in: mount.folder).isEmpty)
        proxy.breaks { _ in .instead(.reset(after: "")) }
        try writeFile(mount.folder + "/first", "x")
        let warning = " warning Volumes: backend store: "
        try #require(eventually(atMost: 60) { mount.log.contains(warning) })
        let before = told(mount)
        try shell("for i in $(seq \(count)); do echo $i > f$i; done", in: mount.folder)
        // All of it counts as tried, so that nobody waits for it.
        #expect(try eventually(atMost: 60) { try status(mount).pending.failed > count })
        let flushed = try mount.gosync("flush")
        #expect(flushed.status != 0 && flushed.complaint.contains("127.0.0.1"), "\(flushed)")
        // What was handed out as the store was being looked for may be told.
        #expect(told(mount) - before < count / 3)
        proxy.breaks { _ in nil }
        #expect(try eventually(atMost: 60) { try status(mount).pendingUploads == 0 })
        try mount.unmount()
        #expect(try bucket.rclone("lsf", "other:").split(separator: "\n").count == count + 1)
    }

    @Test func whatIsPendingForABackendThatIsNotConfiguredIsLeftAlone() throws {
        let proxy = try S3Proxy(before: .radosgw)
        var bucket = try Bucket(.radosgw)
        bucket.endpoint = proxy.url
        try bucket.put("x", at: "f")
        let mount = try bucket.mount(settings: "close = async\nunmount = leave")
        #expect(try readFile(mount.folder + "/f") == "x")
        proxy.breaks { _ in .instead(.reset(after: "")) }
        try must(unlink(mount.folder + "/f"))
        mount.crash()
        let configured = try readFile(mount.configuration)
        let other = "[backend other]\ntype = local\npath = \(mount.scratch.path)"
        try writeFile(
            mount.configuration,
            "[mount]\ndata_dir = \(mount.dataDirectory)\n\(other)\n"
        )
        try mount.start()
        #expect(try eventually(atMost: 60) { try status(mount).pending.failed == 1 })
        mount.crash()
        proxy.breaks { _ in nil }
        try writeFile(mount.configuration, configured)
        try mount.start()
        _ = try mount.gosync("flush")
        #expect(try eventually(atMost: 60) { try bucket.rclone("lsf", "other:") == "" })
    }

    /// The configuration names another bucket now, which has other content under the same keys.
    @Test func anotherBucketInItsPlaceLosesNothing() throws {
        let proxy = try S3Proxy(before: .radosgw)
        var bucket = try Bucket(.radosgw)
        bucket.endpoint = proxy.url
        let other = try Bucket(.radosgw)
        let scratch = try TemporaryDirectory()
        try shell(
            """
            mkdir here there
            for i in $(seq 14); do echo here $i > here/$i; echo there $i > there/$i; done
            """,
            in: scratch.path
        )
        try bucket.rclone("copy", scratch.path + "/here", "other:/")
        try other.rclone("copy", scratch.path + "/there", "other:/")
        let mount = try bucket.mount(settings: "directory_ttl = 1s\nclose = async\nunmount = leave")
        try shell("cat *", in: mount.folder)
        proxy.breaks { _ in .instead(.reset(after: "")) }
        try writeFile(mount.folder + "/1", "mine")
        for name in ["2", "3", "4", "5"] { try must(unlink(mount.folder + "/" + name)) }
        mount.crash()
        proxy.breaks { _ in nil }
        let configured = try readFile(mount.configuration)
        let changed = configured.replacingOccurrences(of: bucket.name, with: other.name)
        try writeFile(mount.configuration, changed)
        try mount.start()
        _ = try mount.gosync("flush")
        #expect(try eventually(atMost: 60) { try status(mount).pendingUploads == 0 })
        // What is there stays as it is, and ours lies beside it.
        let store = scratch.path + "/store"
        try other.rclone("copy", "other:", store)
        let found = try names(in: store)
        #expect(found.count == 15)
        try shell("for i in $(seq 14); do cmp there/$i store/$i; done", in: scratch.path)
        let ours = try #require(found.first { $0.hasPrefix("1.conflict-") })
        #expect(try readFile(store + "/" + ours) == "mine")
        try bucket.rclone("copy", "other:", scratch.path + "/old")
        try shell("diff -r here old", in: scratch.path)
        // Whoever runs it is told.
        #expect(
            eventually(atMost: 60) {
                _ = try? names(in: mount.folder)
                return mount.log.contains("hardly anything of what was known is there any more")
            }
        )
        let now = try status(mount)
        #expect(now.conflicts == 1)
        #expect(now.backends.contains { $0.error?.contains("still the same place") ?? false })
    }

    private func told(_ mount: Mount) -> Int {
        mount.log.components(separatedBy: "will be tried again").count - 1
    }

    private func status(_ mount: Mount) throws -> VolumeStatus {
        let status: Status = try mount.message("status", "--json")
        return status.volume
    }
}
