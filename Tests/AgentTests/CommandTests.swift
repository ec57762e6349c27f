import Agent
import Base
import Foundation
import Testing
import Wire

/// The program itself, against a control socket.
struct CommandTests {
    @Test func filesAreTaggedListedAndFound() throws {
        let fixture = try ControlFixture()
        #expect(try fixture.run("tag", "set", "a/x", "colour=red", "urgent").isDone)
        #expect(try fixture.run("tag", "list", "/backends/a/x").text == "colour=red\nurgent\n")
        let tags = try FileTags(json: Array(fixture.run("tag", "list", "a/x", "--json").text.utf8))
        #expect(tags.tags.map(\.key) == ["colour", "urgent"])
        #expect(try fixture.run("tag", "search", "x").text == "/backends/a/x\n")
        #expect(try fixture.run("tag", "list", "/backends/a/new\nline").isDone)
    }

    @Test func aListingIsReadToItsEnd() throws {
        let fixture = try ControlFixture()
        let names = try fixture.run("ls", "a").text.split(separator: "\n")
        #expect(names.count == 2 * Endpoint.largestPage)
        let long = try fixture.run("ls", "-lh", "a").text.split(separator: "\n").first
        #expect(
            long?.hasPrefix("-rw-r--r--\t0\t1970-01-01 ") == true || long?.contains("19") == true
        )
    }

    @Test func aFilterIsMadeAndShown() throws {
        let fixture = try ControlFixture()
        #expect(
            try fixture.run("filter", "create", "photos/red", "tag:a=b", "--names", "always").isDone
        )
        #expect(try fixture.run("filter", "list").text == "photos/red\ttag:a=b\tready\n")
        #expect(try fixture.run("filter", "show", "/filters/photos/red").text.contains("always"))
        #expect(try fixture.run("filter", "update", "photos/red", "--query", "*").isDone)
        #expect(try fixture.run("filter", "delete", "photos/red").isDone)
        let gone = try fixture.run("filter", "show", "photos/red")
        #expect(gone.code == 1)
        #expect(gone.error == "gosync: photos/red: there is no such file or directory\n")
        #expect(try fixture.run("filter", "test", "*").text == "10 files match\n… and 10 more\n")
    }

    @Test func statusShowsBackendsAndMounts() throws {
        let fixture = try ControlFixture()
        let text = try fixture.run("status").text
        #expect(text.contains("Mounted on     /mnt/gosync\n"))
        #expect(text.contains("a\tlocal\tready\t/a\tmount.conf\n"))
        let status = try Status(json: Array(fixture.run("status", "--json").text.utf8))
        #expect(status.daemon.mountPoints == ["/mnt/gosync"])
    }

    @Test func exitCodesTellScriptsWhatHappened() throws {
        let fixture = try ControlFixture()
        #expect(try fixture.run("version").text == "gosync \(Release.version)\n")
        #expect(try fixture.run("tag", "list", "a/none").code == 1)
        #expect(try fixture.run("tag", "lst").code == 2)
        #expect(try fixture.run("tag", "add", "a/x", "=").code == 2)
        let absent = try fixture.run("--socket", fixture.folder + "/none.sock", "status")
        #expect(absent.code == 3)
        let start = "gosync: GoSync is not running: nothing answers at \(fixture.folder)/none.sock"
        #expect(absent.error.hasPrefix(start))
    }

    @Test func theSocketIsFoundThroughTheConfiguration() throws {
        let fixture = try ControlFixture()
        let configuration = fixture.folder + "/mount.conf"
        try Data("[mount]\ndata_dir = \(fixture.folder)\n".utf8).write(
            to: URL(filePath: configuration)
        )
        let named = try fixture.run("-c", configuration, "status", environment: [:])
        #expect(named.isDone)
        let environment = ["GOSYNC_CONFIG": configuration]
        #expect(try fixture.run("status", environment: environment).isDone)
        let socket = [
            "GOSYNC_SOCKET": fixture.folder + "/gosync.sock", "http_proxy": "http://nowhere:1",
        ]
        #expect(try fixture.run("status", environment: socket).isDone)
        let broken = try fixture.run("-c", fixture.folder + "/none", "status", environment: [:])
        #expect(broken.code == 1)
        #expect(broken.error == "gosync: \(fixture.folder)/none: there is no such file\n")
    }
}

/// A control socket with a shelf behind it, and the built program.
private final class ControlFixture {
    let folder: String
    private let socket: ControlSocket

    struct Outcome {
        let code: Int32
        let text: String
        let error: String
        var isDone: Bool { code == 0 && error.isEmpty }
    }

    init() throws {
        folder = NSTemporaryDirectory() + "gosync-\(UUID().uuidString.prefix(8))"
        let daemon = Status.Daemon(
            version: "1",
            pid: 1,
            started: ShelfControl.moment,
            configuration: nil,
            dataDirectory: folder,
            mountPoints: ["/mnt/gosync"],
            warnings: []
        )
        let path = folder + "/gosync.sock"
        let control = ShelfControl()
        socket = try ControlSocket(path: path, daemon: daemon, control: control, backends: control)
    }

    deinit {
        socket.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func run(_ words: String..., environment: [String: String]? = nil) throws -> Outcome {
        let child = Process()
        child.executableURL = Self.program
        child.arguments = words
        child.environment = environment ?? ["GOSYNC_SOCKET": folder + "/gosync.sock"]
        child.environment?["HOME"] = folder
        let (output, error) = (Pipe(), Pipe())
        child.standardOutput = output
        child.standardError = error
        try child.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        let message = try error.fileHandleForReading.readToEnd() ?? Data()
        child.waitUntilExit()
        return Outcome(
            code: child.terminationStatus,
            text: String(decoding: text, as: UTF8.self),
            error: String(decoding: message, as: UTF8.self)
        )
    }

    /// Beside the test bundle, in the build directory.
    private static let program: URL = {
        let bundle =
            CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(filePath: bundle).deletingLastPathComponent().appending(path: "gosync")
    }()
}
