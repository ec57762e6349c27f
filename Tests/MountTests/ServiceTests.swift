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
        let manager = try NotifySocket(name, isAbstract: isAbstract)
        mount.environment["NOTIFY_SOCKET"] = (isAbstract ? "@" : "") + name
        try mount.start()
        #expect(manager.next() == "READY=1")
        #expect(access(mount.path + "/backends/local", F_OK) == 0)
        #expect(access(mount.dataDirectory + "/gosync.sock", F_OK) == 0)
        try mount.unmount()
        #expect(manager.next() == "STOPPING=1")
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

/// Takes what services say, as a manager does.
private final class NotifySocket {
    private let descriptor: CInt

    init(_ name: String, isAbstract: Bool) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = (isAbstract ? [0] : []) + Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length)
            }
        }
        try must(code)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    }

    deinit { close(descriptor) }

    func next() -> String? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
