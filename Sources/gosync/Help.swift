/// What `--help` prints, made from the declaration of the command.
enum Help {
    /// Lines are kept below this width.
    private static let width = 80
    private static let column = 22

    static func text(of command: Command, path: [String]) -> String {
        var parts = ["Usage: " + usage(of: command, path: path), command.summary + "."]
        if !command.details.isEmpty { parts.append(command.details) }
        if !command.subcommands.isEmpty {
            let list = command.shownCommands.map { row($0.name, $0.summary) }
            parts.append("Commands:\n" + list.joined(separator: "\n"))
        }
        let described = command.arguments.filter { !$0.help.isEmpty }
        if !described.isEmpty {
            let list = described.map { row($0.name, $0.help) }
            parts.append("Arguments:\n" + list.joined(separator: "\n"))
        }
        parts.append("Options:\n" + command.allOptions.map(row).joined(separator: "\n"))
        if !command.examples.isEmpty {
            let list = command.examples.map { "  gosync " + $0 }
            parts.append("Examples:\n" + list.joined(separator: "\n"))
        }
        if !command.subcommands.isEmpty {
            let name = path.joined(separator: " ")
            parts.append("'\(name) COMMAND --help' tells more about a command.")
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    static func usage(of command: Command, path: [String]) -> String {
        var words = path
        if !command.isRunnable { words.append("COMMAND") }
        if !command.options.isEmpty { words.append("[OPTIONS]") }
        for argument in command.arguments {
            switch argument.count {
            case .one: words.append(argument.name)
            case .optional: words.append("[\(argument.name)]")
            case .oneOrMore: words.append("\(argument.name)...")
            }
        }
        return words.joined(separator: " ")
    }

    private static func row(_ option: Command.Option) -> String { row(term(option), option.help) }

    /// Such as `-c, --config FILE`.
    static func term(_ option: Command.Option) -> String {
        let letter = option.letter.map { "-\($0), " } ?? ""
        let value = option.value.map { " \($0)" } ?? ""
        return "\(letter)--\(option.name)\(value)"
    }

    private static func row(_ name: String, _ help: String) -> String {
        let start = "  " + name
        let isShort = start.count < column
        let padding = String(repeating: " ", count: isShort ? column - start.count : column)
        return start + (isShort ? "" : "\n") + padding + wrapped(help)
    }

    private static func wrapped(_ text: String) -> String {
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.count + word.count + 1 > width - column {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] = last.isEmpty ? String(word) : "\(last) \(word)"
            }
        }
        return lines.joined(separator: "\n" + String(repeating: " ", count: column))
    }
}
