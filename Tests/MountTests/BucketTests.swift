import Foundation
import Glibc
import TestSupport
import Testing

/// What the mount promises, on real S3 servers: the strict one and the sloppy one.
@Suite(.serialized)
struct BucketTests {
    /// Keys that `rclone serve s3` cannot hold: it has no `\`, control characters or long components.
    private static let beyondRclone = [
        "names with every legal character live side by side", "a name has 255 bytes at most",
    ]

    @Test(arguments: S3Server.Kind.allCases)
    func keepsEveryPromise(kind: S3Server.Kind) throws {
        let mount = try Bucket(kind).mount()
        for (number, promise) in Promise.all.enumerated() {
            if kind == .rclone, Self.beyondRclone.contains(promise.testDescription) { continue }
            let directory = mount.folder + "/p\(number)"
            try must(mkdir(directory, 0o755))
            do {
                try promise.check(directory)
            } catch {
                Issue.record("\(promise): \(error) \(mount.log.suffix(1000))")
            }
        }
    }

    @Test(arguments: S3Server.Kind.allCases, 0..<3 as Range<UInt64>)
    func isAPlainDirectoryThroughRestartsAndCrashes(kind: S3Server.Kind, seed: UInt64) throws {
        let bucket = try Bucket(kind)
        let mount = try bucket.mount()
        try compare(mount, seed: 1000 + seed, operations: 200) {
            if seed % 2 == 0 {
                try mount.remount()
            } else {
                mount.crash()
                try mount.start()
            }
        }
        // What another client finds, once all is delivered, are the same bytes.
        try mount.unmount()
        let copy = mount.scratch.path + "/copy"
        try bucket.rclone("copy", "other:", copy)
        for path in try FileManager.default.subpathsOfDirectory(
            atPath: mount.scratch.path + "/model"
        ) {
            let plain = mount.scratch.path + "/model/" + path
            guard try status(plain).st_mode & S_IFMT == S_IFREG else { continue }
            let isSame = FileManager.default.contentsEqual(
                atPath: plain,
                andPath: copy + "/" + path
            )
            #expect(isSame, "\(path)")
        }
    }

    @Test(arguments: S3Server.Kind.allCases)
    func changesByOthersShowWithinTheLimit(kind: S3Server.Kind) throws {
        let bucket = try Bucket(kind)
        try bucket.put("first", at: "d/f")
        let mount = try bucket.mount()
        #expect(try readFile(mount.folder + "/d/f") == "first")
        try bucket.put("second", at: "d/f")
        try bucket.put("new", at: "d/g")
        #expect(try eventually { try readFile(mount.folder + "/d/f") == "second" })
        #expect(try eventually { try names(in: mount.folder + "/d") == ["f", "g"] })
        try bucket.rclone("deletefile", "other:/d/g")
        #expect(try eventually { try names(in: mount.folder + "/d") == ["f"] })
    }

    @Test func anOpenFileNeverMixesVersions() throws {
        let bucket = try Bucket(.radosgw)
        let first = String(repeating: "1", count: 12_000_000)
        try bucket.put(first, at: "f")
        let mount = try bucket.mount()
        let file = try must(open(mount.folder + "/f", O_RDONLY))
        defer { close(file) }
        var byte: UInt8 = 0
        try must(pread(file, &byte, 1, 0))
        try bucket.put(String(repeating: "2", count: 12_000_000), at: "f")
        // A reader that comes before the change is known is told ESTALE once, never given a mix.
        #expect(eventually { (try? readFile(mount.folder + "/f"))?.first == "2" })
        #expect(pread(file, &byte, 1, 11_900_000) == -1 && errno == ESTALE)
        #expect(pread(file, &byte, 1, 0) == 1 && byte == UInt8(ascii: "1"))
    }

    @Test func attributesTravelInTheUsersMetadataOfS3fsAndRclone() throws {
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount()
        try writeFile(mount.folder + "/f", "x")
        try must(chmod(mount.folder + "/f", 0o640))
        let times = [
            timespec(tv_sec: 5, tv_nsec: 0), timespec(tv_sec: 1_500_000_000, tv_nsec: 250),
        ]
        try must(utimensat(AT_FDCWD, mount.folder + "/f", times, 0))
        try mount.unmount()
        let listed = try bucket.rclone("lsjson", "--metadata", "other:/f")
        #expect(listed.contains("\"33184\""), "mode 0100640 in decimal: \(listed)")
        #expect(listed.contains("2017-07-14T02:40:00.00000025Z"), "\(listed)")
        // Another mount, with nothing but the bucket, sees them too.
        let other = try bucket.mount()
        let found = try status(other.folder + "/f")
        #expect(found.st_mode == 0o100640)
        #expect(found.st_mtim.tv_sec == 1_500_000_000 && found.st_mtim.tv_nsec == 250)
    }

    @Test func keysThatAreNoPathsAreShownUnderOtherNames() throws {
        let bucket = try Bucket(.radosgw)
        try bucket.put("object", at: "both")
        try bucket.put("below", at: "both/below")
        let mount = try bucket.mount()
        #expect(try names(in: mount.folder) == ["both", "both%(object)"])
        #expect(try readFile(mount.folder + "/both%(object)") == "object")
        #expect(try readFile(mount.folder + "/both/below") == "below")
        try writeFile(mount.folder + "/both%(object)", "changed")
        #expect(try bucket.read("both") == "changed")
    }

    @Test func aSmallReadOfALargeObjectMovesLittle() throws {
        let bucket = try Bucket(.radosgw)
        let scratch = try TemporaryDirectory()
        try shell("head -c 50000000 /dev/urandom > f", in: scratch.path)
        try bucket.rclone("copyto", scratch.path + "/f", "other:/f")
        let mount = try bucket.mount()
        let file = try must(open(mount.folder + "/f", O_RDONLY))
        var bytes = [UInt8](repeating: 0, count: 4096)
        try must(pread(file, &bytes, bytes.count, 30_000_000))
        close(file)
        let used = try shell("du -s --block-size=1 cache | cut -f1", in: mount.dataDirectory)
        let kept = Int(used.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        // The cache's 257 directories take a block each.
        #expect(kept < 257 * 4096 + (1 << 20))
    }

    @Test func whatOthersRemovedWhileItWasWrittenIsWrittenAnew() throws {
        let bucket = try Bucket(.radosgw)
        try bucket.put("base", at: "f.txt")
        let mount = try bucket.mount(settings: "directory_ttl = 60s")
        let file = try must(open(mount.folder + "/f.txt", O_WRONLY | O_TRUNC))
        try must(write(file, "ours", 4))
        try bucket.rclone("deletefile", "other:/f.txt")
        #expect(close(file) == 0)
        #expect(try names(in: mount.folder) == ["f.txt"])
        #expect(try bucket.read("f.txt") == "ours")
    }

    @Test func bothVersionsStayWhenTwoWriteTheSameName() throws {
        let bucket = try Bucket(.radosgw)
        try bucket.put("base", at: "f.txt")
        let mount = try bucket.mount(settings: "directory_ttl = 60s")
        let file = try must(open(mount.folder + "/f.txt", O_WRONLY | O_TRUNC))
        try must(write(file, "ours", 4))
        try bucket.put("theirs", at: "f.txt")
        close(file)
        #expect(try eventually { try names(in: mount.folder).count == 2 })
        let all = try names(in: mount.folder)
        let conflict = try #require(
            all.first { $0.hasPrefix("f.conflict-") && $0.hasSuffix(".txt") }
        )
        #expect(try readFile(mount.folder + "/f.txt") == "theirs")
        #expect(try readFile(mount.folder + "/" + conflict) == "ours")
        try mount.unmount()
        #expect(try bucket.read("f.txt") == "theirs")
        #expect(try bucket.read(conflict) == "ours")
    }
}

struct ReplacingTests {
    /// Each name is an object of its own, equal to the others.
    @Test(arguments: ["sync", "async"])
    func everyNameOfAFileIsAnObjectWithItsBytes(close: String) throws {
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount(settings: "close = \(close)\ndirectory_ttl = 60s")
        try shell(
            """
            echo 1 > a && ln a b && mkdir d && ln b d/c && echo 2 >> d/c
            head -c 20000000 /dev/urandom > big && ln big twin && rm big
            echo x > p && echo y > q && mv --exchange p q 2>/dev/null || { mv p r && mv q p && mv r q; }
            """,
            in: mount.folder
        )
        let sum = try shell("md5sum < twin", in: mount.folder)
        try mount.unmount()
        for key in ["a", "b", "d/c"] { #expect(try bucket.read(key) == "1\n2\n") }
        #expect(try bucket.read("p") == "y\n" && bucket.read("q") == "x\n")
        try bucket.rclone("copyto", "other:/twin", mount.scratch.path + "/back")
        #expect(try shell("md5sum < back", in: mount.scratch.path) == sum)
        #expect(
            try bucket.rclone("lsf", "-R", "--files-only", "other:").split(separator: "\n").count
                == 6
        )
        try mount.start()
        #expect(try readFile(mount.folder + "/b") == "1\n2\n")
        #expect(try status(mount.folder + "/b").st_ino == status(mount.folder + "/a").st_ino)
    }

    /// Bytes that were changed and not sent yet change places too, and nobody's are a conflict.
    @Test func changedFilesThatChangePlacesAreNoConflict() throws {
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount(settings: "close = async\ndirectory_ttl = 60s")
        try shell(
            """
            for i in $(seq 20); do echo a$i > a$i; echo b$i > b$i; done; mkdir d; echo deep > d/f; mkdir e; echo e > e/f
            """,
            in: mount.folder
        )
        try mount.remount()
        try shell(
            """
            for i in $(seq 20); do echo +a$i >> a$i; echo +b$i >> b$i; mv a$i t; mv b$i a$i; mv t b$i; done
            mv d t; mv e d; mv t e
            """,
            in: mount.folder
        )
        try mount.unmount()
        for i in 1...20 {
            #expect(try bucket.read("a\(i)") == "b\(i)\n+b\(i)\n")
            #expect(try bucket.read("b\(i)") == "a\(i)\n+a\(i)\n")
        }
        #expect(try bucket.read("d/f") == "e\n" && bucket.read("e/f") == "deep\n")
        #expect(
            try bucket.rclone("lsf", "-R", "--files-only", "other:").split(separator: "\n").count
                == 42
        )
    }

    /// As git writes its files: the object of each lock file goes while the next one is written.
    @Test func aLockFileThatIsRenamedAgainAndAgainIsNeverAConflict() throws {
        let mount = try Bucket(.radosgw).mount(settings: "directory_ttl = 60s")
        try shell(
            """
            all=; for j in $(seq 8); do
              (mkdir d$j && cd d$j
              for i in $(seq 40); do echo $i > f.lock && mv f.lock f || exit 1; done) & all="$all $!"
            done
            for job in $all; do wait $job || exit 1; done
            test "$(cat d*/f | sort -u)" = 40
            test "$(find . -type f | wc -l)" = 8
            """,
            in: mount.folder
        )
    }
}

/// A crash in the middle of an upload in parts: it goes on, and no part stays behind for nothing.
struct UploadTests {
    @Test(arguments: [false, true])
    func anInterruptedUploadGoesOnOrIsEnded(removed: Bool) throws {
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount(settings: "close = async", more: "[log]\nlevel = debug")
        try mount.unmount()
        mount.environment = ["GOSYNC_FAILPOINT": "partSent:6"]
        try mount.start()
        try shell(
            "head -c 250000000 /dev/urandom > big; cp big '\(mount.folder)/'",
            in: mount.scratch.path
        )
        try #require(eventually(atMost: 60) { !mount.daemon.isRunning })
        mount.crash()
        mount.environment = [:]
        let before = sentParts(mount)
        try #require(try !bucket.uploads().isEmpty)
        try mount.start()
        if removed {
            try shell("rm big", in: mount.folder)
            // The upload may still end whole, and then the object goes after it.
            #expect(
                try eventually(atMost: 60) {
                    try bucket.uploads().isEmpty && bucket.rclone("lsf", "other:") == ""
                }
            )
        } else {
            try mount.unmount()
            #expect(try bucket.uploads().isEmpty)
            try bucket.rclone("copyto", "other:/big", mount.scratch.path + "/back")
            try shell("cmp big back", in: mount.scratch.path)
            // At the most what was under way in the crash was sent twice.
            let again = sentParts(mount).dropFirst(before.count).filter(before.contains)
            #expect(again.isEmpty)
        }
    }

    /// The numbers of the parts that have arrived, by the daemon's log.
    private func sentParts(_ mount: Mount) -> [String] {
        mount.log.split(separator: "\n").compactMap { line in
            guard line.contains("PUT"), line.contains(" 200 "),
                let number = line.firstMatch(of: /partNumber=(\d+)/)
            else { return nil }
            return String(number.1)
        }
    }
}

/// What is removed while it is on its way to the store is gone from there too.
struct RemovalTests {
    @Test(arguments: ["sync", "async"])
    func nothingThatWasRemovedComesBack(close: String) throws {
        let bucket = try Bucket(.radosgw)
        let scratch = try TemporaryDirectory()
        // Directories that are there only for what is in them get an object when they become empty.
        try shell(
            "for i in $(seq 60); do mkdir -p d$i/x/y; echo 1 > d$i/x/y/f; done",
            in: scratch.path
        )
        try bucket.rclone("copy", "--transfers", "16", scratch.path, "other:")
        let mount = try bucket.mount(settings: "close = \(close)\ndirectory_ttl = 1s")
        try shell(
            """
            for i in $(seq 60); do
              rm -r d$i
              mkdir -p a/b && echo "$i" > a/b/f && head -c 300000 /dev/zero > a/g && rm -r a
              echo "$i" > h && mv h i && rm i
            done
            """,
            in: mount.folder
        )
        try mount.unmount()
        #expect(try bucket.rclone("lsf", "-R", "other:") == "")
        try mount.start()
        #expect(try names(in: mount.folder).isEmpty)
    }
}
