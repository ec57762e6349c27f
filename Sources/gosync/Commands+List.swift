import Wire

extension Commands {
    static let list = Command(
        name: "ls",
        summary: "Lists a directory, a filter, or one file",
        arguments: [
            Command.Argument(
                name: "PATH",
                count: .optional,
                help:
                    "what to list; without it the working directory, if it is in a mount, else all",
                words: .files
            )
        ],
        options: [
            Command.Option(name: "long", letter: "l", help: "also permissions, size and time"),
            Command.Option(name: "human", letter: "h", help: "sizes such as 1.5M, with -l"),
            Command.Option(
                name: "recursive",
                letter: "R",
                help: "all directories below as well"
            ),
            .json,
        ],
        examples: ["ls", "ls -lh selfhosted/photos", "ls /filters/photos/red"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            let path = try daemon.file(invocation.arguments.first)
            try list(path, daemon, invocation, isFirst: true)
        }
    )

    private static func list(
        _ path: String,
        _ daemon: Daemon,
        _ invocation: Invocation,
        isFirst: Bool
    ) throws {
        let all = try daemon.entries(of: path)
        let isDeep = invocation.has("recursive")
        if invocation.isJSON {
            Output.json(Listing(path: path, entries: all))
        } else {
            if isDeep { Output.line((isFirst ? "" : "\n") + Format.name(path) + ":") }
            show(all, invocation)
        }
        guard isDeep else { return }
        for entry in all where entry.isDirectory {
            let below = path == "/" ? "/" + entry.name : path + "/" + entry.name
            try list(below, daemon, invocation, isFirst: false)
        }
    }

    private static func show(_ entries: [Entry], _ invocation: Invocation) {
        guard invocation.has("long") else {
            for entry in entries {
                Output.line(name(entry) + (Output.isTerminal ? mark(entry) : ""))
            }
            return
        }
        let isHuman = invocation.has("human")
        Output.table([], entries.map { row($0, isHuman: isHuman) }, rightAligned: [1])
    }

    private static func row(_ entry: Entry, isHuman: Bool) -> [String] {
        let size = isHuman ? Format.size(entry.sizeBytes) : String(entry.sizeBytes)
        let target = entry.target.map { " -> \(Format.name($0))" } ?? ""
        let row = [Format.mode(entry), size, Format.time(entry.modified), name(entry) + target]
        guard let state = entry.state else { return row }
        return row + [Commands.colour(of: state).text(state.rawValue)]
    }

    private static func name(_ entry: Entry) -> String {
        let name = Format.name(entry.name)
        return entry.isDirectory ? Colour.directory.text(name) : name
    }

    /// What is a directory shows without `-l` as well.
    private static func mark(_ entry: Entry) -> String {
        switch entry.kind {
        case .directory, .filter: "/"
        case .symlink: "@"
        case .file, .other: ""
        }
    }
}
