import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// The keys of provisioned backends: sealed where they lie, and shown nowhere.
struct SecretTests {
    /// Everything that GoSync says or keeps is looked through for a key that was given to it.
    @Test func aKeyIsNowhereToBeSeen() throws {
        let bucket = try Bucket(.radosgw)
        let mount = try Mount(sections: "[log]\nlevel = debug\n")
        let secret = bucket.server.secretKey
        let planted = "planted-\(UUID().uuidString)"
        var seen: [(place: String, text: String)] = []
        func note(_ place: String, _ outcome: Outcome) {
            seen.append((place, outcome.output + outcome.complaint))
        }
        func words(_ id: String) -> [String] {
            [
                "provision", id, "--endpoint", bucket.endpoint, "--bucket", bucket.name,
                "--access-key", bucket.server.accessKey,
            ]
        }
        note("a refused key", try mount.provision("wrong", bucket, secret: planted))
        let shown = try mount.gosync(words: words("visible") + ["--secret-key", planted])
        #expect(shown.complaint.contains("warning"))
        note("a key on the command line", shown)
        let made = try mount.provision("media", bucket, "--json")
        #expect(made.status == 0, "\(made.complaint)")
        note("provision", made)
        for command in [
            ["backend", "show", "media", "--json"], ["backend", "list"], ["status", "--json"],
            ["backend", "check"], ["config", "show"], ["doctor"], ["scan", "status"],
            ["events", "--json"], ["backend", "update", "media", "--bucket", "none"],
        ] {
            note(command.joined(separator: " "), try mount.gosync(words: command))
        }
        try writeFile(mount.path + "/backends/media/f", "1")
        try mount.unmount()
        try mount.start()
        #expect(try readFile(mount.path + "/backends/media/f") == "1")
        note("rotate", try mount.gosync("secret", "rotate"))
        seen.append(("log", mount.log))
        for name in try FileManager.default.subpathsOfDirectory(atPath: mount.dataDirectory) {
            let path = mount.dataDirectory + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            let bytes = try Data(contentsOf: URL(filePath: path))
            seen.append((name, String(decoding: bytes, as: UTF8.self)))
        }
        #expect(
            seen.contains { $0.place == "metadata.db" }
                && seen.contains { $0.place == "secret.key" }
        )
        for (place, text) in seen {
            #expect(!text.contains(planted), "\(place)")
            #expect(!text.contains(secret), "\(place)")
        }
        var key = stat()
        #expect(
            stat(mount.dataDirectory + "/secret.key", &key) == 0 && key.st_mode & 0o777 == 0o600
        )
    }

    /// While `gosync` runs, `ps` shows no key, however it was given.
    @Test(arguments: [["--secret-key", ""], ["--secret-key="]])
    func aKeyOnTheCommandLineIsHidden(words: [String]) throws {
        let scratch = try TemporaryDirectory()
        // A daemon that never answers: the program waits with its key in hand.
        let silent = try SilentSocket(at: scratch.path + "/sock")
        let planted = "planted-\(UUID().uuidString)"
        let child = Process()
        child.executableURL = URL(filePath: buildDirectory + "/gosync")
        child.arguments =
            [
                "--socket", silent.path, "provision", "x", "--bucket", "b", "--access-key", "k",
            ] + words.dropLast() + [words.last! + planted]
        child.standardError = FileHandle.nullDevice
        child.standardOutput = FileHandle.nullDevice
        try child.run()
        defer { kill(child.processIdentifier, SIGKILL) }
        let line = "/proc/\(child.processIdentifier)/cmdline"
        let isHidden = eventually {
            let bytes = (try? Data(contentsOf: URL(filePath: line))) ?? Data()
            return String(decoding: bytes, as: UTF8.self).contains("\0k\0")
                && String(decoding: bytes, as: UTF8.self).contains("****")
        }
        #expect(isHidden)
        let shown = try Data(contentsOf: URL(filePath: line))
        #expect(!String(decoding: shown, as: UTF8.self).contains(planted))
    }

    @Test func aWrongSecretIsOneErrorAndDamagesNothing() throws {
        let bucket = try Bucket(.radosgw)
        let mount = try Mount()
        mount.environment["GOSYNC_SECRET"] = "the first secret"
        try mount.remount()
        #expect(try mount.provision("media", bucket, "--no-scan").status == 0)
        try writeFile(mount.path + "/backends/media/f", "1")
        try writeFile(mount.folder + "/f", "2")
        mount.environment["GOSYNC_SECRET"] = "another secret"
        try mount.remount()
        #expect(try readFile(mount.folder + "/f") == "2")
        let status: Status = try mount.message("status", "--json")
        #expect(status.daemon.warnings.count == 1)
        #expect(status.daemon.warnings.first?.contains("$GOSYNC_SECRET") == true)
        let state = { () -> VolumeStatus.Backend.State? in
            let all: Backends? = try? mount.message("backend", "list", "--json")
            return all?.backends.first { $0.id == "media" }?.state
        }
        #expect(eventually(atMost: 60) { state() == .error })
        // Nothing is sealed under two secrets.
        let refused = try mount.provision("more", bucket)
        #expect(refused.status == 1 && refused.complaint.contains("$GOSYNC_SECRET"))
        #expect(try mount.gosync("secret", "rotate").status == 1)
        mount.environment["GOSYNC_SECRET"] = "the first secret"
        try mount.remount()
        #expect(try readFile(mount.path + "/backends/media/f") == "1")
        #expect(eventually(atMost: 60) { state() == .ready })
    }

    @Test func aSecretIsChangedWithoutAnyKeyBeingGivenAgain() throws {
        let bucket = try Bucket(.radosgw)
        let mount = try Mount()
        #expect(try mount.provision("media", bucket, "--no-scan").status == 0)
        let folder = mount.path + "/backends/media"
        try writeFile(folder + "/f", "1")
        let file = mount.dataDirectory + "/secret.key"
        let before = try readFile(file)
        try mount.done("secret", "rotate")
        #expect(try readFile(file) != before)
        try mount.remount()
        #expect(try readFile(folder + "/f") == "1")
        // From the file to a secret of one's own.
        let new = mount.scratch.path + "/new"
        try writeFile(new, "a secret of my own\n")
        let told = try mount.gosync("secret", "rotate", "--secret-file", new)
        #expect(told.status == 0 && told.output.contains("GOSYNC_SECRET"))
        mount.environment["GOSYNC_SECRET"] = "a secret of my own"
        try mount.remount()
        #expect(try readFile(folder + "/f") == "1")
        #expect(try mount.gosync("secret", "rotate").status == 1)
    }

    @Test func aSecretThatOthersCanReadIsWarnedOf() throws {
        let mount = try Mount(sections: "[encrypt]\nsecret = written out\n")
        #expect(try mount.gosync("status").complaint == "")
        chmod(mount.configuration, 0o644)
        try mount.remount()
        #expect(try mount.gosync("status").complaint.contains("chmod 600"))
        let shown = try mount.gosync("config", "show", "-c", mount.configuration)
        #expect(shown.output.contains("(secret)") && !shown.output.contains("written out"))
        #expect(!mount.log.contains("written out"))
    }
}

/// A Unix socket at which somebody listens and never answers.
private final class SilentSocket {
    let path: String
    private let descriptor: CInt

    init(at path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { buffer in
            buffer.copyBytes(from: path.utf8.prefix(buffer.count - 1))
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0
            }
        }
        try #require(isBound && listen(descriptor, 8) == 0)
    }

    deinit { close(descriptor) }
}
