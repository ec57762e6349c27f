import Base

/// Every key of every section: what is not here is an error in the file.
extension Configuration {
    static let mountKeys: [Setting<Mount>] = [
        Setting("data_dir", \.dataDirectory, Value.filePath),
        Setting("close", \.close, Value.choice),
        Setting("unmount", \.unmount, Value.choice),
        Setting("unmount_limit", \.unmountLimitSeconds, Value.durationSeconds),
        Setting("passthrough", \.passthrough, Value.yesOrNo),
        Setting("allow_other", \.allowOther, Value.yesOrNo),
        Setting("directory_ttl", \.directoryTTLSeconds, Value.directoryTTLSeconds),
        Setting("uid", \.owner, Value.userNumber),
        Setting("gid", \.group, Value.userNumber),
        Setting("umask", \.umask, Value.permissions),
    ]

    static let cacheKeys: [Setting<Cache>] = [
        Setting("dir", \.directory, Value.filePath),
        Setting("size", \.sizeBytes, Value.cacheSizeBytes),
        Setting("memory", \.memoryBytes, Value.cacheMemoryBytes),
    ]

    static let metadataKeys: [Setting<Metadata>] = [
        Setting("path", \.path, Value.filePath)
    ]

    static let logKeys: [Setting<Logging>] = [
        Setting("level", \.level, Value.logLevel)
    ]

    static let filterKeys: [Setting<Filter>] = [
        Setting("query", \.query, Value.query),
        Setting("layout", \.layout, Value.choice),
        Setting("names", \.names, Value.choice),
        Setting("case", \.casing, Value.choice),
        Setting("assert", \.asserts, Value.yesOrNo),
        Setting("unlink", \.unlink, Value.choice),
    ]
}

extension BackendDraft {
    static let keys: [Setting<BackendDraft>] = [
        Setting("type", \.kind, Value.choice),
        Setting("endpoint", \.endpoint, Value.itself),
        Setting("bucket", \.bucket, Value.itself),
        Setting("prefix", \.prefix, Value.itself),
        Setting("region", \.region, Value.itself),
        Setting("access_key", \.accessKey, Value.itself),
        Setting("secret_key", \.secretKey, Value.itself),
        Setting("profile", \.profile, Value.itself),
        Setting("path_style", \.pathStyle, Value.itself),
        Setting("path", \.path, Value.itself),
        Setting("read_only", \.readOnly, Value.yesOrNo),
        Setting("directory_ttl", \.directoryTTLSeconds, Value.directoryTTLSeconds),
    ]
}

/// One key of a section: its name, where its value goes, and how that is read.
struct Setting<Target>: Sendable {
    let name: String
    let apply: @Sendable (inout Target, Value) throws(SettingsError) -> Void

    init<Part>(
        _ name: String,
        _ part: any WritableKeyPath<Target, Part> & Sendable,
        _ read: @escaping @Sendable (Value) -> () throws(SettingsError) -> Part
    ) {
        self.name = name
        apply = { target, value throws(SettingsError) in
            target[keyPath: part] = try read(value)()
        }
    }

    /// For what stays `nil` unless the key is there.
    init<Part>(
        _ name: String,
        _ part: any WritableKeyPath<Target, Part?> & Sendable,
        _ read: @escaping @Sendable (Value) -> () throws(SettingsError) -> Part
    ) {
        self.name = name
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

    func logLevel() throws(SettingsError) -> Log.Level {
        let name: LevelName = try choice()
        switch name {
        case .error: return .error
        case .warning: return .warning
        case .info: return .info
        case .debug: return .debug
        }
    }

    private enum LevelName: String, CaseIterable { case error, warning, info, debug }

    func query() throws(SettingsError) -> Configuration.Filter.Query {
        Configuration.Filter.Query(text: try word(), line: line)
    }
}
