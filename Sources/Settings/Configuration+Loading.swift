import Base
public import FoundationEssentials
import Glibc

extension Configuration {
    /// The largest file that is read.
    public static let longestFileBytes = 1 << 20

    /// Finds the configuration and reads it; without one, gives the built-in default.
    ///
    /// The first of these counts: `explicit` (the `-c` option), `$GOSYNC_CONFIG`,
    /// `$XDG_CONFIG_HOME/gosync/mount.conf`, `/etc/gosync/mount.conf`. A file that was named, by
    /// option or by `$GOSYNC_CONFIG`, must exist; one that exists must be readable.
    /// The environment also fills in `${NAME}` in values; `home` is what `~` means, by default `$HOME`.
    public static func load(
        explicit: String?,
        environment: [String: String] = ProcessInfo.processInfo.environment,
        home: String? = nil
    ) throws(SettingsError) -> Configuration {
        let places = Places(environment: environment, home: home)
        if let found = try find(explicit, places) {
            return try found.configuration(defaultDataDirectory: places.dataDirectory)
        }
        var result = Configuration(dataDirectory: try places.requiredDataDirectory())
        result.addEmbeddedBackend()
        return result
    }

    /// Where the daemon of the configuration listens: all that a client needs to know of it.
    ///
    /// The rest of the file is not looked at, because the keys that a daemon gets from its environment
    /// are not in that of its clients. Searches and fails as `load` does.
    public static func socketPath(
        explicit: String?,
        environment: [String: String] = ProcessInfo.processInfo.environment,
        home: String? = nil
    ) throws(SettingsError) -> String {
        let places = Places(environment: environment, home: home)
        if let named = try find(explicit, places)?.dataDirectory() {
            return Configuration(dataDirectory: named).socketPath
        }
        return Configuration(dataDirectory: try places.requiredDataDirectory()).socketPath
    }

    /// What the configuration says, for people; empty sections' defaults if there is no file.
    public static func shown(
        explicit: String?,
        environment: [String: String] = ProcessInfo.processInfo.environment,
        home: String? = nil
    ) throws(SettingsError) -> [ShownSection] {
        let places = Places(environment: environment, home: home)
        let empty = Interpreter(
            document: try Document([], path: ""),
            environment: environment,
            home: places.home,
            isReadableByOthers: false
        )
        return try (try find(explicit, places) ?? empty).shown()
    }

    /// Where a person's own configuration belongs; `nil` without a home.
    public static func ownPath(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String? {
        if let named = environment["GOSYNC_CONFIG"], !named.isEmpty { return named }
        return Places(environment: environment, home: nil).own
    }

    /// Reads a configuration from bytes; `path` is only shown in errors.
    public static func parse(
        _ bytes: [UInt8],
        path: String,
        environment: [String: String],
        home: String?,
        isReadableByOthers: Bool = false
    ) throws(SettingsError) -> Configuration {
        let places = Places(environment: environment, home: home)
        let interpreter = Interpreter(
            document: try Document(bytes, path: path),
            environment: environment,
            home: places.home,
            isReadableByOthers: isReadableByOthers
        )
        return try interpreter.configuration(defaultDataDirectory: places.dataDirectory)
    }

    mutating func addEmbeddedBackend() {
        backends.append(
            Backend(
                id: "local",
                place: .local(path: mount.dataDirectory + "/local"),
                directoryTTLSeconds: mount.directoryTTLSeconds
            )
        )
    }

    /// The first file of the search order; `nil` if there is none and none was named.
    private static func find(
        _ explicit: String?,
        _ places: Places
    ) throws(SettingsError) -> Interpreter? {
        let variable = places.environment["GOSYNC_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        if let named = explicit ?? variable {
            guard let found = try read(named, places) else {
                throw SettingsError(path: named, message: "there is no such file")
            }
            return found
        }
        for candidate in places.candidates {
            if let found = try read(candidate, places) { return found }
        }
        return nil
    }

    /// `nil` if there is no such file.
    private static func read(
        _ path: String,
        _ places: Places
    ) throws(SettingsError) -> Interpreter? {
        let bytes: [UInt8]
        let mode: UInt32
        do throws(Errno) {
            let file = try FileDescriptor(opening: path, flags: O_RDONLY)
            mode = try file.status().mode
            bytes = try file.contents(limitBytes: longestFileBytes)
        } catch {
            if error == .noEntry || error == .notDirectory { return nil }
            if error == .tooLarge {
                let message = "a configuration has at most \(longestFileBytes) bytes"
                throw SettingsError(path: path, message: message)
            }
            throw SettingsError(path: path, message: "cannot be read: \(error)")
        }
        return Interpreter(
            document: try Document(bytes, path: path),
            environment: places.environment,
            home: places.home,
            isReadableByOthers: mode & 0o044 != 0 && mode & S_IFMT == S_IFREG
        )
    }
}

/// Where the environment says that files belong.
private struct Places {
    let environment: [String: String]
    let home: String?

    init(environment: [String: String], home: String?) {
        self.environment = environment
        self.home = (home ?? environment["HOME"]).flatMap { $0.hasPrefix("/") ? $0 : nil }
    }

    var candidates: [String] { [own].compactMap { $0 } + ["/etc/gosync/mount.conf"] }

    var own: String? {
        directory("XDG_CONFIG_HOME", orHome: ".config").map { $0 + "/gosync/mount.conf" }
    }

    var dataDirectory: String? {
        directory("XDG_DATA_HOME", orHome: ".local/share").map { $0 + "/gosync" }
    }

    func requiredDataDirectory() throws(SettingsError) -> String {
        guard let dataDirectory else {
            throw SettingsError(path: nil, message: noHome("set it, or name a configuration"))
        }
        return dataDirectory
    }

    /// The XDG rules: a variable that is no absolute path counts as unset.
    private func directory(_ variable: String, orHome below: String) -> String? {
        if let path = environment[variable], path.hasPrefix("/") { return path }
        return home.map { $0 == "/" ? "/" + below : $0 + "/" + below }
    }
}
