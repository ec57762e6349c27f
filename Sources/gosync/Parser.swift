import Base

/// From words to a command and what it is given.
struct Parser {
    enum Outcome {
        case run(Command, Invocation)
        /// Someone asked how the command is used.
        case help(Command, path: [String])
    }

    private var command: Command
    private var invocation: Invocation
    private var path: [String]
    private var words: ArraySlice<String>
    private var asksForHelp = false
    private var optionsEnded = false

    /// Throws a usage `Failure` for what the command does not take.
    static func parse(_ words: [String], as root: Command) throws(Failure) -> Outcome {
        var parser = Parser(root, words)
        return try parser.parse()
    }

    private init(_ root: Command, _ words: [String]) {
        command = root
        path = [root.name]
        invocation = Invocation(path: path)
        self.words = words[...]
    }

    private mutating func parse() throws(Failure) -> Outcome {
        while let word = words.popFirst() {
            if optionsEnded || word == "-" || !word.hasPrefix("-") {
                try take(argument: word)
            } else if word == "--" {
                optionsEnded = true
            } else if word.hasPrefix("--") {
                try take(option: word)
            } else {
                try take(letters: word)
            }
        }
        if asksForHelp
            || (path.count == 1 && invocation.options.isEmpty && !command.subcommands.isEmpty)
        {
            return .help(command, path: path)
        }
        try checkCounts()
        var complete = Invocation(path: path)
        complete.arguments = invocation.arguments
        complete.options = invocation.options
        return .run(command, complete)
    }

    private mutating func take(argument word: String) throws(Failure) {
        let isSubcommand =
            !optionsEnded && invocation.arguments.isEmpty
            && command.subcommands.contains { $0.name == word }
        if command.isRunnable, !isSubcommand {
            invocation.arguments.append(word)
            return
        }
        // `gosync help tag add` is what many try first.
        if word == "help" {
            asksForHelp = true
            return
        }
        guard let next = command.subcommands.first(where: { $0.name == word }) else {
            let known = command.shownCommands.map(\.name)
            let hint = Spelling.suggestion(for: word, among: known)
            throw misused(
                "there is no command '\((path.dropFirst() + [word]).joined(separator: " "))'\(hint)"
            )
        }
        command = next
        path.append(word)
    }

    private mutating func take(option word: String) throws(Failure) {
        let parts = word.dropFirst(2).split(
            separator: "=",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        let name = String(parts[0])
        let all = command.allOptions
        guard let option = all.first(where: { $0.name == name }) else {
            throw misused(unknown("--\(name)", all.map { "--\($0.name)" }))
        }
        try set(option, "--\(name)", parts.count == 2 ? String(parts[1]) : nil)
    }

    private mutating func take(letters word: String) throws(Failure) {
        var letters = word.dropFirst()
        let all = command.allOptions
        while let letter = letters.popFirst() {
            if letter == "h", !all.contains(where: { $0.letter == "h" }) {
                asksForHelp = true
                continue
            }
            guard let option = all.first(where: { $0.letter == letter }) else {
                throw misused(unknown("-\(letter)", []))
            }
            // `-cFILE` is `-c FILE`.
            let rest = option.value == nil || letters.isEmpty ? nil : String(letters)
            if rest != nil { letters = "" }
            try set(option, "-\(letter)", rest)
        }
    }

    private mutating func set(
        _ option: Command.Option,
        _ written: String,
        _ given: String?
    ) throws(Failure) {
        guard let placeholder = option.value else {
            guard given == nil else { throw misused("\(written) takes no value") }
            if option.name == "help" {
                asksForHelp = true
            } else {
                invocation.options[option.name] = ""
            }
            return
        }
        guard let value = given ?? words.popFirst() else {
            throw misused("\(written) needs a value: \(written) \(placeholder)")
        }
        guard invocation.options.updateValue(value, forKey: option.name) == nil else {
            throw misused("\(written) is given twice")
        }
    }

    private func unknown(_ word: String, _ known: [String]) -> String {
        let hint = Spelling.suggestion(for: word, among: known)
        let advice = hint.isEmpty && !command.arguments.isEmpty
        return "unknown option '\(word)'\(hint)"
            + (advice ? "; write -- before an argument that starts with -" : "")
    }

    private func checkCounts() throws(Failure) {
        guard command.isRunnable else {
            let known = command.shownCommands.map(\.name).joined(separator: ", ")
            throw misused("'\(path.joined(separator: " "))' needs one of: \(known)")
        }
        let count = invocation.arguments.count
        let expected = command.arguments.filter { argument in
            argument.unless.map { invocation.options[$0] == nil } ?? true
        }
        let needed = expected.filter { $0.count != .optional }
        if count < needed.count { throw misused("\(needed[count].name) is missing") }
        let takesMore = expected.contains { $0.count == .oneOrMore }
        guard takesMore || count <= expected.count else {
            let extra = invocation.arguments[expected.count]
            let isQuery = command.arguments.last?.name == "QUERY"
            let advice = isQuery ? "; put the query in quotes" : ""
            throw misused("'\(extra)' is one argument too many\(advice)")
        }
    }

    private func misused(_ problem: String) -> Failure { Failure(usage: problem, of: path) }
}
