import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// What looks for mistakes: the configuration, the machine, the backends.
struct DoctorTests {
    @Test func aFirstConfigurationIsWrittenCheckedAndShown() throws {
        let scratch = try TemporaryDirectory()
        let path = scratch.path + "/c/gosync/mount.conf"
        let environment = ["XDG_CONFIG_HOME": scratch.path + "/c", "HOME": scratch.path]
        let gosync = { (words: [String]) in
            try run(buildDirectory + "/gosync", words, environment: environment)
        }
        #expect(try gosync(["config", "init"]).status == 0)
        #expect(try status(path).st_mode & 0o777 == 0o600)
        #expect(
            try gosync(["config", "validate"]).output.contains("is right: 1 backend, 0 filters")
        )
        let again = try gosync(["config", "init"])
        #expect(again.status == 1 && again.complaint.contains("nothing was changed"))
        let shown = try gosync(["config", "show"]).output
        #expect(shown.contains("[cache]\ndir = ") && shown.contains("size = 20GiB  # default"))

        try writeFile(path, "[mount]\n\n[backend x]\ntype = s4\n")
        let wrong = try gosync(["config", "validate"])
        #expect(wrong.status == 2)
        #expect(wrong.complaint.contains("\(path):4: 'type' is one of s3, local, not 's4'"))
        try writeFile(path, "[filter f]\nquery = tag:a=b AND\n")
        let query = try gosync(["config", "validate", path])
        #expect(query.status == 2 && query.complaint.contains("\(path):2: filter f: "))
    }

    /// Written out or from the environment, a secret is in nothing that is printed.
    @Test func aSecretIsNeverShown() throws {
        let scratch = try TemporaryDirectory()
        let path = scratch.path + "/mount.conf"
        let secret = "pl4nt3d"
        try writeFile(
            path,
            """
            [mount]
            data_dir = \(scratch.path)/data
            [backend a]
            type = s3
            endpoint = http://127.0.0.1:1
            bucket = b
            access_key = k
            secret_key = \(secret)
            [backend b]
            type = s3
            endpoint = http://127.0.0.1:1
            bucket = b
            access_key = k
            secret_key = ${PLANTED}
            """
        )
        for words in [
            ["config", "show", path], ["config", "show", "--json", path],
            ["config", "validate", path],
            ["doctor", "-c", path], ["doctor", "-c", path, "--json"],
        ] {
            let outcome = try run(
                buildDirectory + "/gosync",
                words,
                environment: ["PLANTED": secret, "GOSYNC_SOCKET": ""]
            )
            #expect(!outcome.output.contains(secret) && !outcome.complaint.contains(secret))
            if words[1] == "show" { #expect(outcome.output.contains("(secret)")) }
        }
    }

    @Test func aSoundMountHasNothingToComplainOf() throws {
        let mount = try Bucket(.radosgw).mount()
        let outcome = try mount.gosync("doctor", "-c", mount.configuration, "--json")
        #expect(outcome.status == 0, "\(outcome.output)")
        let checks = try Checks(json: Array(outcome.output.utf8)).checks
        let named = Dictionary(grouping: checks, by: \.subject)
        for subject in [
            "/dev/fuse", "kernel", "configuration", "data_dir", "lock", "disk", "daemon",
        ] {
            #expect(named[subject]?.map(\.outcome) == [.ok], "\(subject)")
        }
        #expect(named["backend store"]?.first?.finding.hasPrefix("answers in ") == true)
        #expect(named["lock"]?.first?.finding == "a running gosync-mount holds it")
        #expect(
            try mount.lines("backend", "list").first?.hasPrefix("store\ts3\tready\thttp") == true
        )
        let shown = try mount.lines("backend", "show", "store")
        #expect(shown.contains { $0.hasPrefix("State ") && $0.hasSuffix(" ready") }, "\(shown)")
        #expect(try mount.lines("backend", "check", "store").count == 1)
        #expect(try mount.gosync("backend", "check", "none").complaint.contains("no such backend"))
        #expect(try mount.gosync("backend", "show", "none").complaint.contains("there are: store"))
    }

    /// To look changes nothing, and needs no configuration.
    @Test func aMachineWithoutAnythingIsFine() throws {
        let scratch = try TemporaryDirectory()
        let outcome = try run(
            buildDirectory + "/gosync",
            ["doctor"],
            environment: [
                "HOME": scratch.path, "GOSYNC_SOCKET": "", "GOSYNC_CONFIG": "",
                "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "",
            ]
        )
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.output.contains("backend local  \(scratch.path)/.local/share/gosync/local"))
        #expect(try names(in: scratch.path) == [])
    }

    /// Without a daemon: each mistake is found, with what to do about it.
    @Test(arguments: [
        ("key", "access denied", "check the keys"),
        ("bucket", "there is no bucket", "make it, or correct"),
        ("server", "not reachable", "check 'endpoint'"),
    ])
    func whatIsWrongWithABackendIsFound(
        kind: String,
        finding: String,
        advice: String
    ) throws {
        let bucket = try Bucket(.radosgw)
        let scratch = try TemporaryDirectory()
        let path = scratch.path + "/mount.conf"
        var section = bucket.section()
        switch kind {
        case "key": section = section.replacing(bucket.server.secretKey, with: "0123456789")
        case "bucket": section = section.replacing("= \(bucket.name)", with: "= no-such-bucket")
        default: section = section.replacing(bucket.server.endpoint, with: "http://127.0.0.1:9")
        }
        try writeFile(path, "[mount]\ndata_dir = \(scratch.path)/data\n\(section)\n")
        let outcome = try run(
            buildDirectory + "/gosync",
            ["doctor", "-c", path],
            environment: ["GOSYNC_SOCKET": ""]
        )
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("failure  backend store  \(finding)"), "\(outcome.output)")
        #expect(outcome.output.contains("→ \(advice)"), "\(outcome.output)")
        #expect(outcome.output.contains("GoSync is not running"))
        #expect(access(scratch.path + "/data", F_OK) != 0)
    }

    /// A server whose clock is wrong is told from one whose keys are.
    @Test func aWrongClockIsFound() throws {
        let scratch = try TemporaryDirectory()
        let listing = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
        let server = try ScriptedServer { _ in
            .answer(
                200,
                headers: [
                    "Date": "Mon, 01 Jan 2001 00:00:00 GMT", "Content-Type": "application/xml",
                ],
                body: Array(listing.utf8)
            )
        }
        let path = scratch.path + "/mount.conf"
        try writeFile(
            path,
            """
            [mount]
            data_dir = \(scratch.path)/data
            [backend store]
            type = s3
            endpoint = \(server.url)
            bucket = b
            access_key = k
            secret_key = s
            """
        )
        let environment = ["GOSYNC_SOCKET": ""]
        let words = ["doctor", "-c", path]
        let outcome = try run(buildDirectory + "/gosync", words, environment: environment)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.output.contains("warning  backend store"), "\(outcome.output)")
        #expect(outcome.output.contains("s behind") && outcome.output.contains("→ set the clock"))
    }
}
