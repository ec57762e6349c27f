import Base
import Foundation
import TestSupport
import Testing

@testable import WebServer

struct SocketFileTests {
    @Test func theSocketIsPrivate() throws {
        let fixture = try ServerFixture()
        let files = FileManager.default
        let socket = try files.attributesOfItem(atPath: fixture.path)
        let folder = try files.attributesOfItem(atPath: fixture.folder)
        #expect(socket[.posixPermissions] as? Int == 0o600)
        #expect(folder[.posixPermissions] as? Int == 0o700)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can become someone else"))
    func anotherUserIsTurnedAway() throws {
        let fixture = try ServerFixture()
        chmod(fixture.folder, 0o755)
        chmod(fixture.path, 0o666)
        let script = """
            use Socket; $) = $> = 65534; socket(S, AF_UNIX, SOCK_STREAM, 0) or die;
            connect(S, sockaddr_un($ARGV[0])) or die "no connection"; $SIG{PIPE} = 'IGNORE';
            syswrite S, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n"; sysread S, my $answer, 100;
            print "answer: ", $answer // "";
            """
        let child = Process()
        child.executableURL = URL(filePath: "/usr/bin/perl")
        child.arguments = ["-e", script, fixture.path]
        let output = Pipe()
        child.standardOutput = output
        try child.run()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        child.waitUntilExit()
        #expect(String(decoding: said, as: UTF8.self) == "answer: ")
        let client = try fixture.client()
        client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(client.answer()?.status == 200)
    }

    @Test func aStoppedServerLeavesNoSocket() throws {
        let path: String
        do {
            let fixture = try ServerFixture()
            path = fixture.path
        }
        #expect(throws: Errno.noEntry) { _ = try RawClient(path) }
    }

    @Test func aServerMayBeStoppedAtOnce() throws {
        let path = NSTemporaryDirectory() + "gosync-\(UUID().uuidString.prefix(8))/x.sock"
        for _ in 0..<50 { try Server(path: path, handler: ServerFixture.echo).stop() }
        #expect(throws: Errno.noEntry) { _ = try RawClient(path) }
        try FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
    }

    @Test func aStoppedServerHasAnsweredWhatItHadBegun() throws {
        let fixture = try ServerFixture { request in
            usleep(100_000)
            return ServerFixture.echo(request)
        }
        let client = try fixture.client()
        client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        usleep(50_000)
        fixture.stop()
        #expect(client.answer()?.text == "get /x  ")
    }

    @Test func aSocketThatNobodyAnswersAtIsReplaced() throws {
        let folder = NSTemporaryDirectory() + "gosync-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/x.sock"
        let stale = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #expect(bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0)
            }
        }
        close(stale)
        let server = try Server(path: path, handler: ServerFixture.echo)
        let client = try RawClient(path)
        client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(client.answer()?.status == 200)
        server.stop()
    }

    @Test func aLiveServerIsNotPushedAside() throws {
        let fixture = try ServerFixture()
        let expected = ServerError(description: "another GoSync already listens at \(fixture.path)")
        #expect(throws: expected) {
            _ = try Server(path: fixture.path, handler: ServerFixture.echo)
        }
        let client = try fixture.client()
        client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(client.answer()?.status == 200)
    }

    @Test func aFileInTheWayIsNotRemoved() throws {
        let folder = NSTemporaryDirectory() + "gosync-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("precious".utf8).write(to: URL(filePath: folder + "/x.sock"))
        #expect(throws: ServerError.self) {
            _ = try Server(path: folder + "/x.sock", handler: ServerFixture.echo)
        }
        #expect(FileManager.default.contents(atPath: folder + "/x.sock") == Data("precious".utf8))
    }

    @Test func aPathThatIsTooLongIsNamed() {
        let path = "/tmp/" + String(repeating: "a", count: 100) + "/x.sock"
        #expect(throws: ServerError.self) {
            _ = try Server(path: path, handler: ServerFixture.echo)
        }
    }
}
