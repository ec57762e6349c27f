import Base
import Foundation
import Testing

@testable import Settings

/// What the lines of a configuration mean.
struct ConfigurationTests {
    @Test func everyKeyTakesEffect() throws {
        let found = try parse(
            """
            \u{feff}# everything
            [mount]
            data_dir = ~/data   # a comment
            close = async
            durability = remote
            unmount = leave
            unmount_limit = 7s
            allow_other = yes
            directory_ttl = 5m
            uid = 1000
            gid = 100
            umask = 077
            [cache]
            dir = /var/cache/gosync
            size = 5MB0
            memory = 64MiB
            [metadata]
            path = /var/lib/gosync.db
            [log]
            level = debug, stores = error
            format = json
            output = journal
            file = /var/log/gosync.log
            rotate_size = 1MiB
            rotate_every = 1d
            backups = 9
            keep_for = 90d
            compress = no
            [control]
            listen = [::1]:8765
            [telemetry]
            otlp_endpoint = http://localhost:4318
            [backend home.s3_1-x]
            type = s3
            endpoint = HTTPS://[::1]:9000/
            bucket = sync-bucket
            prefix = a/b
            region = eu-central-1
            access_key = ${KEY}
            secret_key = ${SECRET}
            path_style = no
            read_only = yes
            directory_ttl = 1s
            [backend aws]\r
            type = s3\r
            bucket = other\r
            profile = work\r
            [backend disk]
            type = local
            path = "/srv/a # b"
            [filter photos/red]
            query = tag:note contains '# 1' AND NOT name=bob's   # mine
            layout = flat
            names = always
            """.replacing("5MB0", with: "50MB"),
            ["KEY": "AKIA # '", "SECRET": "${KEY}"]
        )
        #expect(
            found.mount
                == .init(
                    dataDirectory: "/home/user/data",
                    close: .async,
                    durability: .remote,
                    unmount: .leave,
                    unmountLimitSeconds: 7,
                    allowOther: true,
                    directoryTTLSeconds: 300,
                    owner: 1000,
                    group: 100,
                    umask: 0o077
                )
        )
        #expect(
            found.cache
                == .init(
                    directory: "/var/cache/gosync",
                    sizeBytes: 50_000_000,
                    memoryBytes: 64 << 20
                )
        )
        #expect(found.metadata.path == "/var/lib/gosync.db")
        #expect(found.log.levels == LogLevels(.debug, except: ["Stores": .error]))
        #expect(found.log.format == .json && found.log.output == .journal)
        #expect(found.log.file == "/var/log/gosync.log")
        var rotation = LogFile.Rotation()
        rotation.sizeBytes = 1 << 20
        rotation.periodSeconds = 86_400
        rotation.backups = 9
        rotation.keptSeconds = 90 * 86_400
        rotation.compresses = false
        #expect(found.log.rotation == rotation)
        #expect(found.control.listen == .init(address: "::1", port: 8765))
        #expect(found.telemetry.otlpEndpoint == "http://localhost:4318")
        let keys = Configuration.Backend.Credentials.keys(
            access: "AKIA # '",
            secret: Secret("${KEY}")
        )
        let s3 = Configuration.Backend.Bucket(
            endpoint: "https://[::1]:9000",
            name: "sync-bucket",
            prefix: "a/b/",
            region: "eu-central-1",
            credentials: keys,
            pathStyle: false
        )
        let aws = Configuration.Backend.Bucket(
            name: "other",
            credentials: .profile("work"),
            pathStyle: false
        )
        #expect(
            found.backends == [
                .init(
                    id: "home.s3_1-x",
                    place: .s3(s3),
                    readOnly: true,
                    directoryTTLSeconds: 1,
                    line: 33
                ),
                .init(id: "aws", place: .s3(aws), directoryTTLSeconds: 300, line: 44),
                .init(
                    id: "disk",
                    place: .local(path: "/srv/a # b"),
                    directoryTTLSeconds: 300,
                    line: 48
                ),
            ]
        )
        let query = "tag:note contains '# 1' AND NOT name=bob's"
        #expect(
            found.filters == [
                .init(
                    path: "photos/red",
                    query: .init(text: query, line: 52),
                    names: .always,
                    line: 51
                )
            ]
        )
    }

    @Test(arguments: [
        (#"plain # comment"#, "plain"), (#"a#b"#, "a#b"), (#"# all comment"#, ""),
        (#"'single # quoted' # x"#, "single # quoted"), (#"" spaces ""#, " spaces "),
        (#""a \" b \\ c \d""#, #"a " b \ c \d"#), (#"'a' = 'b # c' # d"#, #"'a' = 'b # c'"#),
        (#"it's # bob's"#, "it's"), (#"x = "not closed # y"#, #"x = "not closed"#),
        (#"$HOME $$ ${X}$"#, "$HOME $$ <x>$"), (#"$${X} ${X}"#, "${X} <x>"),
        (#"'${X}'"#, "<x>"), ("e\u{301} #\u{301} no character", "e\u{301}"),
        (#"("a # b") # c"#, #"("a # b")"#), (#"'\' # a'"#, #"' # a"#),
    ])
    func aValueIsWhatItsLineSays(line: String, value: String) throws {
        let found = try parse("[filter x]\nquery = tag:x \(line)", ["X": "<x>"])
        let alone = try? parse("[filter x]\nquery = \(line)", ["X": "<x>"])
        // After a word, quotes are part of the value; alone, they enclose it.
        if !line.hasPrefix("'") && !line.hasPrefix("\"") {
            let expected = "tag:x \(value)"
            #expect(found.filters.first?.query.text == (value.isEmpty ? "tag:x" : expected))
        }
        if !value.isEmpty { #expect(alone?.filters.first?.query.text == value) }
    }

    @Test(arguments: [
        ("16MiB", 16 << 20), ("4194304K", 4 << 30), ("20GiB", 20 << 30), ("1TB", 1_000_000_000_000),
        ("1 GB", 1_000_000_000), ("17000000", 17_000_000), ("17000000B", 17_000_000),
        ("32m", 32 << 20), ("2PiB", 2 << 50),
    ])
    func aSizeHasItsUnit(text: String, bytes: Int) throws {
        #expect(try parse("[cache]\nsize = \(text)").cache.sizeBytes == Int64(bytes))
    }

    @Test(arguments: [
        ("1500ms", 1.5), ("60s", 60), ("5m", 300), ("2h", 7200), ("7d", 604_800), ("1w", 604_800),
    ])
    func aDurationHasItsUnit(text: String, seconds: Double) throws {
        let found = try parse("[mount]\ndirectory_ttl = \(text)")
        #expect(found.mount.directoryTTLSeconds == seconds)
    }

    @Test func theExampleIsRightAndComplete() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let bytes = try Data(contentsOf: root.standardized.appending(path: "mount.conf.example"))
        let found = try parse(
            String(decoding: bytes, as: UTF8.self),
            ["S3_KEY": "a", "S3_SECRET": "b", "GOSYNC_SECRET": "c"]
        )
        #expect(found.encrypt.secret == Secret("c"))
        #expect(found.backends.map(\.id) == ["selfhosted", "amazon", "attic"])
        let document = try Document(Array(bytes), path: "mount.conf.example")
        let names = { (kind: String) in
            Set(document.sections.filter { $0.kind == kind }.flatMap { $0.entries.map(\.key) })
        }
        #expect(names("mount") == Set(Configuration.mountKeys.map(\.name)))
        #expect(names("cache") == Set(Configuration.cacheKeys.map(\.name)))
        #expect(names("metadata") == Set(Configuration.metadataKeys.map(\.name)))
        #expect(names("encrypt") == Set(Configuration.encryptKeys.map(\.name)))
        #expect(names("log") == Set(Configuration.logKeys.map(\.name)))
        #expect(names("control") == Set(Configuration.controlKeys.map(\.name)))
        #expect(names("telemetry") == Set(Configuration.telemetryKeys.map(\.name)))
        #expect(names("backend") == Set(BackendDraft.keys.map(\.name)))
        #expect(names("filter") == Set(Configuration.filterKeys.map(\.name)))
        #expect(names("tagger") == Set(Configuration.taggerKeys.map(\.name)))
    }

    /// What `gosync config init` writes says nothing as it is, and the defaults once it is let to.
    @Test func theFirstFileHoldsTheDefaults() throws {
        let untouched = try parse(Reference.file)
        #expect(untouched == (try parse("")))
        let lines = Reference.file.split(separator: "\n").map { line in
            let isSetting = line.hasPrefix("#") && !line.hasPrefix("# ")
            return isSetting ? line.dropFirst() : line
        }.filter { !$0.hasSuffix("= ") && !$0.hasPrefix("uid") && !$0.hasPrefix("gid") }
        let variables = ["S3_KEY": "a", "S3_SECRET": "b", "GOSYNC_SECRET": "c"]
        let all = try parse(lines.joined(separator: "\n"), variables)
        var expected = untouched
        expected.cache.minFreeBytes = 1 << 30
        expected.cache.memoryBytes = 256 << 20
        #expect(all.mount == expected.mount)
        #expect(all.cache == expected.cache)
        #expect(all.metadata == expected.metadata)
        #expect(all.log == expected.log)
        #expect(all.backends.map(\.id) == ["selfhosted", "attic"])
        #expect(all.filters.map(\.path) == ["photos/red"])
    }
}

func parse(
    _ text: String,
    _ environment: [String: String] = [:]
) throws(SettingsError) -> Configuration {
    try Configuration.parse(
        Array(text.utf8),
        path: "mount.conf",
        environment: environment,
        home: "/home/user"
    )
}
