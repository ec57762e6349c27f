import Wire

extension Commands {
    static let tagAdd = Command(
        name: "add",
        summary: "Adds tags to a file, beside the values that a key already has",
        arguments: [firstFileArgument, tagArgument],
        options: targetOptions,
        examples: [
            "tag add selfhosted/cat.jpg colour=red colour=orange urgent",
            "tag add --query 'path under /2024' year=2024", "tag add -f *.jpg holiday",
        ],
        run: { invocation in
            try change(invocation) { path, words throws(Failure) in
                TagChange(path: path, add: try TagWords.tags(words, flag: [""]))
            }
        }
    )

    static let tagArgument = Command.Argument(
        name: "KEY=VALUE",
        count: .oneOrMore,
        help: "a tag, or a key alone for a flag"
    )

    /// For `add`, `set` and `remove`: other files than the one named first.
    static let targetOptions = [
        Command.Option(
            name: "query",
            value: "QUERY",
            help: "all files that match, in place of FILE"
        ),
        Command.Option(name: "recursive", letter: "r", help: "all files below FILE, a directory"),
        Command.Option(
            name: "files",
            letter: "f",
            help: "several FILEs before the tags, as a shell expands *.jpg"
        ),
        Command.Option.json,
    ]

    /// Sends a change to the tags of the files that are named, and shows the outcome where it is asked for.
    static func change(
        _ invocation: Invocation,
        _ make: (String, ArraySlice<String>) throws(Failure) -> TagChange
    ) throws {
        let (files, words) = targets(invocation)
        guard !words.isEmpty else { throw invocation.misused("KEY=VALUE is missing") }
        // What is typed wrong is said before anyone is asked.
        _ = try make("", words)
        let daemon = try Daemon(invocation)
        if let file = files.first, files.count == 1, !invocation.has("recursive") {
            let change = try make(try daemon.file(file), words)
            let tags: FileTags = try daemon.post(.tags, change)
            if invocation.isJSON { Output.json(tags) }
            return
        }
        let change = try make("", words)
        let bulk = BulkTagChange(
            query: invocation.options["query"],
            paths: invocation.has("query") ? nil : try files.map { try daemon.file($0) },
            recursive: invocation.has("recursive"),
            set: change.set,
            add: change.add,
            remove: change.remove,
            reports: true
        )
        let isJSON = invocation.isJSON
        let changed = try daemon.changeTags(.bulkTags, bulk, isJSON: isJSON)
        if isJSON { return Output.json(changed) }
        Output.line("\(Format.count(changed.files, "file")) changed")
    }

    /// The files and the tags among the arguments.
    private static func targets(_ invocation: Invocation) -> ([String], ArraySlice<String>) {
        let words = invocation.arguments[...]
        if invocation.has("query") { return ([], words) }
        guard invocation.has("files") else { return (Array(words.prefix(1)), words.dropFirst()) }
        // As a shell expands a glob: the files that are there, then the tags.
        let files = words.prefix { PathResolver.isPath($0) }
        return (Array(files), words.dropFirst(files.count))
    }
}
