import Base
import Foundation
import Glibc
import TestSupport
import Testing

/// Copies between files of the mount: by the store where it can, and right in any case.
@Suite(.serialized) struct CopyRangeTests {
    private static let size = 20 << 20
    /// Answers to small requests, attributes and the like.
    private static let little = 256 << 10

    @Test func theStoreCopiesAWholeFile() throws {
        let (bucket, proxy, scratch) = try behindProxy()
        let mount = try bucket.mount()
        try must(access(mount.folder + "/seed", F_OK))
        _ = proxy.takeCounts()
        try shell("cp --reflink=auto seed copy", in: mount.folder)
        let counts = proxy.takeCounts()
        #expect(counts.sent < Self.little && counts.received < Self.little, "\(counts)")
        // It is in the store when the call returns.
        try bucket.rclone("copyto", "other:/copy", scratch.path + "/copy")
        try shell("cmp seed copy && cmp seed '\(mount.folder)/copy'", in: scratch.path)
        #expect(try readFile(mount.folder + "/copy").utf8.count > 0)
        // It is a file like any other, and the kernel knows its size.
        try shell("printf end >> copy && printf end >> '\(scratch.path)/copy'", in: mount.folder)
        try mount.unmount()
        try bucket.rclone("copyto", "other:/copy", scratch.path + "/changed")
        try shell("cmp copy changed", in: scratch.path)
    }

    @Test func theStoreCopiesTheBeginningAndThenTheRest() throws {
        let (bucket, proxy, scratch) = try behindProxy()
        let mount = try bucket.mount()
        try must(access(mount.folder + "/seed", F_OK))
        _ = proxy.takeCounts()
        try copy(
            "seed",
            "copy",
            [(0, 0, 9 << 20), (9 << 20, 9 << 20, Self.size)],
            in: mount.folder
        )
        let counts = proxy.takeCounts()
        #expect(counts.sent < Self.little && counts.received < Self.little, "\(counts)")
        try copy("seed", "part", [(0, 0, 12 << 20)], in: mount.folder)
        try mount.unmount()
        try bucket.rclone("copy", "other:", scratch.path + "/store")
        try shell("cmp seed store/copy", in: scratch.path)
        try shell("head -c \(12 << 20) seed | cmp - store/part", in: scratch.path)
        #expect(try bucket.uploads().isEmpty)
    }

    /// Whatever the store cannot do is done by reading and writing.
    @Test(arguments: ["radosgw", "local"])
    func everyCopyHasTheRightBytes(kind: String) throws {
        let bucket = kind == "local" ? nil : try Bucket(.radosgw)
        let mount = try bucket?.mount(settings: "close = async") ?? Mount()
        let folder = mount.folder
        let scratch = try TemporaryDirectory()
        let mirror = scratch.path + "/mirror"
        try must(mkdir(mirror, 0o755))
        try shell("head -c \(Self.size) /dev/urandom > seed; cp seed '\(folder)'", in: mirror)
        for root in [folder, mirror] {
            // A source that is changed and not delivered, and one that is open and being written.
            try shell(
                """
                cp seed dirty
                printf changed | dd of=dirty conv=notrunc bs=1 seek=5000000 status=none
                cp dirty of-dirty
                exec 7<>seed; printf first >&7; cp seed while-open; exec 7>&-
                printf "a target that has bytes" > target
                """,
                in: root
            )
            try copy("seed", "target", [(3, 7, 1 << 20), (0, 2 << 20, 5000)], in: root)
            try copy("seed", "seed", [(0, 10 << 20, 1 << 20)], in: root)
            try copy("seed", "behind", [(Self.size + 5, 0, 1 << 20)], in: root)
            try copy("seed", "hole", [(0, 1 << 20, 2 << 20)], in: root)
            // Over a file that has an object, and one that was copied and cut.
            try shell(
                "cp dirty over; sync over; cp seed over; cp seed cut; truncate -s 6000000 cut",
                in: root
            )
            try copy("seed", "cut", [(6_000_000, 6_000_000, 7_000_000)], in: root)
        }
        try shell("diff -r '\(mirror)' '\(folder)'")
        try mount.unmount()
        if let bucket {
            try bucket.rclone("copy", "other:", scratch.path + "/store")
            try shell("diff -r mirror store", in: scratch.path)
            #expect(try bucket.uploads().isEmpty)
        } else {
            try shell("diff -r '\(mirror)' '\(mount.dataDirectory)/local'")
        }
    }

    @Test func aCopyToAnotherBackendHasItsBytes() throws {
        let (bucket, scratch) = try prepared()
        let attic = scratch.path + "/attic"
        try must(mkdir(attic, 0o755))
        let mount = try bucket.mount(more: "[backend attic]\ntype = local\npath = \(attic)")
        try shell("cp --reflink=auto store/seed attic/copy", in: mount.path + "/backends")
        try mount.unmount()
        try shell("cmp seed attic/copy", in: scratch.path)
    }

    @Test func whatOthersPutInItsPlaceStays() throws {
        let (bucket, scratch) = try prepared()
        let mount = try bucket.mount(settings: "directory_ttl = 1h")
        #expect(try names(in: mount.folder) == ["seed"])
        try bucket.put("theirs", at: "copy")
        try shell("cp --reflink=auto seed copy", in: mount.folder)
        try mount.unmount()
        #expect(try bucket.read("copy") == "theirs")
        let store = scratch.path + "/store"
        try bucket.rclone("copy", "other:", store)
        let ours = try #require(try names(in: store).first { $0.hasPrefix("copy.conflict-") })
        try shell("cmp seed '\(store)/\(ours)'", in: scratch.path)
    }

    @Test func ofAReplacedSourceNothingIsMixed() throws {
        let (bucket, scratch) = try prepared()
        let mount = try bucket.mount(settings: "directory_ttl = 1h")
        #expect(try names(in: mount.folder) == ["seed"])
        try bucket.put("other content", at: "seed")
        _ = try? shell("cp --reflink=auto seed copy", in: mount.folder)
        try mount.unmount()
        // That it failed is right, too: what was listed is there no more.
        try bucket.rclone("copy", "other:", scratch.path + "/store")
        let copy = (try? readFile(scratch.path + "/store/copy")) ?? ""
        #expect(["", "other content"].contains(copy))
    }

    @Test(arguments: [Failpoint.copied, .finished])
    func aCrashInTheMiddleLeavesAWholeCopyOrNone(point: Failpoint) throws {
        let (bucket, scratch) = try prepared()
        let mount = try bucket.mount(settings: "directory_ttl = 1s\nclose = async")
        try mount.unmount()
        mount.environment = ["GOSYNC_FAILPOINT": point.rawValue]
        try mount.start()
        try must(access(mount.folder + "/seed", F_OK))
        _ = try? shell("cp --reflink=auto seed copy", in: mount.folder)
        try #require(eventually(atMost: 60) { !mount.daemon.isRunning })
        mount.crash()
        mount.environment = [:]
        try mount.start()
        let size = try status(mount.folder + "/copy").st_size
        #expect([0, Self.size].contains(Int(size)))
        try mount.unmount()
        try bucket.rclone("copy", "other:", scratch.path + "/store")
        let stored = try status(scratch.path + "/store/copy").st_size
        #expect(stored == size)
        if size > 0 { try shell("cmp seed store/copy", in: scratch.path) }
        #expect(try names(in: scratch.path + "/store") == ["seed", "copy"])
    }

    /// A bucket with one large object that is also in a directory here.
    private func prepared() throws -> (Bucket, TemporaryDirectory) {
        let bucket = try Bucket(.radosgw)
        let scratch = try TemporaryDirectory()
        try shell("head -c \(Self.size) /dev/urandom > seed", in: scratch.path)
        try bucket.rclone("copyto", scratch.path + "/seed", "other:/seed")
        return (bucket, scratch)
    }

    private func behindProxy() throws -> (Bucket, S3Proxy, TemporaryDirectory) {
        let proxy = try S3Proxy(before: .radosgw)
        let (direct, scratch) = try prepared()
        var bucket = direct
        bucket.endpoint = proxy.url
        return (bucket, proxy, scratch)
    }

    /// Calls copy_file_range(2) for ranges: from, to, and how many bytes, as often as it takes.
    private func copy(
        _ source: String,
        _ target: String,
        _ ranges: [(from: Int, to: Int, count: Int)],
        in directory: String
    ) throws {
        let script = """
            import os, sys
            source = os.open(sys.argv[1], os.O_RDONLY)
            target = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT, 0o644)
            for word in sys.argv[3:]:
                start, place, count = (int(number) for number in word.split(","))
                while count > 0:
                    done = os.copy_file_range(source, target, count, start, place)
                    if done == 0:
                        break
                    start, place, count = start + done, place + done, count - done
            os.close(target)
            """
        let words = ranges.map { "\($0.from),\($0.to),\($0.count)" }
        let outcome = try run(
            "/usr/bin/env",
            ["python3", "-c", script, source, target] + words,
            in: directory,
            atMost: 100
        )
        try #require(outcome.status == 0, "\(outcome)")
    }
}
