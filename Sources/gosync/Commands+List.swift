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
            .json,
        ],
        examples: ["ls", "ls -lh selfhosted/photos", "ls /filters/photos/red"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            let path = try daemon.file(invocation.arguments.first)
            var all: [Entry] = []
            var next: String?
            repeat {
                var items = QueryItems()
                items["path"] = path
                items["after"] = next
                items["limit"] = String(Endpoint.largestPage)
                let page: Listing = try daemon.get(.list, items)
                all += page.entries
                next = page.next
            } while next != nil
            all.sort { $0.name < $1.name }
            if invocation.has("json") {
                Output.json(Listing(path: path, entries: all))
            } else if invocation.has("long") {
                let isHuman = invocation.has("human")
                Output.table([], all.map { row($0, isHuman: isHuman) }, rightAligned: [1])
            } else {
                for entry in all {
                    Output.line(Format.name(entry.name) + (Output.isTerminal ? mark(entry) : ""))
                }
            }
        }
    )

    private static func row(_ entry: Entry, isHuman: Bool) -> [String] {
        let size = isHuman ? Format.size(entry.sizeBytes) : String(entry.sizeBytes)
        let target = entry.target.map { " -> \(Format.name($0))" } ?? ""
        let name = Format.name(entry.name) + target
        return [Format.mode(entry), size, Format.time(entry.modified), name]
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
