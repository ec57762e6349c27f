import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// Files without a mount: what `gosync` does to them is what the mount and the store then show.
struct FileCommandTests {
    @Test func filesAreCopiedInShownAndCopiedOut() throws {
        let mount = try Mount()
        let here = mount.scratch.path + "/here"
        try shell("mkdir '\(here)'")
        try shell(
            "printf hello > a.txt; chmod 640 a.txt; mkdir -p t/u; seq 9 > t/u/n; : > t/e",
            in: here
        )
        try mount.done("cp", here + "/a.txt", "/backends/local/")
        #expect(try readFile(mount.folder + "/a.txt") == "hello")
        #expect(try readFile(mount.dataDirectory + "/local/a.txt") == "hello")
        #expect(try status(mount.folder + "/a.txt").st_mode & 0o777 == 0o640)
        #expect(try mount.gosync("cat", "local/a.txt").output == "hello")
        #expect(
            try mount.gosync("cat", mount.folder + "/a.txt", "local/a.txt").output == "hellohello"
        )

        try mount.done("cp", "-r", here + "/t", "/backends/local/tree")
        try shell("diff -r t '\(mount.folder)/tree'", in: here)
        #expect(
            try mount.lines("ls", "-R", "local/tree")
                == ["/backends/local/tree:", "e", "u", "/backends/local/tree/u:", "n"]
        )
        try mount.done("cp", "-r", "/backends/local/tree", here + "/back")
        try shell("diff -r t back", in: here)
        #expect(try mount.gosync("cp", here + "/t", "/backends/local/x").complaint.contains("-r"))
        #expect(try mount.gosync("cp", here + "/a.txt", here + "/b.txt").status == 1)
        #expect(try names(in: here).filter { $0.contains("gosync") } == [])
    }

    /// What cannot be copied keeps nobody from the rest, and a tree that is not whole is not removed.
    @Test func aTreeIsCopiedAsFarAsItGoes() throws {
        let attic = try TemporaryDirectory()
        let sections =
            "[backend local]\ntype = local\npath = \(attic.path)/a\n"
            + "[backend other]\ntype = local\npath = \(attic.path)/b\n"
        let mount = try Mount(sections: sections)
        let tree = mount.scratch.path + "/t"
        try shell("mkdir -p '\(tree)/d'; ln -s .. '\(tree)/d/a'; echo 1 > '\(tree)/d/b'")
        let outcome = try mount.gosync("cp", "-r", tree, "/backends/local")
        #expect(outcome.status == 1 && outcome.complaint.contains("t/d/a: it is a link"))
        #expect(try readFile(mount.folder + "/t/d/b") == "1\n")
        try shell("ln -s b t/d/l", in: mount.folder)
        let moved = try mount.gosync("mv", "local/t", "other")
        #expect(moved.status == 1 && moved.complaint.contains("t/d/l: it is a link"))
        #expect(try mount.lines("ls", "local/t/d") == ["b", "l"])
        #expect(try mount.lines("ls", "other/t/d") == ["b"])
    }

    /// The kernel's memory of names and attributes is no older than the command.
    @Test func changesShowInTheMountAtOnce() throws {
        let mount = try Mount()
        let folder = mount.folder
        try writeFile(folder + "/a", "1")
        #expect(access(folder + "/b", F_OK) != 0)
        try mount.done("mv", "local/a", "local/b")
        #expect(
            eventually { access(folder + "/a", F_OK) != 0 && (try? readFile(folder + "/b")) == "1" }
        )
        try mount.done("mkdir", "-p", "local/x/y")
        try mount.done("mkdir", "-p", "local/x/y")
        #expect(try mount.gosync("mkdir", "local/x").complaint.contains("exists"))
        #expect(eventually { access(folder + "/x/y", F_OK) == 0 })
        try mount.done("mv", "local/b", "local/x")
        #expect(eventually { (try? readFile(folder + "/x/b")) == "1" })
        try shell("touch -d 2001-01-01 '\(folder)/x/b'")
        try mount.done("touch", "local/x/b", "local/new")
        #expect(eventually { (try? status(folder + "/x/b").st_mtim.tv_sec) ?? 0 > 1_500_000_000 })
        #expect(eventually { (try? readFile(folder + "/new")) == "" })
        #expect(try mount.gosync("rm", "local/x").complaint.contains("-r removes those too"))
        try mount.done("rm", "-r", "local/x", "local/new")
        #expect(
            eventually { access(folder + "/x", F_OK) != 0 && access(folder + "/new", F_OK) != 0 }
        )
        #expect(try mount.gosync("rm", "local/none").status == 1)
        try mount.done("rm", "-f", "local/none")
        #expect(try names(in: mount.dataDirectory + "/local") == [])
    }

    /// A new version has the tags, attributes and permissions of the old, and nobody sees a part of it.
    @Test func aFileIsReplacedWhole() throws {
        let mount = try Mount()
        let file = mount.folder + "/a"
        try writeFile(file, "old")
        chmod(file, 0o600)
        try mount.done("tag", "set", file, "colour=red")
        try must(setAttribute(file, "user.note", Array("n".utf8)))
        try mount.done("filter", "create", "red", "tag:colour=red")
        let old = try FileHandle(forReadingFrom: URL(filePath: file))
        let new = mount.scratch.path + "/new"
        try writeFile(new, "newer")
        try mount.done("cp", new, "/filters/red/a")
        #expect(eventually { (try? readFile(file)) == "newer" })
        #expect(try old.readToEnd() == Data("old".utf8))
        #expect(try status(file).st_mode & 0o777 == 0o600)
        #expect(try mount.lines("tag", "list", file) == ["colour=red"])
        #expect(String(decoding: try attribute(file, "user.note"), as: UTF8.self) == "n")
        #expect(try names(in: mount.path + "/filters/red") == ["a"])
        let details: FileDetails = try mount.message("stat", "--json", "/filters/red/a")
        #expect(details.path == "/backends/local/a" && details.state == "clean")
        #expect(details.entry.sizeBytes == 5 && details.key == "a")
        #expect(details.tags.map(\.key) == ["colour"])
        #expect(try mount.gosync("rm", "/filters/red/a").status == 1)
        #expect(try mount.gosync("cp", new, "/filters/red/b").status == 1)
        #expect(try mount.gosync("cp", new, "/backends/local/x/b").status == 1)
        #expect(try readFile(mount.dataDirectory + "/local/a") == "newer")
    }

    /// An upload that breaks off, and a daemon that dies in the middle of one, leave the old bytes.
    @Test func anUploadThatBreaksOffChangesNothing() throws {
        let mount = try Mount()
        let file = mount.folder + "/a"
        try writeFile(file, "old")
        let first = try mount.slowUpload("/backends/local/a")
        #expect(eventually { mount.cachedBytes > 1_000_000 })
        #expect(try mount.lines("ls", "local") == ["a"])
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        #expect(eventually { mount.cachedBytes < 1000 })
        #expect(try readFile(file) == "old")

        let second = try mount.slowUpload("/backends/local/a")
        #expect(eventually { mount.cachedBytes > 1_000_000 })
        mount.crash()
        second.waitUntilExit()
        #expect(second.terminationStatus != 0)
        try mount.start()
        #expect(try readFile(file) == "old")
        #expect(try mount.lines("ls", "local") == ["a"])
        #expect(mount.cachedBytes < 1000)
        let state: Status = try mount.message("status", "--json")
        #expect(state.volume.pendingUploads == 0)
    }

    /// The daemon dies between the steps by which a new version takes its name: one of the two is there,
    /// whole, and the store gets it.
    @Test(arguments: [("saved:1", "old"), ("renamed:1", "newer"), ("stored:1", "newer")])
    func aCrashLeavesOneVersionWhole(point: String, left: String) throws {
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount()
        try writeFile(mount.folder + "/a", "old")
        try writeFile(mount.scratch.path + "/new", "newer")
        try mount.done("tag", "set", "store/a", "colour=red")
        try mount.unmount()
        mount.environment = ["GOSYNC_FAILPOINT": point]
        try mount.start()
        #expect(
            try mount.gosync("cp", mount.scratch.path + "/new", "/backends/store/a").status != 0
        )
        #expect(eventually { !mount.daemon.isRunning })
        mount.crash()
        mount.environment = [:]
        try mount.start()
        #expect(try readFile(mount.folder + "/a") == left)
        #expect(try mount.lines("tag", "list", "store/a") == ["colour=red"])
        #expect(try mount.lines("ls", "store") == ["a"])
        try mount.unmount()
        #expect(try bucket.read("a") == left)
        #expect(try bucket.rclone("lsf", "-R", "other:") == "a\n")
    }

    /// Through a bucket: what was answered lies in the store, and ranges of it are read from there.
    @Test func aBucketIsReadAndWritten() throws {
        let bucket = try Bucket(.radosgw)
        let attic = try TemporaryDirectory()
        let mount = try bucket.mount(
            more: "[backend attic]\ntype = local\npath = \(attic.path)\n"
        )
        let large = mount.scratch.path + "/large"
        try shell("head -c 30000000 /dev/urandom > '\(large)'; touch -d 2001-02-03 '\(large)'")
        try mount.done("mkdir", "store/big")
        try mount.done("cp", "-p", large, "/backends/store/big/a")
        try bucket.rclone("copyto", "other:/big/a", mount.scratch.path + "/seen")
        try shell("cmp large seen", in: mount.scratch.path)
        try mount.done("tag", "set", "store/big/a", "colour=red")
        try mount.done("mv", "store/big", "attic/small")
        try shell("cmp '\(large)' '\(attic.path)/small/a'")
        #expect(try status(mount.path + "/backends/attic/small/a").st_mtim.tv_sec < 1_000_000_000)
        #expect(try mount.lines("tag", "list", "attic/small/a") == ["colour=red"])
        // What was written a moment ago is removed in a moment.
        #expect(try eventually(atMost: 60) { try bucket.rclone("lsf", "-R", "other:") == "" })

        try mount.done("cp", "/backends/attic/small/a", "/backends/store/b")
        try mount.remount()
        let out = mount.scratch.path + "/out"
        try mount.done("cp", "/backends/store/b", out)
        try shell("cmp '\(large)' '\(out)'")
        let url = "http://localhost/v1/content?path=/backends/store/b"
        let curl = "curl -sf --unix-socket '\(mount.dataDirectory)/gosync.sock'"
        for (range, cut) in [
            ("0-9", "head -c 10"), ("-7", "tail -c 7"), ("29999990-", "tail -c 10"),
        ] {
            try shell(
                "\(curl) -r \(range) '\(url)' > got; \(cut) large > wanted; cmp got wanted",
                in: mount.scratch.path
            )
        }
        let code = "\(curl) -o /dev/null -w '%{http_code}' -r 30000000- '\(url)' || true"
        #expect(try shell(code) == "416")
    }

    /// Somebody who pages through files slowly keeps nobody from the rest.
    @Test func slowReadersHoldNobodyUp() throws {
        let mount = try Mount()
        try shell("head -c 20000000 /dev/zero > a; : > b", in: mount.folder)
        let readers = try (0..<12).map { _ in
            let reader = Process()
            reader.executableURL = URL(filePath: buildDirectory + "/gosync")
            reader.arguments = ["--socket", mount.dataDirectory + "/gosync.sock", "cat", "local/a"]
            reader.standardOutput = Pipe()
            try reader.run()
            return reader
        }
        defer {
            for reader in readers {
                kill(reader.processIdentifier, SIGKILL)
                reader.waitUntilExit()
            }
        }
        #expect(try mount.lines("ls", "local") == ["a", "b"])
        try mount.done("cp", "/backends/local/a", mount.scratch.path + "/copy")
        try shell("cmp '\(mount.scratch.path)/copy' '\(mount.folder)/a'")
        #expect(readers.filter(\.isRunning).count == readers.count)
    }
}

extension Mount {
    /// How many bytes the files in the cache are long.
    fileprivate var cachedBytes: Int {
        let all = FileManager.default.enumerator(atPath: dataDirectory + "/cache")
        return all?.compactMap { $0 as? String }.reduce(0) { sum, name in
            var status = stat()
            guard lstat(dataDirectory + "/cache/" + name, &status) == 0 else { return sum }
            return sum + (status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0)
        } ?? 0
    }

    /// Sends far more than it will have time for.
    fileprivate func slowUpload(_ path: String) throws -> Process {
        let file = scratch.path + "/long"
        try shell("head -c 100000000 /dev/zero > '\(file)'")
        let client = Process()
        client.executableURL = URL(filePath: "/usr/bin/curl")
        client.arguments = [
            "-sf", "--limit-rate", "2M", "--unix-socket", dataDirectory + "/gosync.sock", "-T",
            file,
            "http://localhost/v1/content?path=\(path)",
        ]
        client.standardOutput = FileHandle.nullDevice
        try client.run()
        return client
    }
}
