import Glibc

@main
struct Main {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        // Who cannot be understood may still have said that a program reads the answer.
        var isJSON = words.prefix { $0 != "--" }.contains("--\(Command.Option.json.name)")
        do {
            switch try Parser.parse(words, as: Commands.root) {
            case .help(let command, let path):
                Output.line(String(Help.text(of: command, path: path).dropLast()))
            case .run(let command, let invocation):
                isJSON = invocation.isJSON
                try command.run(invocation)
            }
        } catch {
            let failure = error as? Failure ?? Failure(.failed, "\(error)")
            if !failure.message.isEmpty { Output.error(failure.message) }
            let code = failure.code.rawValue
            if isJSON, !failure.isTold {
                Output.jsonLine(FailureReport(error: failure.message, exitCode: code))
            }
            exit(code)
        }
    }
}

enum Commands {
    static let root: Command = Command(
        name: "gosync",
        summary: "Looks at and changes what GoSync shows: files, tags and filters",
        details: """
            A file is named by its path in the mount, or as GoSync knows it: selfhosted/a.txt and
            /backends/selfhosted/a.txt are the file a.txt of the backend selfhosted.

            With --json, what a command finds and does is JSON, and so is what fails: an object with 'error',
            which says why, for each path, or for the command as a whole with its 'exitCode'.

            Exit codes: 0 done, 1 failed, 2 wrong usage, 3 GoSync is not running.

            Colours show on a terminal only, and not where NO_COLOR is set.
            """,
        subcommands: [
            status, list, stat, cat, copy, move, remove, makeDirectory, touch, tag, filter, backend,
            provision, scan, secret, cache, conflicts, flush, events, config, doctor, agent, mount,
            unmount, version,
            completion, complete, manual,
        ]
    )
}
