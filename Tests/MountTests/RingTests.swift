import Base
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// Requests that come by io_uring, where this kernel has it; `GOSYNC_TEST_IO_URING=yes` runs all the others so.
@Suite(.serialized, .enabled(if: Rings.areThere))
struct RingTests {
    @Test func filesAreWrittenReadAndNamedByRings() throws {
        let store = try TemporaryDirectory()
        let mount = try Mount(sections: Rings.local(store.path), settings: "io_uring = yes")
        #expect(try Rings.threads(of: mount) >= 8)
        try shell(
            """
            head -c 5000000 /dev/urandom > big
            mkdir -p deep/er many
            i=0; while [ $i -lt 600 ]; do : > many/$i; i=$((i + 1)); done
            dd if=big of=part bs=4096 skip=3 count=100 2>/dev/null
            cp big deep/copy; mv deep/er deep/est; ln -s big link
            setfattr -n user.tag.colour -v red big
            truncate -s 1234567 deep/copy
            rm many/7; rmdir deep/est
            """,
            in: mount.folder
        )
        let check =
            "cmp -n 1234567 big deep/copy && dd if=big bs=4096 skip=3 count=100 2>/dev/null | cmp - part"
        try shell(check, in: mount.folder)
        #expect(try names(in: mount.folder + "/many").count == 599)
        #expect(try shell("getfattr -n user.tag.colour big", in: mount.folder).contains("red"))
        try mount.remount()
        try shell(check, in: mount.folder)
        try mount.unmount()
        try shell("cmp -n 1234567 big deep/copy && test $(ls many | wc -l) = 599", in: store.path)
    }

    @Test func manyAtOnceAreAnsweredOnEveryProcessor() throws {
        let store = try TemporaryDirectory()
        let mount = try Mount(sections: Rings.local(store.path), settings: "io_uring = yes")
        let threads = Threads()
        let right = Atomic(0)
        for number in 0..<24 {
            threads.start {
                if (try? Self.work(in: "\(mount.folder)/d\(number)")) == true {
                    right.add(1, ordering: .relaxed)
                }
            }
        }
        threads.wait()
        #expect(right.load(ordering: .relaxed) == 24)
        // No unmount: a program that another test started meanwhile may have got a file that was open here.
        kill(mount.daemon.processIdentifier, SIGTERM)
        #expect(eventually(atMost: 60) { !mount.daemon.isRunning })
        #expect(try readFile(store.path + "/d23/g") == "39")
    }

    private static func work(in folder: String) throws -> Bool {
        try must(mkdir(folder, 0o755))
        for turn in 0..<40 {
            try writeFile("\(folder)/f", "\(turn)")
            try must(rename("\(folder)/f", "\(folder)/g"))
            guard try readFile("\(folder)/g") == "\(turn)" else { return false }
        }
        return true
    }

    /// A thread that a bound one starts would be bound as well, and uploads would share one processor.
    @Test func onlyTheThreadsOfRingsAreBoundToAProcessor() throws {
        let store = try TemporaryDirectory()
        let mount = try Mount(sections: Rings.local(store.path), settings: "io_uring = yes")
        try writeFile(mount.folder + "/f", "delivered by a thread that this starts")
        let threads = try Rings.processors(of: mount)
        let (bound, free) = (
            threads.filter { $0.name == "ring" }, threads.filter { $0.name != "ring" }
        )
        #expect(free.count > 3 && Set(free.map(\.processors)).count == 1)
        #expect(Set(bound.map(\.processors)).count == sysconf(CInt(_SC_NPROCESSORS_ONLN)))
    }

    /// The mount is busy, so it is only detached; nobody reads the device or the rings any more.
    @Test func aSignalEndsTheDaemonWhileAFileIsOpen() throws {
        let store = try TemporaryDirectory()
        let mount = try Mount(sections: Rings.local(store.path), settings: "io_uring = yes")
        try writeFile(mount.folder + "/f", "text")
        let file = open(mount.folder + "/f", O_RDONLY)
        #expect(file >= 0)
        defer { close(file) }
        kill(mount.daemon.processIdentifier, SIGTERM)
        #expect(eventually(atMost: 60) { !mount.daemon.isRunning })
        var status = stat()
        // Which error it is depends on how far the kernel is with the end of the mount.
        #expect(fstat(file, &status) == -1)
        #expect(try readFile(store.path + "/f") == "text")
    }

    @Test func aKilledDaemonLeavesNobodyHangingAndLosesNothing() throws {
        let store = try TemporaryDirectory()
        let mount = try Mount(
            sections: Rings.local(store.path),
            settings: "io_uring = yes\nclose = async\nupload_after = 60s"
        )
        let (new, old) = (mount.folder + "/new", mount.folder + "/old")
        let writer = try Caller(
            "/bin/sh",
            "-c",
            "while echo > '\(new)' && mv '\(new)' '\(old)'; do :; done"
        )
        defer { writer.end() }
        try writeFile(mount.folder + "/kept", "kept")
        let file = open(mount.folder + "/kept", O_RDWR)
        try must(fsync(file))
        close(file)
        #expect(eventually { access(old, F_OK) == 0 })
        mount.crash()
        #expect(eventually(atMost: 60) { !writer.isRunning })
        try mount.start()
        #expect(try readFile(mount.folder + "/kept") == "kept")
    }
}

/// What tests have to know of requests by io_uring.
enum Rings {
    static let areThere = getuid() == 0 && access(IOUringSwitch.path, W_OK) == 0

    private static let starting = Mutex(())

    /// Lets a daemon find the kernel's switch as it was, and leaves it so: other mounts go by it.
    static func withSwitchPutBack(_ start: () throws -> Void) throws {
        try starting.withLock { _ in
            let before = try? String(contentsOfFile: IOUringSwitch.path, encoding: .utf8)
            defer { if let before { try? writeFile(IOUringSwitch.path, before) } }
            try start()
        }
    }

    /// How `BulkheadTests` and others are to be run.
    static let settings = areThere ? ["io_uring = no", "io_uring = yes"] : ["io_uring = no"]

    static func local(_ path: String) -> String { "[backend local]\ntype = local\npath = \(path)" }

    static func threads(of mount: Mount) throws -> Int {
        try processors(of: mount).count { $0.name == "ring" }
    }

    /// The threads of a daemon, and where they may run.
    static func processors(of mount: Mount) throws -> [(name: Substring, processors: Substring)] {
        let tasks = "/proc/\(mount.daemon.processIdentifier)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).compactMap { task in
            // It may have ended meanwhile.
            let text = try? String(contentsOfFile: "\(tasks)/\(task)/status", encoding: .utf8)
            let value = { (key: String) in
                text?.split(separator: "\n").first { $0.hasPrefix(key) }?.dropFirst(key.count)
            }
            guard let name = value("Name:\t"), let list = value("Cpus_allowed_list:\t") else {
                return nil
            }
            return (name, list)
        }
    }
}
