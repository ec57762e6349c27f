import Foundation
import Glibc
import TestSupport
import Testing

/// One store that hangs or is gone, and everything else, which must not notice.
@Suite(.serialized)
struct BulkheadTests {
    private static let readers = 200

    @Test(arguments: Rings.settings)
    func twoHundredReadersOfADeadStoreDisturbNobodyAndCanBeKilled(_ rings: String) throws {
        let server = try S3Server(.rclone)
        let bucket = try Bucket(on: server)
        let scratch = try TemporaryDirectory()
        try shell(
            """
            i=0; while [ $i -lt \(Self.readers + 1) ]; do
                head -c 100000 /dev/zero > u$i; i=$((i + 1))
            done
            echo known > cached
            """,
            in: scratch.path
        )
        try bucket.rclone("copy", scratch.path, "other:/")
        let near = try TemporaryDirectory()
        let mount = try bucket.mount(
            settings: rings,
            more: "[backend near]\ntype = local\npath = \(near.path)"
        )
        #expect(try readFile(mount.folder + "/cached") == "known\n")
        #expect(try names(in: mount.folder).count == Self.readers + 2)
        try server.pause()
        let isPaused = Paused(server: server)
        // What the server had begun to do may still come.
        usleep(200_000)
        let writer = try Caller("/bin/cp", scratch.path + "/cached", mount.folder + "/late")
        defer { writer.end() }
        #expect(eventually { access(mount.folder + "/late", F_OK) == 0 })
        var readers = try (0..<Self.readers).map {
            try Caller("/bin/cat", "\(mount.folder)/u\($0)")
        }
        defer { for reader in readers { reader.end() } }
        usleep(500_000)
        #expect(readers.allSatisfy { $0.isRunning } && writer.isRunning)

        var slow = 0
        let nearby = mount.path + "/backends/near"
        slow += try slowTimes("stat") { _ = try status(mount.folder + "/cached") }
        slow += try slowTimes("ls") { _ = try names(in: mount.folder) }
        slow += try slowTimes("read cached") { _ = try readFile(mount.folder + "/cached") }
        slow += try slowTimes("df") {
            var found = statvfs()
            try must(statvfs(mount.folder, &found))
        }
        slow += try slowTimes("write elsewhere") { try writeFile(nearby + "/f", "text") }
        slow += try slowTimes("read elsewhere") { _ = try readFile(nearby + "/f") }
        slow += try slowTimes("ls elsewhere") { _ = try names(in: nearby) }
        // A busy machine may stall once, but whoever waited for the store would do so each time.
        #expect(slow <= 1)
        #expect(slow > 0 || readers.allSatisfy { $0.isRunning })

        for (number, reader) in readers.enumerated() {
            kill(reader.process, number % 2 == 0 ? SIGKILL : SIGINT)
        }
        kill(writer.process, SIGKILL)
        #expect(eventually(atMost: 6) { !writer.isRunning && readers.allSatisfy { !$0.isRunning } })
        for reader in readers { reader.end() }
        readers = []
        isPaused.resume()
        let last = mount.folder + "/u\(Self.readers)"
        // Its bytes did not go with who wrote them.
        let delivered = "\(server.directory)/root/\(bucket.name)/late"
        #expect(eventually(atMost: 15) { (try? readFile(delivered)) == "known\n" })
        #expect(eventually(atMost: 15) { (try? readFile(last).utf8.count) == 100_000 })
        #expect(
            eventually(atMost: 15) { (try? readFile(mount.folder + "/u0").utf8.count) == 100_000 }
        )
    }

    @Test func whileAStoreIsGoneTheCachedIsReadAndTheRestFailsAtOnce() throws {
        let server = try S3Server(.radosgw)
        let bucket = try Bucket(on: server)
        let mount = try bucket.mount(settings: "directory_ttl = 1s\nclose = async")
        for name in ["cached", "a", "b"] { try bucket.put("text of \(name)", at: "d/" + name) }
        #expect(try readFile(mount.folder + "/d/cached") == "text of cached")
        try server.stop()
        sleep(2)
        expect(EIO, read(mount.folder + "/d/a"))
        #expect(eventually { (try? mount.gosync("status").output.contains("offline:")) == true })
        let begin = Date()
        expect(EIO, read(mount.folder + "/d/b"))
        for _ in 0..<20 {
            #expect(try readFile(mount.folder + "/d/cached") == "text of cached")
            #expect(try names(in: mount.folder + "/d") == ["a", "b", "cached"])
        }
        #expect(Date().timeIntervalSince(begin) < 3)
        try writeFile(mount.folder + "/d/new", "written meanwhile")
        try server.start()
        #expect(eventually(atMost: 15) { (try? readFile(mount.folder + "/d/b")) == "text of b" })
        #expect(eventually(atMost: 15) { (try? bucket.read("d/new")) == "written meanwhile" })
        #expect(try mount.gosync("status").output.contains("ready"))
    }

    private func read(_ path: String) -> Int {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return -1 }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = Glibc.read(file, &bytes, 100)
        let code = errno
        defer { errno = code }
        return count
    }

    private func names(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    }

    /// Does something 50 times, and returns how often that took over two seconds.
    private func slowTimes(_ what: String, _ body: () throws -> Void) throws -> Int {
        var seconds: [Double] = []
        for _ in 0..<50 {
            let begin = Date()
            try body()
            seconds.append(Date().timeIntervalSince(begin))
        }
        seconds.sort()
        print("\(what): median \(seconds[25] * 1000) ms, longest \(seconds[49] * 1000) ms")
        return seconds.count { $0 > 2 }
    }
}

/// A program that may come to wait for a store.
struct Caller {
    let process: pid_t

    init(_ words: String...) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, flags) in [(0, O_RDONLY), (1, O_WRONLY), (2, O_WRONLY)] as [(CInt, CInt)] {
            posix_spawn_file_actions_addopen(&actions, number, "/dev/null", flags, 0)
        }
        // The threads of tests block signals, which a program inherits.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var blocked = sigset_t()
        posix_spawnattr_setsigmask(&attributes, &blocked)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { (word: String) in
            strdup(word)
        }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var process = pid_t()
        let code = posix_spawn(&process, words[0], &actions, &attributes, &pointers, environ)
        guard code == 0 else {
            throw MountFailure(description: "cannot start \(words[0]): \(code)")
        }
        self.process = process
    }

    func end() {
        kill(process, SIGKILL)
        waitpid(process, nil, WNOHANG)
    }

    /// Whether it has not ended.
    var isRunning: Bool {
        var information = siginfo_t()
        let options = WEXITED | WNOHANG | WNOWAIT
        return waitid(P_PID, id_t(process), &information, options) == 0
            && information.si_signo == 0
    }
}

/// A server that is paused until the owner lets go of it.
private final class Paused {
    private let server: S3Server

    init(server: S3Server) { self.server = server }

    deinit { resume() }

    func resume() { try? server.resume() }
}
