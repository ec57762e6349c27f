import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// `gosync agent`, `gosync mount` and `gosync unmount`.
struct WithoutMountTests {
    @Test func anAgentAnswersWithoutAMountAndThenOneIsMounted() throws {
        let scratch = try TemporaryDirectory()
        let point = scratch.path + "/mnt"
        let configuration = scratch.path + "/mount.conf"
        try shell("mkdir '\(point)'")
        try writeFile(configuration, "[mount]\ndata_dir = \(scratch.path)/data\n")
        let gosync = { (words: [String]) in
            try run(buildDirectory + "/gosync", words + ["-c", configuration], atMost: 60)
        }
        let started = try gosync(["agent"])
        #expect(started.status == 0, "\(started.complaint)")
        let found = try gosync(["status", "--json"])
        let status = try Status(json: Array(found.output.utf8))
        defer { kill(status.daemon.pid, SIGKILL) }
        #expect(status.daemon.mountPoints == [])
        try writeFile(scratch.path + "/a", "1")
        #expect(try gosync(["cp", scratch.path + "/a", "/backends/local/a"]).status == 0)
        #expect(try gosync(["cat", "local/a"]).output == "1")
        // One GoSync has the data directory.
        let second = try gosync(["mount", point])
        #expect(second.status == 1 && second.complaint.contains("another gosync-mount"))
        let unmounted = try gosync(["unmount"])
        #expect(unmounted.status == 1 && unmounted.complaint.contains("kill \(status.daemon.pid)"))
        kill(status.daemon.pid, SIGTERM)
        // It lets go of the data directory last.
        #expect(eventually(atMost: 60) { (try? gosync(["mount", point]).status) == 0 })
        defer { umount2(point, CInt(MNT_FORCE)) }
        #expect(try readFile(point + "/backends/local/a") == "1")
        #expect(try gosync(["unmount", point]).status == 0)
        // It has ended, and not only been detached.
        #expect(try gosync(["status"]).status == 3)
        #expect(access(point + "/backends", F_OK) != 0)
        #expect(try gosync(["unmount"]).status == 3)
    }
}
