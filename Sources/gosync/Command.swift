/// One verb of the command line: what it is called, takes and does.
///
/// Parsing, help, completion and the man page are all made from this, so none can promise what another
/// does not keep.
struct Command: Sendable {
    struct Argument: Sendable {
        enum Count: Sendable { case one, optional, oneOrMore }

        let name: String
        var count = Count.one
        /// The option that stands in its place.
        var unless: String?
        let help: String
        var words = Words.anything
    }

    struct Option: Sendable {
        /// Without the dashes.
        let name: String
        var letter: Character?
        /// What stands for the value in help; `nil` for a switch.
        var value: String?
        let help: String
        var words = Words.anything
    }

    /// What a shell may put in for a word that was begun.
    enum Words: Sendable {
        case anything
        case oneOf([String])
        /// Files of this machine.
        case localFiles
        /// Files of the volume, however they are named.
        case files
        case filters
        case backends

        static func oneOf<C: RawRepresentable<String> & CaseIterable>(_: C.Type) -> Words {
            .oneOf(C.allCases.map(\.rawValue))
        }
    }

    let name: String
    /// One line, without a full stop.
    let summary: String
    /// What help says beyond that.
    var details = ""
    var arguments: [Argument] = []
    var options: [Option] = []
    /// Command lines without the leading `gosync`.
    var examples: [String] = []
    var subcommands: [Command] = []
    /// For shells and scripts, and not shown to people.
    var isHidden = false
    var run: @Sendable (Invocation) throws -> Void = { _ in }
}

extension Command {
    /// Whether it does something itself; one may have both, `gosync scan ID` and `gosync scan status`.
    var isRunnable: Bool { subcommands.isEmpty || !arguments.isEmpty }

    var shownCommands: [Command] { subcommands.filter { !$0.isHidden } }

    var allOptions: [Option] { options + Option.common }
}

extension Command.Option {
    /// Options that every command has.
    static let common: [Command.Option] = [
        Command.Option(
            name: "socket",
            value: "PATH",
            help: "speak to the GoSync that listens there",
            words: .localFiles
        ),
        Command.Option(
            name: "config",
            letter: "c",
            value: "FILE",
            help: "the configuration that tells where GoSync listens",
            words: .localFiles
        ),
        Command.Option(name: "help", help: "show this"),
    ]

    static let json = Command.Option(name: "json", help: "print JSON")

    /// For what takes its time.
    static let jsonReports = Command.Option(
        name: "json",
        help: "print each report as a line of JSON"
    )

    /// For what is done to several paths.
    static let jsonPaths = Command.Option(name: "json", help: "print a line of JSON for each path")
}

/// A command with what it was given.
struct Invocation: Sendable {
    /// From `gosync` down.
    let path: [String]
    var arguments: [String] = []
    /// By name; a switch has an empty value.
    var options: [String: String] = [:]

    func has(_ option: String) -> Bool { options[option] != nil }

    /// Whether a program reads what is printed.
    var isJSON: Bool { has(Command.Option.json.name) }

    /// The same for other things.
    func with(_ arguments: [String]) -> Invocation {
        var other = self
        other.arguments = arguments
        return other
    }

    /// The error of someone who did not know how to call this command.
    func misused(_ problem: String) -> Failure { Failure(usage: problem, of: path) }
}

/// Why a command did not do what it was asked, and the exit code that tells scripts.
struct Failure: Error, Equatable {
    enum Code: Int32 { case failed = 1, usage = 2, noDaemon = 3 }

    let code: Code
    let message: String
    /// What was asked about does not exist.
    var isAbsence = false
    /// What was printed as JSON says so already.
    var isTold = false

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// One that was told already where JSON is printed, and where there is no message, to people as well.
    static func told(_ message: String = "") -> Failure {
        var failure = Failure(.failed, message)
        failure.isTold = true
        return failure
    }

    init(usage problem: String, of path: [String]) {
        let help = (path + ["--help"]).joined(separator: " ")
        self.init(.usage, "\(problem)\nTry '\(help)'.")
    }
}
