/// How much each module tells: one level for all, and others for some.
///
/// Written as `info` or `warning, Stores=debug, Cache=debug`.
public struct LogLevels: Equatable, Sendable {
    private let usual: Log.Level
    private let exceptions: [String: Log.Level]

    /// The modules that have something to tell, by which they are named.
    public static let modules = [
        "Base", "SQLite", "HTTP", "WebServer", "Metadata", "Stores", "Cache", "Volumes", "Mounting",
        "Agent", "Daemon",
    ]

    public init(_ usual: Log.Level = .info, except exceptions: [String: Log.Level] = [:]) {
        self.usual = usual
        self.exceptions = exceptions
    }

    /// - Throws: what is wrong with the text.
    public init(parsing text: String) throws(LogLevelsProblem) {
        var usual = Log.Level.info
        var exceptions: [String: Log.Level] = [:]
        for (index, part) in text.split(separator: ",", omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { $0.filter { $0 != " " } }
            if words.count == 2 {
                exceptions[try Self.module(named: words[0])] = try Self.level(named: words[1])
            } else if index == 0 {
                usual = try Self.level(named: words[0])
            } else {
                let form = "a level, then MODULE=LEVEL for some modules"
                throw LogLevelsProblem(description: "is \(form), not '\(text)'")
            }
        }
        self.init(usual, except: exceptions)
    }

    public subscript(module: String) -> Log.Level { exceptions[module] ?? usual }

    var loudest: Log.Level { exceptions.values.reduce(usual, max) }

    /// The module that a file is of, from `#fileID`.
    static func module(of file: StaticString) -> String {
        let name = file.withUTF8Buffer { path in
            String(decoding: path.prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self)
        }
        return name == "gosync_mount" ? "Daemon" : name
    }

    private static func module(named name: String) throws(LogLevelsProblem) -> String {
        if let known = modules.first(where: { $0.lowercased() == name.lowercased() }) {
            return known
        }
        let hint = Spelling.suggestion(for: name, among: modules)
        let list = modules.joined(separator: ", ")
        throw LogLevelsProblem(description: "names the modules \(list), not '\(name)'\(hint)")
    }

    private static func level(named name: String) throws(LogLevelsProblem) -> Log.Level {
        if let known = Log.Level.allCases.first(where: { "\($0)" == name }) { return known }
        let names = Log.Level.allCases.map { "\($0)" }
        let hint = Spelling.suggestion(for: name, among: names)
        let list = names.joined(separator: ", ")
        throw LogLevelsProblem(description: "is one of \(list), not '\(name)'\(hint)")
    }
}

/// What is wrong with the text of log levels, to follow the name of what holds it.
public struct LogLevelsProblem: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}
