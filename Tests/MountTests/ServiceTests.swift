import Foundation
import Glibc
import TestSupport
import Testing

/// The daemon as a service: what it tells the manager, and the units that start it.
struct ServiceTests {
    /// In a directory, and as a name that lies in none.
    @Test(arguments: [false, true])
    func theManagerIsToldWhenTheMountAnswersAndEnds(isAbstract: Bool) throws {
        let mount = try Mount()
        try mount.unmount()
        let name = mount.scratch.path + "/notify"
        let manager = try DatagramReceiver(name, isAbstract: isAbstract)
        mount.environment["NOTIFY_SOCKET"] = (isAbstract ? "@" : "") + name
        try mount.start()
        #expect(manager.nextText() == "READY=1")
        #expect(access(mount.path + "/backends/local", F_OK) == 0)
        #expect(access(mount.dataDirectory + "/gosync.sock", F_OK) == 0)
        try mount.unmount()
        #expect(manager.nextText() == "STOPPING=1")
    }

    /// It is told again and again while all is well.
    @Test func theManagerIsToldThatTheDaemonIsAlive() throws {
        let mount = try Mount()
        try mount.unmount()
        let name = mount.scratch.path + "/notify"
        let manager = try DatagramReceiver(name)
        mount.environment["NOTIFY_SOCKET"] = name
        mount.environment["WATCHDOG_USEC"] = "400000"
        try mount.start()
        #expect(manager.nextText() == "READY=1")
        for _ in 0..<3 { #expect(manager.nextText() == "WATCHDOG=1") }
        try mount.unmount()
        var last = manager.nextText()
        while last == "WATCHDOG=1" { last = manager.nextText() }
        #expect(last == "STOPPING=1")
    }

    /// The thread that speaks to clients stands still, or all but the watchdog do: nothing is told until it
    /// goes on.
    @Test(.enabled(if: geteuid() == 0), arguments: ["control", "!watchdog"])
    func theManagerIsToldNothingWhileTheDaemonHangs(threads: String) throws {
        let mount = try Mount()
        try mount.unmount()
        let name = mount.scratch.path + "/notify"
        let manager = try DatagramReceiver(name)
        mount.environment["NOTIFY_SOCKET"] = name
        mount.environment["WATCHDOG_USEC"] = "400000"
        try mount.start()
        #expect(manager.nextText() == "READY=1")
        #expect(manager.nextText() == "WATCHDOG=1")
        let frozen = try Frozen(mount.daemon.processIdentifier, threads)
        // What was said before is read away: ten times as long as usual, nothing comes.
        let isSilent = eventually(atMost: 60) { manager.nextText(within: 2) == nil }
        #expect(isSilent)
        frozen.thaw()
        #expect(manager.nextText() == "WATCHDOG=1")
        if threads == "control" {
            #expect(mount.log.contains("the control socket does not answer"))
        }
        try mount.unmount()
    }

    @Test func aManagerThatIsGoneKeepsNobodyFromMounting() throws {
        let mount = try Mount()
        try mount.unmount()
        mount.environment["NOTIFY_SOCKET"] = mount.scratch.path + "/none"
        try mount.start()
        #expect(access(mount.path + "/backends/local", F_OK) == 0)
        #expect(mount.log.contains("cannot tell the service manager"))
    }

    /// systemd itself reads the units, where it is installed.
    @Test(arguments: ["gosync", "gosync-user"])
    func unitsMakeSense(name: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let unit = root.standardized.appending(path: "Packaging/\(name).service")
        let text = try String(contentsOf: unit, encoding: .utf8)
        #expect(text.contains("Type=notify\n") && text.contains("@PREFIX@/bin/gosync-mount "))
        guard access("/usr/bin/systemd-analyze", X_OK) == 0 else { return }
        let scratch = try TemporaryDirectory()
        try shell("mkdir bin; ln -s '\(buildDirectory)/gosync-mount' bin", in: scratch.path)
        let file = scratch.path + "/gosync.service"
        try writeFile(file, text.replacing("@PREFIX@", with: scratch.path))
        let words = ["verify", "--man=no"] + (name == "gosync" ? [] : ["--user"]) + [file]
        let outcome = try run(
            "/usr/bin/systemd-analyze",
            words,
            environment: ["XDG_RUNTIME_DIR": scratch.path]
        )
        let complaints = outcome.complaint.split(separator: "\n").filter { $0.contains("gosync") }
        #expect(complaints == [])
    }
}

/// Threads of a process that stand still, as if they hung, until they are let go of.
private final class Frozen {
    private let debugger = Process()
    private let input = Pipe()

    /// - Parameter threads: those of that name, or after `!` all others.
    init(_ process: Int32, _ threads: String) throws {
        let output = Pipe()
        debugger.executableURL = URL(filePath: "/usr/bin/env")
        debugger.arguments = ["python3", "-c", Self.script, "\(process)", threads]
        debugger.standardInput = input
        debugger.standardOutput = output
        try debugger.run()
        let answer = try output.fileHandleForReading.read(upToCount: 7) ?? Data()
        guard answer == Data("frozen\n".utf8) else {
            throw MountFailure(description: "no thread froze: \(answer)")
        }
    }

    deinit { thaw() }

    /// Lets them go on; may be called more than once.
    func thaw() {
        try? input.fileHandleForWriting.close()
        debugger.waitUntilExit()
    }

    /// As a debugger does it; where that ends, the kernel lets the threads go on.
    private static let script = """
        import ctypes, os, sys
        process, wanted = sys.argv[1], sys.argv[2]
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        SEIZE, INTERRUPT, ALL_THREADS = 0x4206, 0x4207, 0x40000000
        def ptrace(request, thread):
            if libc.ptrace(request, thread, None, None) != 0:
                sys.exit(f"ptrace: {os.strerror(ctypes.get_errno())}")
        count = 0
        for thread in map(int, os.listdir(f"/proc/{process}/task")):
            name = open(f"/proc/{process}/task/{thread}/comm").read().strip()
            if (name != wanted[1:]) if wanted[0] == "!" else (name == wanted):
                ptrace(SEIZE, thread)
                ptrace(INTERRUPT, thread)
                os.waitpid(thread, ALL_THREADS)
                count += 1
        if count == 0:
            sys.exit("there is no such thread")
        print("frozen", flush=True)
        sys.stdin.read()
        """
}
