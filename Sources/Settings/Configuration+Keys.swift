import Base

/// Every key of every section: what is not here is an error in the file.
extension Configuration {
    static let mountKeys: [Setting<Mount>] = [
        Setting(
            "data_dir",
            "the cache, the database and the socket live here",
            usual: "~/.local/share/gosync",
            \.dataDirectory,
            Value.filePath
        ),
        Setting(
            "close",
            "sync: close() returns once the store has the file; async: at once",
            usual: "async",
            \.close,
            Value.choice
        ),
        Setting(
            "upload_after",
            "async: a file goes to its store this long after its last close, 30s at most",
            usual: "5s",
            \.uploadAfterSeconds,
            Value.durationSeconds
        ),
        Setting(
            "unmount",
            "flush: an unmount waits for the stores; leave: the next start delivers",
            usual: "flush",
            \.unmount,
            Value.choice
        ),
        Setting(
            "unmount_limit",
            "how long an unmount waits for the stores at most",
            usual: "120s",
            \.unmountLimitSeconds,
            Value.durationSeconds
        ),
        Setting(
            "durability",
            "local: fsync() returns once the file is on this machine's disk; remote: in the store",
            usual: "local",
            \.durability,
            Value.choice
        ),
        Setting(
            "passthrough",
            "root on Linux 6.9 or later: cached files are read by the kernel itself",
            usual: "yes",
            \.passthrough,
            Value.yesOrNo
        ),
        Setting(
            "io_uring",
            "how calls reach GoSync; auto: by io_uring where the kernel has it switched on; yes: switch it on",
            usual: "auto",
            \.ioUring,
            Value.choice
        ),
        Setting(
            "allow_other",
            "let other users of this machine in, as far as file modes allow",
            usual: "no",
            \.allowOther,
            Value.yesOrNo
        ),
        Setting(
            "directory_ttl",
            "how long a listing counts as true; at least 1s",
            usual: "60s",
            \.directoryTTLSeconds,
            Value.directoryTTLSeconds
        ),
        Setting(
            "uid",
            "number of the owner of files that have none recorded; without it, who mounts",
            \.owner,
            Value.userNumber
        ),
        Setting(
            "gid",
            "number of their group; without it, that of who mounts",
            \.group,
            Value.userNumber
        ),
        Setting(
            "umask",
            "permissions that files without recorded ones do not get, in octal",
            usual: "022",
            \.umask,
            Value.permissions
        ),
    ]

    static let cacheKeys: [Setting<Cache>] = [
        Setting(
            "dir",
            "where its files lie; without it, below data_dir",
            usual: "~/.local/share/gosync/cache",
            \.directory,
            Value.filePath
        ),
        Setting(
            "size",
            "how much of the disk it may take; at least 16MiB",
            usual: "20GiB",
            \.sizeBytes,
            Value.cacheSizeBytes
        ),
        Setting(
            "min_free",
            "what it leaves free of its disk; without it, a quarter, and 1GiB at most",
            usual: "1GiB",
            \.minFreeBytes,
            Value.sizeBytes
        ),
        Setting(
            "memory",
            "bytes on their way at once; at least 8MiB; without it, a tenth of RAM at the most",
            usual: "256MiB",
            \.memoryBytes,
            Value.cacheMemoryBytes
        ),
    ]

    static let metadataKeys: [Setting<Metadata>] = [
        Setting(
            "path",
            "the file of the database; without it, in data_dir",
            usual: "~/.local/share/gosync/metadata.db",
            \.path,
            Value.filePath
        )
    ]

    static let encryptKeys: [Setting<Encrypt>] = [
        Setting(
            "secret",
            "what seals them; without it $GOSYNC_SECRET, the systemd credential gosync.secret, or secret.key in data_dir",
            isSecret: true,
            \.secret,
            Value.secret
        )
    ]

    static let logKeys: [Setting<Logging>] = [
        Setting(
            "level",
            "error, warning, info or debug; then MODULE=LEVEL for some, as in info, Stores=debug",
            usual: "info",
            \.levels,
            Value.logLevels
        ),
        Setting(
            "format",
            "text: for people; json: one object per line",
            usual: "text",
            \.format,
            Value.choice
        ),
        Setting(
            "output",
            "stderr, journal; auto: the journal in a service of systemd, else stderr or the file",
            usual: "auto",
            \.output,
            Value.choice
        ),
        Setting(
            "file",
            "a file in place of that; in the background, without it, gosync.log in data_dir",
            \.file,
            Value.filePath
        ),
        Setting(
            "rotate_size",
            "a file that would grow beyond this is renamed, and a new one begun; at least 64KiB",
            usual: "10MiB",
            \.rotation.sizeBytes,
            Value.logSizeBytes
        ),
        Setting(
            "rotate_every",
            "a file holds what is of one such period; without it, of any time",
            \.rotation.periodSeconds,
            Value.logPeriodSeconds
        ),
        Setting(
            "backups",
            "how many old files are kept",
            usual: "5",
            \.rotation.backups,
            Value.logBackups
        ),
        Setting(
            "keep_for",
            "how long an old file is kept; without it, for ever",
            \.rotation.keptSeconds,
            Value.durationSeconds
        ),
        Setting(
            "compress",
            "old files are compressed",
            usual: "yes",
            \.rotation.compresses,
            Value.yesOrNo
        ),
    ]

    static let controlKeys: [Setting<Control>] = [
        Setting(
            "listen",
            "127.0.0.1:PORT or [::1]:PORT: the API there too, for whoever has data_dir/token",
            \.listen,
            Value.listening
        )
    ]

    static let telemetryKeys: [Setting<Telemetry>] = [
        Setting(
            "otlp_endpoint",
            "collector of traces (OTLP over HTTP, JSON), such as http://localhost:4318",
            \.otlpEndpoint,
            Value.collector
        )
    ]

    static let filterKeys: [Setting<Filter>] = [
        Setting(
            "query",
            "which files it shows",
            \.query,
            Value.query
        ),
        Setting(
            "layout",
            "flat: all files side by side; tree: BACKEND/PATH",
            usual: "flat",
            \.layout,
            Value.choice
        ),
        Setting(
            "names",
            "collide: equal names get a suffix; always: all names get one",
            usual: "collide",
            \.names,
            Value.choice
        ),
        Setting(
            "case",
            "exact; or fold: names that differ in case only are equal, for Samba and macOS",
            usual: "exact",
            \.casing,
            Value.choice
        ),
        Setting(
            "assert",
            "yes: ln and mv of a file into the view set the tags of its query",
            usual: "no",
            \.asserts,
            Value.yesOrNo
        ),
        Setting(
            "unlink",
            "refuse; or untag: rm in the view removes the tags",
            usual: "refuse",
            \.unlink,
            Value.choice
        ),
    ]

    static let taggerKeys: [Setting<Tagger>] = [
        Setting(
            "path",
            "where files lie, with the keys of tags in braces, such as /photos/{year}/{event}/",
            \.rule,
            Value.rule
        ),
        Setting(
            "backend",
            "the only backend it is for; without it, all",
            \.backend,
            Value.word
        ),
    ]
}

extension BackendDraft {
    static let keys: [Setting<BackendDraft>] = [
        Setting(
            "type",
            "s3 or local",
            \.kind,
            Value.choice
        ),
        Setting(
            "endpoint",
            "scheme, host and port, such as http://localhost:9000; without it, Amazon S3",
            \.endpoint,
            Value.itself
        ),
        Setting(
            "bucket",
            "the name of the bucket",
            \.bucket,
            Value.itself
        ),
        Setting(
            "prefix",
            "show only what lies under this, such as photos/2024/; without it, all",
            \.prefix,
            Value.itself
        ),
        Setting(
            "region",
            "of the bucket; without it, what the profile or the environment says",
            usual: "us-east-1",
            \.region,
            Value.itself
        ),
        Setting(
            "access_key",
            "the key, with secret_key; else profile, or the AWS environment and files",
            \.accessKey,
            Value.itself
        ),
        Setting(
            "secret_key",
            "the secret; better ${NAME}, from the environment, than written out",
            isSecret: true,
            \.secretKey,
            Value.itself
        ),
        Setting(
            "profile",
            "of ~/.aws/credentials, in place of the two keys",
            \.profile,
            Value.itself
        ),
        Setting(
            "path_style",
            "the bucket in the path, not in the host name; without it, yes where there is an endpoint",
            \.pathStyle,
            Value.itself
        ),
        Setting(
            "path",
            "of a local backend: the directory to show, as it is",
            \.path,
            Value.itself
        ),
        Setting(
            "read_only",
            "nothing in it can be changed here",
            usual: "no",
            \.readOnly,
            Value.yesOrNo
        ),
        Setting(
            "directory_ttl",
            "how long a listing counts as true; without it, that of [mount]",
            \.directoryTTLSeconds,
            Value.directoryTTLSeconds
        ),
    ]
}

/// One key of a section: its name, what it means, where its value goes, and how that is read.
struct Setting<Target>: Sendable {
    let name: String
    /// Without a full stop.
    let help: String
    /// What holds without it; empty where nothing does.
    let usual: String
    /// Never shown.
    let isSecret: Bool
    let apply: @Sendable (inout Target, Value) throws(SettingsError) -> Void

    init<Part>(
        _ name: String,
        _ help: String,
        usual: String = "",
        isSecret: Bool = false,
        _ part: any WritableKeyPath<Target, Part> & Sendable,
        _ read: @escaping @Sendable (Value) -> () throws(SettingsError) -> Part
    ) {
        self.name = name
        self.help = help
        self.usual = usual
        self.isSecret = isSecret
        apply = { target, value throws(SettingsError) in
            target[keyPath: part] = try read(value)()
        }
    }

    /// For what stays `nil` unless the key is there.
    init<Part>(
        _ name: String,
        _ help: String,
        usual: String = "",
        isSecret: Bool = false,
        _ part: any WritableKeyPath<Target, Part?> & Sendable,
        _ read: @escaping @Sendable (Value) -> () throws(SettingsError) -> Part
    ) {
        self.name = name
        self.help = help
        self.usual = usual
        self.isSecret = isSecret
        apply = { target, value throws(SettingsError) in
            target[keyPath: part] = try read(value)()
        }
    }
}

/// Values that only one key takes.
extension Value {
    func itself() throws(SettingsError) -> Value { self }

    /// Below a second, every look at a directory would ask the store.
    func directoryTTLSeconds() throws(SettingsError) -> Double {
        let seconds = try durationSeconds()
        guard seconds >= 1 else { throw error("'\(key)' is at least 1s") }
        return seconds
    }

    func cacheSizeBytes() throws(SettingsError) -> Int64 {
        try sizeBytes(atLeast: Configuration.Cache.smallestBytes)
    }

    func cacheMemoryBytes() throws(SettingsError) -> Int64 {
        try sizeBytes(atLeast: Configuration.Cache.smallestMemoryBytes)
    }

    private func sizeBytes(atLeast least: Int64) throws(SettingsError) -> Int64 {
        let bytes = try sizeBytes()
        guard bytes >= least else { throw error("'\(key)' is at least \(least >> 20)MiB") }
        return bytes
    }

    func logLevels() throws(SettingsError) -> LogLevels {
        do throws(LogLevelsProblem) {
            return try LogLevels(parsing: text)
        } catch {
            throw self.error("'\(key)' \(error)")
        }
    }

    func logSizeBytes() throws(SettingsError) -> Int64 {
        let bytes = try sizeBytes()
        guard bytes >= 64 << 10 else { throw error("'\(key)' is at least 64KiB") }
        return bytes
    }

    /// A shorter one would make more files than anybody wants.
    func logPeriodSeconds() throws(SettingsError) -> Double {
        let seconds = try durationSeconds()
        guard seconds >= 60 else { throw error("'\(key)' is at least 1m") }
        return seconds
    }

    func logBackups() throws(SettingsError) -> Int {
        guard let number = Int(text), (0...1000).contains(number) else {
            throw error("'\(key)' is a number from 0 to 1000, not '\(text)'")
        }
        return number
    }

    /// Others than this machine would get a door that only a token closes, and no encryption.
    func listening() throws(SettingsError) -> Configuration.Control.Listening {
        for (written, address) in [
            ("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("[::1]", "::1"),
        ] {
            guard text.hasPrefix(written + ":"),
                let port = UInt16(text.dropFirst(written.count + 1))
            else { continue }
            if port > 0 { return Configuration.Control.Listening(address: address, port: port) }
        }
        throw error("'\(key)' is 127.0.0.1:PORT or [::1]:PORT, not '\(text)'")
    }

    func collector() throws(SettingsError) -> String {
        let text = try word()
        let rest = ["http://", "https://"].first { text.hasPrefix($0) }.map {
            text.dropFirst($0.count)
        }
        guard let rest, !rest.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw error("'\(key)' is a URL such as http://localhost:4318, not '\(text)'")
        }
        return text
    }

    func secret() throws(SettingsError) -> Secret { Secret(try word()) }

    func query() throws(SettingsError) -> Configuration.Filter.Query {
        Configuration.Filter.Query(text: try word(), line: line ?? 0)
    }

    func rule() throws(SettingsError) -> Configuration.Tagger.Rule {
        Configuration.Tagger.Rule(text: try word(), line: line ?? 0)
    }
}
