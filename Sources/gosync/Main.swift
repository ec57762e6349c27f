import Glibc

@main
struct Main {
    static func main() {
        let root = Commands.root
        do {
            switch try Parser.parse(Array(CommandLine.arguments.dropFirst()), as: root) {
            case .help(let command, let path):
                Output.line(String(Help.text(of: command, path: path).dropLast()))
            case .run(let command, let invocation):
                try command.run(invocation)
            }
        } catch let failure as Failure {
            Output.error(failure.message)
            exit(failure.code.rawValue)
        } catch {
            Output.error("\(error)")
            exit(Failure.Code.failed.rawValue)
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

            Exit codes: 0 done, 1 failed, 2 wrong usage, 3 GoSync is not running.
            """,
        subcommands: [
            status, list, stat, cat, copy, move, remove, makeDirectory, touch, tag, filter, backend,
            provision, scan, secret, cache, conflicts, flush, events, config, doctor, agent, mount,
            unmount, version,
            completion, complete, manual,
        ]
    )
}
