import Foundation
import Glibc
import TestSupport
import Testing

/// What a program that walks through a bucket sees, and what that costs.
struct WalkTests {
    private static func paths(below directory: String) throws -> Set<String> {
        let found = try shell("find . -type f | cut -c3-", in: directory)
        return Set(found.split(separator: "\n").map(String.init))
    }

    @Test(arguments: S3Server.Kind.allCases)
    func aWalkSeesWhatAnotherClientSees(kind: S3Server.Kind) throws {
        let bucket = try Bucket(kind)
        let scratch = try TemporaryDirectory()
        try shell(
            """
            for d in $(seq 12); do mkdir -p d$d/sub d$d-x; for f in $(seq 9); do
              echo $f > "d$d/file $f"; echo $f > d$d/sub/é$f; echo $f > d$d-x/$f
            done; done
            """,
            in: scratch.path
        )
        try bucket.rclone("copy", "--transfers", "16", scratch.path, "other:")
        let mount = try bucket.mount(more: "[log]\nlevel = debug")
        let all = try Self.paths(below: scratch.path)
        let isSame = try Self.paths(below: mount.folder) == all
        #expect(isSame)
        if kind == .radosgw {
            let requests = mount.log.split(separator: "\n").count { $0.contains(": GET ") }
            #expect(requests < 15, "36 directories, listed together")
        }
        try bucket.rclone("purge", "other:/d3")
        try bucket.rclone("purge", "other:/d7-x")
        try bucket.rclone("deletefile", "other:/d12/file 4")
        try bucket.put("new", at: "d5/sub/deeper/new")
        let left = all.filter { !$0.hasPrefix("d3/") && !$0.hasPrefix("d7-x/") }
            .subtracting(["d12/file 4"]).union(["d5/sub/deeper/new"])
        #expect(eventually { (try? Self.paths(below: mount.folder)) == left })
    }

    @Test func aDirectoryLongerThanAPageIsListedWholeWithoutAskingForEachFile() throws {
        let bucket = try Bucket(.radosgw)
        let scratch = try TemporaryDirectory()
        try shell("for i in $(seq 1500); do echo > f$i; done", in: scratch.path)
        try bucket.rclone("copy", "--transfers", "16", scratch.path, "other:/d")
        let mount = try bucket.mount(
            settings: "directory_ttl = 60s",
            more: "[log]\nlevel = debug"
        )
        let lines = try shell("ls -l | wc -l; ls -l | wc -l; ls | wc -l", in: mount.folder + "/d")
        #expect(lines.split(separator: "\n") == ["1501", "1501", "1500"])
        let heads = mount.log.split(separator: "\n").filter { $0.contains(": HEAD d/f") }
        #expect(heads.isEmpty)
        #expect(access(mount.folder + "/d/f1501", F_OK) == -1)
        #expect(access(mount.folder + "/d/f1500", F_OK) == 0)
    }
}
