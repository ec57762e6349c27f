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

    /// It is told again and again while all is well, and not once the daemon hangs.
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
