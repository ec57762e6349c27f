import Wire

/// What a shell can put in for the last word of a command line, which is not yet complete.
///
/// The scripts of all shells ask for this at each TAB, so that what they offer is what this very
/// program takes.
struct Completion: Equatable {
    struct Candidate: Equatable {
        var word: String
        /// What shells show beside it.
        var help = ""
    }

    var candidates: [Candidate] = []
    /// Files of this machine fit as well.
    var takesLocalFiles = false

    /// - Parameters:
    ///   - words: after `gosync`; the last one was begun, and may be empty.
    ///   - daemon: where the words of files, filters and backends come from.
    init(_ words: [String], as root: Command, asking daemon: (Command.Words, String) -> [String]) {
        var command = root
        var arguments = 0
        var awaiting: Command.Option?
        var optionsEnded = false
        for word in words.dropLast() {
            if awaiting != nil {
                awaiting = nil
            } else if optionsEnded || word == "-" || !word.hasPrefix("-") {
                let next = command.subcommands.first { $0.name == word }
                if let next, !command.isRunnable || !optionsEnded && arguments == 0 {
                    command = next
                } else {
                    guard command.isRunnable else { return }
                    arguments += 1
                }
            } else if word == "--" {
                optionsEnded = true
            } else {
                awaiting = Self.option(awaitingAfter: word, of: command)
            }
        }
        let last = words.last ?? ""
        if let awaiting {
            offer(awaiting.words, last, daemon)
        } else if last.hasPrefix("--"), let equals = last.firstIndex(of: "="), !optionsEnded {
            let name = last[..<equals].dropFirst(2)
            guard let option = command.allOptions.first(where: { $0.name == name }) else { return }
            offer(option.words, String(last[last.index(after: equals)...]), daemon)
            for index in candidates.indices {
                candidates[index].word = last[...equals] + candidates[index].word
            }
        } else if last.hasPrefix("-"), !optionsEnded {
            candidates = command.allOptions.map { Candidate(word: "--\($0.name)", help: $0.help) }
        } else {
            if let argument = Self.argument(arguments, of: command) {
                offer(argument.words, last, daemon)
            }
            if arguments == 0 {
                candidates += command.shownCommands.map {
                    Candidate(word: $0.name, help: $0.summary)
                }
            }
        }
        candidates.removeAll { !$0.word.utf8.starts(with: last.utf8) }
    }

    private mutating func offer(
        _ words: Command.Words,
        _ begun: String,
        _ daemon: (Command.Words, String) -> [String]
    ) {
        switch words {
        case .anything: break
        case .oneOf(let known): candidates = known.map { Candidate(word: $0) }
        case .localFiles: takesLocalFiles = true
        case .files:
            takesLocalFiles = true
            candidates = daemon(words, begun).map { Candidate(word: $0) }
        case .filters, .backends: candidates = daemon(words, begun).map { Candidate(word: $0) }
        }
    }

    private static func argument(_ number: Int, of command: Command) -> Command.Argument? {
        if let several = command.arguments.firstIndex(where: { $0.count == .oneOrMore }) {
            return command.arguments[min(number, several)]
        }
        return number < command.arguments.count ? command.arguments[number] : nil
    }

    /// The option whose value is the word after this one.
    private static func option(
        awaitingAfter word: String,
        of command: Command
    ) -> Command.Option? {
        if word.hasPrefix("--") {
            return command.allOptions.first { $0.name == word.dropFirst(2) && $0.value != nil }
        }
        // Of letters written together, only the last can take its value from the next word.
        return command.allOptions.first {
            $0.letter != nil && $0.letter == word.last && $0.value != nil
        }
    }
}

extension Daemon {
    /// Words of a kind that start as `begun` does, as far as the daemon can tell now; a directory ends in `/`.
    func words(_ kind: Command.Words, begun: String) throws -> [String] {
        switch kind {
        case .anything, .oneOf, .localFiles: return []
        case .backends:
            let status: Status = try get(.status)
            return status.volume.backends.map(\.id)
        case .filters:
            let filters: Filters = try get(.filters)
            return filters.filters.map(\.path)
        case .files:
            guard let slash = begun.utf8.lastIndex(of: UInt8(ascii: "/")) else {
                return begun.isEmpty ? [] : try words(.backends, begun: "").map { $0 + "/" }
            }
            let start = String(begun[...slash])
            if start == "/" { return begun == "/" ? [] : ["/backends/", "/filters/"] }
            return try words(below: start)
        }
    }

    private func words(below start: String) throws -> [String] {
        var items = QueryItems()
        items["path"] = try file(start)
        items["limit"] = String(Endpoint.largestPage)
        let page: Listing = try get(.list, items)
        return page.entries.map { entry in
            let isDirectory = entry.kind == .directory || entry.kind == .filter
            return start + entry.name + (isDirectory ? "/" : "")
        }
    }
}
