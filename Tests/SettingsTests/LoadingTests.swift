import Base
import Foundation
import Settings
import Testing

/// Where a configuration is looked for, and what holds without one.
struct LoadingTests {
    @Test func withoutAFileThereIsOneEmbeddedBackend() throws {
        let folder = try Folder()
        let found = try folder.load()
        let data = folder.path + "/.local/share/gosync"
        #expect(found.path == nil)
        #expect(found.mount.dataDirectory == data)
        #expect(found.socketPath == data + "/gosync.sock")
        #expect(found.cache.directory == data + "/cache")
        #expect(found.cache.sizeBytes == 20 << 30)
        #expect(found.backends.map(\.id) == ["local"])
        #expect(found.backends.first?.place == .local(path: data + "/local"))
    }

    @Test func theFirstPlaceOfTheSearchOrderWins() throws {
        let folder = try Folder()
        let variable = try folder.write("variable.conf", "[log]\nlevel = error\n")
        let option = try folder.write("option.conf", "[log]\nlevel = debug\n")
        try folder.write(".config/gosync/mount.conf", "[log]\nlevel = warning\n")
        #expect(try folder.load().log.levels == LogLevels(.warning))
        try folder.write("xdg/gosync/mount.conf", "")
        let xdg = ["XDG_CONFIG_HOME": folder.path + "/xdg"]
        #expect(try folder.load(xdg).path == folder.path + "/xdg/gosync/mount.conf")
        #expect(try folder.load(["GOSYNC_CONFIG": variable]).log.levels == LogLevels(.error))
        let both = try folder.load(explicit: option, ["GOSYNC_CONFIG": variable])
        #expect(both.log.levels == LogLevels(.debug))
    }

    @Test func aFileThatWasNamedMustExist() throws {
        let folder = try Folder()
        let path = folder.path + "/none.conf"
        let expected = SettingsError(path: path, message: "there is no such file")
        #expect(throws: expected) { try folder.load(explicit: path) }
        #expect(throws: expected) { try folder.load(["GOSYNC_CONFIG": path]) }
    }

    @Test func aDirectoryIsNoConfiguration() throws {
        let folder = try Folder()
        let expected = SettingsError(path: folder.path, message: "cannot be read: Is a directory")
        #expect(throws: expected) { try folder.load(explicit: folder.path) }
    }

    @Test func withoutAHomeTheDataDirectoryMustBeNamed() throws {
        #expect(throws: SettingsError.self) {
            try Configuration.load(explicit: nil, environment: [:])
        }
        let found = try Configuration.parse(
            Array("[mount]\ndata_dir = /srv/gosync/\n".utf8),
            path: "mount.conf",
            environment: [:],
            home: nil
        )
        #expect(found.mount.dataDirectory == "/srv/gosync")
        #expect(found.metadata.path == "/srv/gosync/metadata.db")
    }

    @Test func aClientNeedsNoneOfTheDaemonsSecrets() throws {
        let folder = try Folder()
        let path = try folder.write(
            "mount.conf",
            "[mount]\ndata_dir = ${HERE}/x\n[backend x]\nsecret_key = ${SECRET}\n"
        )
        let environment = ["HERE": "/srv"]
        let socket = try Configuration.socketPath(
            explicit: path,
            environment: environment,
            home: "/h"
        )
        #expect(socket == "/srv/x/gosync.sock")
        #expect(throws: SettingsError.self) { try folder.load(explicit: path, environment) }
        let usual = try Configuration.socketPath(explicit: nil, environment: [:], home: folder.path)
        #expect(usual == folder.path + "/.local/share/gosync/gosync.sock")
    }

    @Test func aSecretThatOthersCanReadDrawsAWarning() throws {
        let folder = try Folder()
        let backend = "[backend x]\ntype = s3\nbucket = b\naccess_key = a\nsecret_key = "
        let open = try folder.write("open.conf", backend + "hunter2\n", mode: 0o644)
        let closed = try folder.write("closed.conf", backend + "hunter2\n", mode: 0o600)
        let variable = try folder.write("variable.conf", backend + "${KEY}\n", mode: 0o644)
        let advice =
            "others can read this file, and it holds a 'secret_key'; run 'chmod 600 \(open)'"
        #expect(try folder.load(explicit: open).warnings == ["\(open):5: \(advice)"])
        #expect(try folder.load(explicit: closed).warnings == [])
        #expect(try folder.load(explicit: variable, ["KEY": "hunter2"]).warnings == [])
    }

    @Test func aSecretIsShownNowhere() throws {
        let folder = try Folder()
        let path = try folder.write(
            "mount.conf",
            "[backend x]\ntype = s3\nbucket = b\naccess_key = a\nsecret_key = hunter2\n"
        )
        let found = try folder.load(explicit: path)
        var dumped = ""
        dump(found, to: &dumped)
        for text in ["\(found)", String(reflecting: found), dumped] {
            #expect(text.contains("(secret)") || text.contains("Secret"))
            #expect(!text.contains("hunter2"))
        }
    }
}

/// A home directory of its own for each test.
private final class Folder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
        let url = URL(filePath: path).appending(path: name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
        return url.path
    }

    func load(
        explicit: String? = nil,
        _ environment: [String: String] = [:]
    ) throws -> Configuration {
        try Configuration.load(explicit: explicit, environment: environment, home: path)
    }
}
