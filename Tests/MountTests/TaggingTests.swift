import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// Tags for many files at once, by rules and by query.
@Suite(.serialized) struct TaggingTests {
    private static let rules = """
        [tagger photos]
        path = /photos/{year=[12]???}/{event}/
        [tagger films]
        path = /films/{title} ({year}).mkv
        backend = local
        """

    @Test func pathsTellTags() throws {
        let mount = try Mount(sections: Self.rules)
        try shell(
            """
            mkdir -p photos/2024/sea/raw photos/misc/x films
            touch photos/2024/sea/a.jpg photos/2024/sea/raw/b.jpg photos/misc/x/c.jpg
            touch 'films/Alien (1979).mkv' films/none.mkv
            setfattr -n user.tag.event -v 'by hand' photos/2024/sea/a.jpg
            """,
            in: mount.folder
        )
        let command = ["tag", "auto", mount.folder, "--path-based"]
        let dry = try mount.gosync(words: command + ["--dry-run"])
        #expect(dry.status == 0 && dry.output.hasSuffix("3 files would be changed\n"))
        #expect(dry.output.contains("/backends/local/photos/2024/sea/a.jpg  year=2024\n"))
        #expect(try mount.lines("tag", "keys") == ["event\t1"])

        #expect(try mount.gosync(words: command).output == "3 files changed\n")
        func tags(_ path: String) throws -> [String] {
            try mount.lines("tag", "list", mount.folder + "/" + path)
        }
        #expect(try tags("photos/2024/sea/a.jpg") == ["event=by hand", "year=2024"])
        #expect(try tags("photos/2024/sea/raw/b.jpg") == ["event=sea", "year=2024"])
        #expect(try tags("films/Alien (1979).mkv") == ["title=Alien", "year=1979"])
        #expect(try tags("photos/misc/x/c.jpg") == [])
        #expect(try names(in: mount.path + "/filters/.q/tag:year=2024").count == 2)

        // What is right already is not touched; other values go only where that is asked for.
        #expect(try mount.gosync(words: command).output == "0 files changed\n")
        let file = mount.folder + "/photos/2024/sea/a.jpg"
        let replace = try mount.gosync("tag", "auto", file, "--path-based", "--replace")
        #expect(replace.output == "1 file changed\n")
        #expect(try tags("photos/2024/sea/a.jpg") == ["event=sea", "year=2024"])
        #expect(try mount.gosync("tag", "auto", file).status == 2)
        #expect(try mount.gosync("tag", "auto", "local/none", "--path-based").status == 1)
    }

    @Test func aRuleThatMakesNoSenseIsToldWithItsLine() throws {
        let scratch = try TemporaryDirectory()
        let configuration = scratch.path + "/mount.conf"
        try "[mount]\ndata_dir = \(scratch.path)/data\n[tagger x]\npath = /{a}{b}/\n"
            .write(toFile: configuration, atomically: true, encoding: .utf8)
        let commands: [(String, [String])] = [
            ("gosync", ["config", "validate", configuration]),
            ("gosync-mount", [scratch.path + "/mnt", "-f", "-c", configuration]),
        ]
        mkdir(scratch.path + "/mnt", 0o755)
        for (program, arguments) in commands {
            let outcome = try run(buildDirectory + "/" + program, arguments, atMost: 60)
            #expect(outcome.status != 0)
            #expect(
                outcome.complaint.contains("mount.conf:4: [tagger x]: 'path' makes no sense"),
                "\(outcome.complaint)"
            )
        }
    }

    /// A client that asks for it learns how far a change of many files is, and how it ended.
    @Test func aChangeOfManyFilesIsReportedAsItGoes() throws {
        let mount = try Mount()
        try shell("for i in $(seq 150); do : > f$i; done", in: mount.folder)
        func reports(_ path: String, _ body: String) throws -> [TagReport] {
            let output = try shell(
                """
                curl -sS --unix-socket '\(mount.dataDirectory)/gosync.sock' \
                  -H 'Content-Type: application/json' -d '\(body)' 'http://localhost\(path)'
                """
            )
            return try output.split(separator: "\n").map { try TagReport(json: Array($0.utf8)) }
        }
        let done = try reports(
            "/v1/tags/bulk",
            #"{"query":"name:f*","add":[{"key":"k","values":["v"]}],"reports":true}"#
        )
        #expect(done.last?.state == .done && done.last?.changed?.files == 150)
        #expect(done.dropLast().allSatisfy { $0.state == .running && $0.files == 150 })
        #expect(done.count > 50 && done.count <= 102)
        #expect(done.map(\.filesDone) == done.map(\.filesDone).sorted())
        let long = String(repeating: "k", count: 200)
        let renamed = try reports(
            "/v1/tags/rename",
            #"{"key":"k","new":"\#(long)","reports":true}"#
        )
        #expect(renamed.last?.changed?.files == 150)
        let failed = try reports(
            "/v1/tags/bulk",
            #"{"query":"colour=red","add":[{"key":"k","values":["v"]}],"reports":true}"#
        )
        #expect(failed.count == 1 && failed.last?.problem?.detail.contains("tag:colour") == true)
    }

    /// What a configuration no longer names is in no filter, and its tags wait for it.
    @Test func filesOfABackendThatIsGoneAreInNoFilter() throws {
        let stores = try TemporaryDirectory()
        func section(_ name: String) -> String {
            "[backend \(name)]\ntype = local\npath = \(stores.path)/\(name)\n"
        }
        let mount = try Mount(sections: section("local") + section("other"))
        for backend in ["local", "other"] {
            let file = mount.path + "/backends/\(backend)/\(backend).txt"
            try writeFile(file, backend)
            try must(setAttribute(file, "user.tag.colour", Array("red".utf8)))
        }
        for (name, layout) in [("flat", "flat"), ("tree", "tree")] {
            let view = mount.path + "/filters/" + name
            #expect(mkdir(view, 0o755) == 0)
            try must(setAttribute(view, "user.gosync.query", Array("tag:colour=red".utf8)))
            try must(setAttribute(view, "user.gosync.layout", Array(layout.utf8)))
        }
        let (flat, tree) = (mount.path + "/filters/flat", mount.path + "/filters/tree")
        #expect(try names(in: flat) == ["local.txt", "other.txt"])
        #expect(try names(in: tree) == ["local", "other"])
        let modified = try status(flat).st_mtim

        func restart(_ sections: String) throws {
            try mount.unmount()
            try "[mount]\ndata_dir = \(mount.dataDirectory)\n\(sections)"
                .write(toFile: mount.configuration, atomically: true, encoding: .utf8)
            try mount.start()
        }
        try restart(section("local"))
        #expect(try names(in: flat) == ["local.txt"])
        #expect(try names(in: tree) == ["local"])
        #expect(try names(in: mount.path + "/filters/.q/tag:colour=red") == ["local.txt"])
        #expect(try mount.lines("tag", "search", "tag:colour=red").count == 1)
        #expect(lstat(flat + "/other.txt") == ENOENT)
        #expect(try readFile(flat + "/local.txt") == "local")
        #expect(try status(flat).st_mtim.tv_nsec != modified.tv_nsec)
        try restart(section("local") + section("other"))
        #expect(try names(in: flat) == ["local.txt", "other.txt"])
        #expect(try readFile(flat + "/other.txt") == "other")
    }
}

/// The error number of lstat(2); 0 for none.
private func lstat(_ path: String) -> CInt {
    var found = stat()
    return Glibc.lstat(path, &found) == 0 ? 0 : errno
}
