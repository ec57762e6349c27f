import Base

/// What was asked for on the command line.
struct Arguments: Equatable {
    var mountPoint = ""
    var configuration: String?
    var isForeground = false
    /// Only looks whether the backends answer.
    var isCheck = false
    var options: [String] = []
    /// In place of what the configuration says.
    var logLevels: LogLevels?
    /// Where to tell how it went, in a daemon started by this very program.
    var readyDescriptor: CInt?

    /// Options that `mount(8)` and fstab pass along for themselves.
    private static let ignoredOptions: Set<String> = [
        "rw", "defaults", "auto", "noauto", "user", "nouser", "users", "_netdev", "nofail", "owner",
        "group", "exec", "dev", "suid", "async", "relatime", "atime",
    ]

    /// - Parameter program: the name this was called by; `mount.fuse.gosync` takes what mount(8) passes.
    init(_ words: [String], program: String) throws(UsageError) {
        var rest = words[...]
        var places: [String] = []
        while let word = rest.popFirst() {
            switch word {
            case "-f", "--foreground": isForeground = true
            case "-c", "--config": configuration = try Self.value(of: word, &rest)
            case "--check": isCheck = true
            case "--log-level": logLevels = try Self.logLevels(try Self.value(of: word, &rest))
            case "-o": try addOptions(try Self.value(of: word, &rest))
            // mount(8) passes these along: verbose, tolerate unknown options, do not write mtab.
            case "-v", "-s", "-n": continue
            case "--ready-fd":
                guard let number = CInt(try Self.value(of: word, &rest)) else {
                    throw UsageError("--ready-fd takes the number of a descriptor")
                }
                readyDescriptor = number
            case _ where word.hasPrefix("-o") && word.count > 2:
                try addOptions(String(word.dropFirst(2)))
            case _ where word.hasPrefix("-") && word != "-":
                throw UsageError("unknown option \(word)")
            default: places.append(word)
            }
        }
        if program.split(separator: "/").last?.hasPrefix("mount.") == true, places.count == 2 {
            let source = places.removeFirst()
            if source.contains("/"), configuration == nil { configuration = source }
        }
        if isCheck, places.isEmpty { return }
        guard let place = places.first else { throw UsageError("the mount point is missing") }
        guard places.count == 1 else { throw UsageError("one mount point is enough: \(places[1])") }
        mountPoint = place
    }

    private mutating func addOptions(_ text: String) throws(UsageError) {
        for option in text.split(separator: ",").map(String.init) {
            if option.hasPrefix("config=") {
                configuration = String(option.dropFirst("config=".count))
            } else if !Self.ignoredOptions.contains(option), !option.hasPrefix("x-"),
                !option.hasPrefix("comment=")
            {
                options.append(option)
            }
        }
    }

    private static func logLevels(_ text: String) throws(UsageError) -> LogLevels {
        do throws(LogLevelsProblem) {
            return try LogLevels(parsing: text)
        } catch {
            throw UsageError("--log-level \(error)")
        }
    }

    private static func value(
        of option: String,
        _ rest: inout ArraySlice<String>
    ) throws(UsageError) -> String {
        guard let value = rest.popFirst() else { throw UsageError("\(option) needs a value") }
        return value
    }
}

/// The command line makes no sense.
struct UsageError: Error, Equatable {
    let message: String
    init(_ message: String) { self.message = message }
}
