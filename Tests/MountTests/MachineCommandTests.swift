import Foundation
import Glibc
import TestSupport
import Testing
import Wire

@testable import gosync

/// What programs and people at a terminal are told by commands that change files.
struct MachineCommandTests {
    private func reports(_ outcome: Outcome) throws -> [PathReport] {
        try outcome.output.split(separator: "\n").map { try PathReport(json: Array($0.utf8)) }
    }

    /// Each path has its line: what was done, and why the rest was not.
    @Test func eachPathIsToldOf() throws {
        let mount = try Mount()
        let here = mount.scratch.path
        try shell("printf hello > a; mkdir t; printf x > t/x; ln -s x t/link", in: here)

        func told(_ words: String..., status: Int32 = 0) throws -> [PathReport] {
            let outcome = try mount.gosync(words: words + ["--json"])
            #expect(outcome.status == status, "\(outcome.complaint)")
            return try reports(outcome)
        }
        #expect(
            try told("mkdir", "local/d", "local/none/d", status: 1) == [
                PathReport(path: "local/d"),
                PathReport(
                    path: "local/none/d",
                    error: "/backends/local/none/d: there is no such file or directory"
                ),
            ]
        )
        #expect(
            try told("cp", here + "/a", "/backends/local/d")
                == [PathReport(path: here + "/a", target: "/backends/local/d/a")]
        )
        #expect(try told("touch", "local/d/b") == [PathReport(path: "local/d/b")])
        let moved = try told("mv", "local/d/b", "local/none", "local/d/a", "local/", status: 1)
        #expect(moved.map(\.target) == ["/backends/local/b", nil, "/backends/local/a"])
        #expect(moved.map { $0.error == nil } == [true, false, true])
        // Of a tree, each thing that could not be copied, and the tree.
        let tree = try told("cp", "-r", here + "/t", "/backends/local/tree", status: 1)
        #expect(tree.map(\.path) == [here + "/t/link", here + "/t"])
        #expect(tree.allSatisfy { $0.error != nil })
        #expect(try readFile(mount.folder + "/tree/x") == "x")
        #expect(
            try told("cache", "pin", "local/tree", "local/a")
                == [
                    PathReport(path: "local/tree", files: 1), PathReport(path: "local/a", files: 1),
                ]
        )
        let removed = try told("rm", "-r", "local/tree", "local/gone", "local/a", status: 1)
        #expect(removed.map { $0.error == nil } == [true, false, true])
        #expect(try told("rm", "-f", "local/gone") == [PathReport(path: "local/gone")])
        #expect(try names(in: mount.folder) == ["b", "d"])
    }

    /// All bytes of a file arrive, whatever they are.
    @Test func contentsAreTold() throws {
        let mount = try Mount()
        try shell("head -c 1000001 /dev/urandom > a; : > empty", in: mount.folder)
        let outcome = try mount.gosync("cat", "--json", "local/a", "local/none", "local/empty")
        #expect(outcome.status == 1)
        let lines = try outcome.output.split(separator: "\n").map { line in
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String] ?? [:]
        }
        let bytes = try Data(contentsOf: URL(filePath: mount.folder + "/a"))
        #expect(lines.map { $0["path"] } == ["local/a", "local/none", "local/empty"])
        #expect(lines.first?["base64"].flatMap { Data(base64Encoded: $0) } == bytes)
        #expect(lines.dropFirst().first?["error"]?.contains("no such file") == true)
        #expect(lines.last?["base64"] == "")
    }

    @Test func warmingIsToldAsItGoes() throws {
        let mount = try Mount()
        try shell("head -c 300000 /dev/zero > a; echo > b; mkdir d; echo > d/c", in: mount.folder)
        let outcome = try mount.gosync("cache", "warm", "--json", "local")
        let reports = try outcome.output.split(separator: "\n").map {
            try WarmReport(json: Array($0.utf8))
        }
        #expect(outcome.status == 0)
        #expect(reports.first == WarmReport(files: 3, bytes: 300_002))
        let last = try #require(reports.last)
        #expect(last.state == .done && last.filesDone == 3 && last.bytesDone == 300_002)
        let absent = try mount.gosync("cache", "warm", "--json", "local/none")
        #expect(absent.status == 1)
        #expect(try self.reports(absent).map(\.path) == ["local/none"])
    }

    /// A bar, and states and directories in colour; through a pipe, neither.
    @Test func aTerminalShowsABarAndColours() throws {
        let mount = try Mount()
        try shell("head -c 300000 /dev/zero > a; mkdir d", in: mount.folder)
        func shown(_ words: String..., colour: String = "") throws -> String {
            let outcome = try runAtTerminal(
                buildDirectory + "/gosync",
                ["--socket", mount.dataDirectory + "/gosync.sock"] + words,
                environment: ["TERM": "xterm", "NO_COLOR": colour]
            )
            #expect(outcome.status == 0, "\(outcome.output)")
            return outcome.output
        }
        let warmed = try shown("cache", "warm", "local")
        #expect(warmed.contains("[------------------------] 0%  0 of 1 file"))
        #expect(warmed.contains("[########################] 100%  1 of 1 file"))
        #expect(warmed.hasSuffix("\r\u{1b}[K1 file here, 293K\r\n"))
        #expect(try mount.lines("cache", "warm", "local") == ["1 file here, 293K"])
        #expect(try shown("status").contains("\u{1b}[32mready\u{1b}[0m"))
        #expect(try shown("backend", "list").contains("\u{1b}[32mready\u{1b}[0m"))
        #expect(try shown("backend", "check", "local").hasPrefix("\u{1b}[32mok\u{1b}[0m"))
        #expect(try shown("ls", "local") == "a\r\n\u{1b}[1;34md\u{1b}[0m/\r\n")
        #expect(try !shown("status", colour: "1").contains("\u{1b}"))
        #expect(try !mount.gosync("status").output.contains("\u{1b}"))
    }

    /// What was started and what was ended are told by those that do so.
    @Test func mountingIsTold() throws {
        let scratch = try TemporaryDirectory()
        let configuration = scratch.path + "/mount.conf"
        let place = scratch.path + "/mnt"
        try shell("mkdir mnt", in: scratch.path)
        try writeFile(configuration, "[mount]\ndata_dir = \(scratch.path)/data\n")
        chmod(configuration, 0o600)
        defer { umount2(place, CInt(MNT_DETACH)) }
        func told(_ words: String...) throws -> Outcome {
            let outcome = try run(
                buildDirectory + "/gosync",
                words + ["-c", configuration, "--json"]
            )
            #expect(outcome.status == 0, "\(outcome.complaint)")
            return outcome
        }
        let mounted = try told("mount", place)
        let daemon = try Status.Daemon(json: Array(mounted.output.utf8))
        #expect(daemon.mountPoints == [place] && daemon.pid > 0)
        let again = try run(
            buildDirectory + "/gosync",
            ["mount", place + "/none", "-c", configuration, "--json"]
        )
        #expect(again.status == 1)
        let failure = try FailureReport(json: Array(again.output.utf8))
        #expect(failure.exitCode == 1 && failure.error.contains(place + "/none"))
        let ended = try UnmountReport(json: Array(told("unmount").output.utf8))
        #expect(ended == UnmountReport(mountPoints: [place], ended: true))
    }
}
