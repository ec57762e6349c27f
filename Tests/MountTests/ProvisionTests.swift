import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// Backends set up while GoSync runs: they are in the mount at once, come back with it, and go again.
struct ProvisionTests {
    @Test(arguments: S3Server.Kind.allCases)
    func aBucketIsShownAtOnceAndAfterARestart(kind: S3Server.Kind) throws {
        let bucket = try Bucket(kind)
        try bucket.put("hello", at: "d/a.txt")
        let mount = try Mount()
        #expect(try names(in: mount.path + "/backends") == ["local"])
        // The kernel remembers that there is no such name, until it is told otherwise.
        #expect(access(mount.path + "/backends/media", F_OK) != 0)
        let made = try mount.provision("media", bucket, "--name", "Media")
        #expect(made.status == 0, "\(made.complaint)")
        #expect(made.complaint == "")
        let folder = mount.path + "/backends/media"
        #expect(eventually { access(folder + "/d/a.txt", F_OK) == 0 })
        #expect(try readFile(folder + "/d/a.txt") == "hello")
        #expect(try names(in: mount.path + "/backends") == ["local", "media"])
        try writeFile(folder + "/b", "mine")
        try mount.done("flush")
        #expect(try bucket.read("b") == "mine")
        #expect(
            eventually(atMost: 60) { (try? text(folder, "user.gosync.state")) == "ready" }
        )

        try mount.remount()
        #expect(try readFile(folder + "/b") == "mine")
        let shown: VolumeStatus.Backend = try mount.message("backend", "show", "media", "--json")
        #expect(shown.source == .provisioned && shown.name == "Media")
        #expect(shown.place == "\(bucket.endpoint)/\(bucket.name)/")
        let all: Backends = try mount.message("backend", "list", "--json")
        #expect(all.backends.map(\.source) == [.configuration, .provisioned])

        try mount.done("tag", "set", folder + "/b", "colour=red")
        try mount.done("backend", "remove", "media", "--yes")
        #expect(eventually { access(folder, F_OK) != 0 })
        #expect(try names(in: mount.path + "/backends") == ["local"])
        #expect(try bucket.read("b") == "mine")
        #expect(try mount.provision("media", bucket).status == 0)
        #expect(eventually(atMost: 60) { (try? text(folder + "/b", "user.tag.colour")) == "red" })
    }

    @Test func aDirectoryIsShownReadOnly() throws {
        let attic = try TemporaryDirectory()
        try writeFile(attic.path + "/x", "1")
        let mount = try Mount()
        let words = ["provision", "attic", "--path", ".", "--read-only", "--no-scan"]
        let outcome = try mount.gosync(words: words, in: attic.path)
        #expect(outcome.status == 0, "\(outcome.complaint)")
        #expect(
            outcome.output.hasPrefix("attic\tlocal\tready, read-only\t\(attic.path)\tprovision")
        )
        let folder = mount.path + "/backends/attic"
        #expect(try readFile(folder + "/x") == "1")
        #expect(open(folder + "/y", O_WRONLY | O_CREAT, 0o644) == -1 && errno == EROFS)
        try mount.done("backend", "update", "attic", "--read-write")
        try writeFile(folder + "/y", "2")
        #expect(eventually { (try? readFile(attic.path + "/y")) == "2" })
    }

    @Test func whatDoesNotWorkIsNotSetUp() throws {
        let bucket = try Bucket(.radosgw)
        let mount = try Mount()
        let wrong = try mount.provision("media", bucket, secret: "notthesecret")
        #expect(
            wrong.status == 1 && wrong.complaint.contains("access denied"),
            "\(wrong.complaint)"
        )
        var elsewhere = bucket
        elsewhere.endpoint = "http://127.0.0.1:1"
        let gone = try mount.provision("media", elsewhere)
        #expect(gone.status == 1 && gone.complaint.contains("not reachable"))
        for (words, expected) in [
            (["provision", "a/b", "--path", "/tmp"], "cannot be used"),
            (["provision", "x"], "'bucket'"),
            (["provision", "x", "--type", "ftp"], "--type is one of s3, local"),
            (["provision", "x", "--type", "local"], "'path'"),
            (["provision", "x", "--bucket", "b", "--endpoint", "ftp://h"], "http"),
            (["provision", "x", "--bucket", "b", "--access-key", "k"], "--secret-key-stdin"),
            (["provision", "local", "--path", "/tmp"], "already"),
            (["backend", "remove", "local", "--yes"], "configuration"),
            (["backend", "update", "local", "--name", "x"], "configuration"),
            (["backend", "remove", "none", "--yes"], "no such backend"),
            (["backend", "remove", "none"], "--yes"),
            (["backend", "update", "none"], "nothing of the backend"),
            (["scan", "none"], "no such file"),
        ] {
            let outcome = try mount.gosync(words: words)
            #expect(outcome.status != 0, "\(words)")
            #expect(outcome.complaint.contains(expected), "\(words): \(outcome.complaint)")
        }
        #expect(try names(in: mount.path + "/backends") == ["local"])
    }

    /// What has not reached its store keeps its backend, and is named.
    @Test func aBackendWithPendingDataStays() throws {
        let server = try S3Server(.radosgw)
        let bucket = try Bucket(on: server)
        let mount = try Mount(settings: "close = async")
        #expect(try mount.provision("media", bucket).status == 0)
        let folder = mount.path + "/backends/media"
        #expect(eventually(atMost: 60) { (try? text(folder, "user.gosync.state")) == "ready" })
        try server.stop()
        try writeFile(folder + "/a", "only here")
        let refused = try mount.gosync("backend", "remove", "media", "--yes")
        #expect(refused.status == 1)
        #expect(refused.complaint.contains("/backends/media/a"), "\(refused.complaint)")
        #expect(try readFile(folder + "/a") == "only here")
        #expect(eventually(atMost: 60) { (try? text(folder, "user.gosync.state")) == "offline" })
        // It comes back with its data, though its store is still away.
        mount.crash()
        try mount.start()
        #expect(try readFile(folder + "/a") == "only here")
        #expect(
            eventually(atMost: 60) {
                (try? mount.lines("backend", "list"))?.contains {
                    $0.hasPrefix("media\ts3\toffline")
                } ?? false
            }
        )
        let listed = try mount.lines("ls", "-l", "/backends")
        let states = listed.map { $0.split(separator: "\t").suffix(2).joined(separator: " ") }
        #expect(states == ["local ready", "media offline"])
        let forced = try mount.gosync("backend", "remove", "media", "--force")
        #expect(forced.status == 0 && forced.complaint.contains("/backends/media/a"))
        #expect(eventually { access(folder, F_OK) != 0 })
    }

    /// An ID stands for one store.
    @Test func anIDThatIsDefinedTwiceIsAnError() throws {
        let attic = try TemporaryDirectory()
        let mount = try Mount()
        try mount.done("provision", "attic", "--path", attic.path)
        try mount.unmount()
        let before = try readFile(mount.configuration)
        try writeFile(
            mount.configuration,
            before + "[backend attic]\ntype = local\npath = \(attic.path)/x\n"
        )
        do {
            try mount.start()
            Issue.record("it started")
        } catch {
            #expect("\(error)".contains("also set up by 'gosync provision'"), "\(error)")
        }
        try writeFile(mount.configuration, before)
        try mount.start()
        #expect(try names(in: mount.path + "/backends").contains("attic"))
    }

    @Test func aScanTellsWhatOthersDid() throws {
        let bucket = try Bucket(.radosgw)
        for name in ["a", "b", "d/c"] { try bucket.put(name, at: name) }
        let mount = try Mount(settings: "directory_ttl = 1h")
        #expect(try mount.provision("media", bucket, "--no-scan").status == 0)
        let dry = try mount.lastReport("scan", "media", "--dry-run", "--json")
        #expect(dry.state == .done && dry.new == 3 && dry.dryRun)
        let first = try mount.lastReport("scan", "media", "--json")
        #expect(first.new == 3 && first.state == .done)
        let folder = mount.path + "/backends/media"
        #expect(try names(in: folder + "/d") == ["c"])
        try bucket.put("changed", at: "a")
        try bucket.put("new", at: "d/e")
        try bucket.rclone("deletefile", "other:/b")
        #expect(try names(in: folder) == ["a", "b", "d"])
        let below = try mount.lastReport("scan", "media", "--prefix", "d", "--json")
        #expect(below.new == 1 && below.changed == 0 && below.vanished == 0)
        let rest = try mount.lastReport("scan", "media", "--json")
        #expect(rest.new == 0 && rest.changed == 1 && rest.vanished == 1)
        #expect(eventually { (try? names(in: folder)) == ["a", "d"] })
        #expect(eventually { (try? readFile(folder + "/a")) == "changed" })
        let scans: Scans = try mount.message("scan", "status", "--json")
        #expect(scans.scans.map(\.state) == [.done, .done, .done, .done])
        #expect(try mount.lines("scan", "status").count == 4)
    }
}

private func text(_ path: String, _ name: String) throws -> String {
    String(decoding: try attribute(path, name), as: UTF8.self)
}

extension Mount {
    /// Sets a bucket up as a backend, with the secret from standard input's side.
    func provision(
        _ id: String,
        _ bucket: Bucket,
        _ more: String...,
        secret: String? = nil
    ) throws -> Outcome {
        let path = scratch.path + "/secret-of-\(id)"
        try writeFile(path, (secret ?? bucket.server.secretKey) + "\n")
        let endpoint = bucket.endpoint.replacing("http://", with: "")
        return try gosync(
            words: [
                "provision", id, "--endpoint", endpoint, "--no-ssl", "--bucket", bucket.name,
                "--access-key", bucket.server.accessKey, "--secret-key-file", path,
            ] + more
        )
    }

    func lastReport(_ words: String...) throws -> ScanReport {
        let outcome = try gosync(words: words)
        guard outcome.status == 0, let line = outcome.output.split(separator: "\n").last else {
            throw MountFailure(description: outcome.complaint)
        }
        return try ScanReport(json: Array(line.utf8))
    }
}
