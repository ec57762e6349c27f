import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// `gosync-mount` as a person starts it: it returns when everything answers, or says why not.
struct StartTests {
    @Test func itReturnsWhenTheMountAndTheSocketAnswer() throws {
        let start = try Start()
        let outcome = try start.mount()
        #expect(outcome.status == 0 && outcome.complaint.isEmpty, "\(outcome.complaint)")
        #expect(access(start.place + "/backends/local", F_OK) == 0)
        let status = try start.gosync("status", "--json")
        #expect(status.status == 0, "\(status.complaint)")
        var directory = stat()
        try must(stat(start.data, &directory))
        #expect(directory.st_mode & 0o777 == 0o700)
        try shell("fusermount3 -u '\(start.place)'")
        #expect(try eventually { try start.gosync("status").status == 3 })
    }

    @Test func aDirectoryOpenToOthersIsClosed() throws {
        let start = try Start()
        try shell("mkdir -m 755 '\(start.data)'")
        #expect(try start.mount().status == 0)
        var directory = stat()
        try must(stat(start.data, &directory))
        #expect(directory.st_mode & 0o777 == 0o700)
    }

    @Test func aSecondDaemonOnOneDataDirectoryIsRefused() throws {
        let start = try Start()
        #expect(try start.mount().status == 0)
        let second = try start.mount(on: start.place + "2")
        #expect(second.status == 1)
        #expect(second.complaint.contains("\(start.data): another gosync-mount uses this"))
        // The first one goes on.
        #expect(try start.gosync("status").status == 0)
        #expect(access(start.place + "/backends/local", F_OK) == 0)
    }

    @Test func theMountPointIsLookedAtFirst() throws {
        let start = try Start()
        let missing = try start.mount(on: start.place + "/none")
        #expect(missing.status == 1 && missing.complaint.contains("no such directory"))
        try writeFile(start.place + "/file", "")
        let file = try start.mount(on: start.place + "/file")
        #expect(file.status == 1 && file.complaint.contains("not a directory"))
        #expect(try start.mount().status == 0)
        let busy = try start.mount()
        #expect(busy.status == 1 && busy.complaint.contains("mounted here already"))
        let usage = try start.run([])
        #expect(usage.status == 2 && usage.complaint.contains("mount point is missing"))
    }

    @Test(arguments: [
        ("[filter ok]\nquery = *\n\n[filter bad]\nnames = always\nquery = colour=red", 8, "bad"),
        ("[filter a]\nquery = filter:b", 4, "a"),
        ("[filter a]\nquery = filter:b\n[filter b]\nquery = filter:a", 4, "a"),
    ])
    func aFilterThatMakesNoSenseIsNamedWithItsLine(
        sections: String,
        line: Int,
        filter: String
    ) throws {
        let start = try Start(sections: sections)
        let outcome = try start.mount()
        #expect(outcome.status == 1)
        let place = "gosync-mount: \(start.configuration):\(line): filter \(filter): "
        #expect(outcome.complaint.hasPrefix(place), "\(outcome.complaint)")
        #expect(access(start.place + "/backends", F_OK) == -1)
    }

    @Test func filtersOfTheConfigurationComeAndGoWithIt() throws {
        let start = try Start(
            sections: "[filter later/one]\nquery = filter:two\n[filter two]\nquery = ext=txt"
        )
        #expect(try start.mount().status == 0)
        try writeFile(start.place + "/backends/local/a.txt", "a")
        #expect(try names(in: start.place + "/filters/later/one") == ["a.txt"])
        #expect(rmdir(start.place + "/filters/two") == -1)
        try shell("fusermount3 -u '\(start.place)'")
        #expect(try eventually { try start.gosync("status").status == 3 })
        try start.configure(sections: "[filter two]\nquery = ext=jpg")
        let again = try eventually { try start.mount().status == 0 }
        #expect(again)
        #expect(try names(in: start.place + "/filters/two") == [])
        let filters = try Filters(json: Array(start.gosync("filter", "list", "--json").output.utf8))
        #expect(filters.filters.map(\.path) == ["two"])
    }

    /// As fstab and `mount -t fuse.gosync` do it.
    @Test func theHelperOfMountTakesWhatItPasses() throws {
        let start = try Start()
        let helper = start.scratch.path + "/mount.fuse.gosync"
        try shell("ln -s '\(buildDirectory)/gosync-mount' '\(helper)'")
        let words = [
            start.configuration, start.place, "-o", "rw,nofail,noatime,x-systemd.automount",
        ]
        let outcome = try TestSupport.run(helper, words)
        #expect(outcome.status == 0, "\(outcome.complaint)")
        #expect(access(start.place + "/backends/local", F_OK) == 0)
    }
}

/// A place to mount on, and a configuration; whatever was mounted goes with it.
private final class Start {
    let scratch: TemporaryDirectory
    var place: String { scratch.path + "/mnt" }
    var data: String { scratch.path + "/data" }
    var configuration: String { scratch.path + "/mount.conf" }

    init(sections: String = "") throws {
        scratch = try TemporaryDirectory()
        for suffix in ["", "2"] { try must(mkdir(place + suffix, 0o755)) }
        try configure(sections: sections)
    }

    deinit {
        for suffix in ["", "2"] { umount2(place + suffix, CInt(MNT_DETACH)) }
        // Whoever holds the lock still writes into the directory that is about to go.
        _ = eventually(atMost: 10) {
            (try? TestSupport.run("/usr/bin/flock", ["-n", data + "/lock", "true"]).status) != 1
        }
    }

    func configure(sections: String) throws {
        let text = "[mount]\ndata_dir = \(data)\n\(sections)\n"
        try text.write(toFile: configuration, atomically: true, encoding: .utf8)
        chmod(configuration, 0o600)
    }

    func mount(on place: String? = nil) throws -> Outcome {
        try run([place ?? self.place, "-c", configuration])
    }

    func run(_ words: [String]) throws -> Outcome {
        try TestSupport.run(buildDirectory + "/gosync-mount", words, atMost: 60)
    }

    func gosync(_ words: String...) throws -> Outcome {
        let environment = ["GOSYNC_SOCKET": data + "/gosync.sock"]
        return try TestSupport.run(buildDirectory + "/gosync", words, environment: environment)
    }
}
