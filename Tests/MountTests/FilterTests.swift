import Base
import Foundation
import Glibc
import TestSupport
import Testing

/// Filters as a person, a shell and a media server meet them.
@Suite(.serialized) struct FilterTests {
    private func library() throws -> Mount {
        let mount = try Mount()
        for directory in ["a", "b", "c/d"] {
            try shell("mkdir -p '\(mount.folder)/\(directory)'")
        }
        for (path, colour) in [
            ("a/x.txt", "red"), ("b/x.txt", "red"), ("c/d/y.txt", "red"), ("z.txt", "blue"),
        ] {
            try writeFile(mount.folder + "/" + path, path)
            #expect(setAttribute(mount.folder + "/" + path, "user.tag.colour", bytes(colour)) == 0)
        }
        return mount
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func makeView(_ mount: Mount, _ name: String, _ options: [String: String]) throws
        -> String
    {
        let view = mount.path + "/filters/" + name
        #expect(mkdir(view, 0o755) == 0)
        #expect(setAttribute(view, "user.gosync.query", bytes(options["query"] ?? "*")) == 0)
        for (option, value) in options.sorted(by: { $0.key < $1.key }) where option != "query" {
            #expect(setAttribute(view, "user.gosync.\(option)", bytes(value)) == 0, "\(option)")
        }
        return view
    }

    @Test func aQueryTypedAsAPathIsADirectory() throws {
        let mount = try library()
        let queries = mount.path + "/filters/.q"
        #expect(try names(in: queries + "/tag:colour=blue") == ["z.txt"])
        #expect(try names(in: queries + "/dir='%2Fa' AND tag:colour") == ["x.txt"])
        #expect(try names(in: queries + "/name LIKE 'z%25'") == ["z.txt"])
        #expect(try readFile(queries + "/tag:colour=blue/z.txt") == "z.txt")
        #expect(try names(in: queries) == [])
        #expect(try !names(in: mount.path + "/filters").contains(".q"))
        #expect(failure(of: queries + "/colour=blue") == EINVAL)
        #expect(mkdir(queries + "/x", 0o755) == -1)
        #expect(mkdir(mount.path + "/filters/.q", 0o755) == -1)
        // However many are asked, one that is asked again works.
        for number in 0..<1500 { _ = failure(of: queries + "/size=\(number)") }
        #expect(try names(in: queries + "/tag:colour=blue") == ["z.txt"])
    }

    @Test func aTreeKeepsPathsAndShowsNoEmptyBranch() throws {
        let mount = try library()
        let view = try makeView(mount, "tree", ["query": "tag:colour=red", "layout": "tree"])
        #expect(try names(in: view) == ["local"])
        #expect(try names(in: view + "/local") == ["a", "b", "c"])
        #expect(try names(in: view + "/local/c") == ["d"])
        #expect(try readFile(view + "/local/c/d/y.txt") == "c/d/y.txt")
        #expect(failure(of: view + "/local/z.txt") == ENOENT)
        let inode = try status(view + "/local/c").st_ino
        #expect(setAttribute(mount.folder + "/a/x.txt", "user.tag.colour", bytes("blue")) == 0)
        #expect(try names(in: view + "/local") == ["b", "c"])
        #expect(unlink(view + "/local/b/x.txt") == -1 && errno == EPERM)
        #expect(rmdir(view + "/local/b") == -1)
        #expect(mkdir(view + "/local/new", 0o755) == -1 && errno == EPERM)
        try mount.remount()
        #expect(try status(view + "/local/c").st_ino == inode)
        #expect(try names(in: view + "/local/c/d") == ["y.txt"])
    }

    @Test func linkingAndMovingIntoAViewSetsItsTags() throws {
        let mount = try library()
        let view = try makeView(
            mount,
            "urgent",
            ["query": "tag:state=open AND tag:urgent", "assert": "on", "unlink": "untag"]
        )
        try shell("ln '\(mount.folder)/z.txt' '\(view)/z.txt'")
        try shell("mv '\(mount.folder)/c/d/y.txt' '\(view)/'")
        #expect(try names(in: view) == ["y.txt", "z.txt"])
        #expect(try attribute(mount.folder + "/z.txt", "user.tag.state") == bytes("open"))
        #expect(try readFile(mount.folder + "/c/d/y.txt") == "c/d/y.txt")
        #expect(try status(mount.folder + "/z.txt").st_nlink == 1)
        try shell("rm -r '\(view)'")
        #expect(failure(of: view) == ENOENT)
        #expect(try readFile(mount.folder + "/z.txt") == "z.txt")
        #expect(try attributeNames(mount.folder + "/z.txt") == ["user.tag.colour"])
    }

    @Test func aViewWithoutGesturesDestroysNothing() throws {
        let mount = try library()
        let view = try makeView(mount, "red", ["query": "tag:colour=red"])
        #expect(throws: (any Error).self) { try shell("rm -r '\(view)'") }
        #expect(throws: (any Error).self) { try shell("mv '\(mount.folder)/z.txt' '\(view)/'") }
        #expect(throws: (any Error).self) { try shell("ln '\(mount.folder)/z.txt' '\(view)/'") }
        #expect(throws: (any Error).self) { try shell("mv '\(view)/y.txt' '\(mount.folder)/'") }
        #expect(throws: (any Error).self) { try shell("cp '\(mount.folder)/z.txt' '\(view)/new'") }
        #expect(try names(in: view).count == 3)
        #expect(try readFile(mount.folder + "/a/x.txt") == "a/x.txt")
        #expect(setAttribute(view, "user.gosync.query", bytes("size>1")) == 0)
        #expect(setAttribute(view, "user.gosync.assert", bytes("on")) == -1 && errno == EINVAL)
        #expect(setAttribute(view, "user.gosync.nonsense", bytes("on")) == -1 && errno == EINVAL)
    }

    @Test func namesThatDifferInCaseOnlyCollideOnRequest() throws {
        let mount = try Mount()
        try shell("mkdir '\(mount.folder)/a' '\(mount.folder)/b'")
        for path in ["a/É.txt", "b/é.txt", "b/É.txt"] {
            try writeFile(mount.folder + "/" + path, path)
        }
        let view = try makeView(mount, "all", ["query": "ext=txt", "case": "fold"])
        let shown = try names(in: view)
        #expect(shown.count == 3 && Set(shown.map { $0.lowercased() }).count == 3, "\(shown)")
        #expect(shown.allSatisfy { $0.contains(" [") })
        for name in shown { #expect(try readFile(view + "/" + name).hasSuffix(".txt")) }
        #expect(failure(of: view + "/é.txt") == ENOENT)
    }

    @Test func filtersLieInOneAnother() throws {
        let mount = try library()
        let view = try makeView(mount, "red", ["query": "tag:colour=red"])
        let inner = try makeView(mount, "red/a", ["query": "filter:red AND dir=/a"])
        #expect(try names(in: view).contains("a"))
        #expect(try names(in: inner) == ["x.txt"])
        #expect(rename(inner, mount.path + "/filters/moved") == 0)
        #expect(try names(in: mount.path + "/filters/moved") == ["x.txt"])
        #expect(setAttribute(view, "user.gosync.query", bytes("filter:moved")) == -1)
    }

    @Test func theNewestAreTheNewest() throws {
        let mount = try Mount()
        let view = try makeView(mount, "new", ["query": "* ORDER BY mtime DESC LIMIT 2"])
        for number in 1...4 { try writeFile(mount.folder + "/\(number)", "x") }
        #expect(try names(in: view) == ["3", "4"])
        let modified = try status(view).st_mtim
        usleep(20_000)
        #expect(try status(view).st_mtim.tv_nsec == modified.tv_nsec)
        try shell("touch '\(mount.folder)/1'")
        #expect(try names(in: view) == ["1", "4"])
        #expect(try status(view).st_mtim.tv_nsec != modified.tv_nsec)
    }

    @Test func manyFilesAreTaggedAtOnce() throws {
        let mount = try library()
        #expect(
            try mount.lines("tag", "add", "--query", "tag:colour=red", "seen", "n=1") == [
                "3 files changed"
            ]
        )
        #expect(
            try mount.lines("tag", "set", "-r", mount.folder + "/c", "n=2") == ["1 file changed"]
        )
        let files = ["a/x.txt", "z.txt"].map { mount.folder + "/" + $0 }
        #expect(
            try mount.lines("tag", "add", "-f", files[0], files[1], "both") == ["2 files changed"]
        )
        #expect(try mount.lines("tag", "keys") == ["both\t2", "colour\t4", "n\t3", "seen\t3"])
        #expect(try mount.lines("tag", "values", "n") == ["1\t2", "2\t1"])
        #expect(try mount.lines("tag", "rename", "n", "number") == ["3 files changed"])
        #expect(try mount.lines("tag", "search", "tag:number=2").count == 1)
        let outcome = try mount.gosync("tag", "remove", "--query", "*")
        #expect(outcome.status == 2)
    }

    /// A backup of tags fits a database that was made anew.
    @Test func anExportIsABackup() throws {
        let mount = try library()
        #expect(setAttribute(mount.folder + "/z.txt", "user.note", [0, 255, 10]) == 0)
        let backup = mount.scratch.path + "/tags.jsonl"
        let program =
            "GOSYNC_SOCKET='\(mount.dataDirectory)/gosync.sock' '\(buildDirectory)/gosync'"
        try shell("\(program) tag export > '\(backup)'")
        let before = try mount.lines("tag", "export")
        try mount.unmount()
        try shell("rm '\(mount.dataDirectory)'/metadata.db*")
        try mount.start()
        #expect(try mount.lines("tag", "export") == [])
        try shell("\(program) tag import < '\(backup)'")
        let after = try mount.lines("tag", "export")
        #expect(Set(after) == Set(before) && after.count == 4)
        #expect(try attribute(mount.folder + "/z.txt", "user.note") == [0, 255, 10])
    }

    @Test func aQueryIsCheckedAndExplained() throws {
        let mount = try library()
        #expect(try mount.gosync("filter", "check", "tag:colour=red").status == 0)
        let wrong = try mount.gosync("filter", "check", "colour=red")
        #expect(wrong.status == 2 && wrong.complaint.contains("did you mean tag:colour?"))
        let unknown = try mount.gosync("filter", "check", "tag:color=red")
        #expect(unknown.status == 0 && unknown.complaint.contains("no file has the tag"))
        let plan = try mount.lines("filter", "explain", "tag:colour=red AND NOT size>5")
        #expect(plan.contains("  AND") && plan.contains { $0.contains("file_tag") })
    }

    /// What `scandir` of a small buffer, `seekdir` and a server without state of its own do.
    @Test func aListingGoesOnFromAnyPlace() throws {
        let mount = try library()
        let view = try makeView(mount, "many", ["query": "name:n*"])
        try shell("cd '\(mount.folder)' && for i in $(seq 300); do : > n$i; done")
        let directory = try #require(opendir(view))
        defer { closedir(directory) }
        var seen: [(name: String, place: Int)] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            seen.append((name, telldir(directory)))
        }
        #expect(Set(seen.map(\.name)).count == 302 && seen.count == 302)
        for index in [2, 50, 200, 300] {
            let again = try #require(opendir(view))
            seekdir(again, seen[index].place)
            let entry = readdir(again)
            let name = entry.map { entry in
                withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
            }
            #expect(name == (index + 1 < seen.count ? seen[index + 1].name : nil))
            closedir(again)
        }
    }
}

/// Why a path can't be looked at; 0 where it can.
private func failure(of path: String) -> CInt {
    var found = stat()
    return lstat(path, &found) == 0 ? 0 : errno
}
