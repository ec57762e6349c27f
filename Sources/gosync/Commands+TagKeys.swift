import Wire

extension Commands {
    static let tagKeys = Command(
        name: "keys",
        summary: "Lists the keys in use, and how many files have each",
        options: [.json],
        examples: ["tag keys"],
        run: { invocation in
            let use: TagUse = try Daemon(invocation).get(.tagKeys)
            show(use, "Key", invocation)
        }
    )

    static let tagValues = Command(
        name: "values",
        summary: "Lists the values of a key, the most frequent first",
        arguments: [Command.Argument(name: "KEY", help: "such as colour")],
        options: [.json],
        examples: ["tag values colour"],
        run: { invocation in
            var items = QueryItems()
            items["key"] = invocation.arguments[0]
            let use: TagUse = try Daemon(invocation).get(.tagValues, items)
            show(use, "Value", invocation)
        }
    )

    private static func show(_ use: TagUse, _ heading: String, _ invocation: Invocation) {
        guard !invocation.isJSON else { return Output.json(use) }
        let rows = use.counts.map { [Format.name($0.text), "\($0.files)"] }
        Output.table([heading, "Files"], rows, rightAligned: [1])
    }

    static let tagRename = Command(
        name: "rename",
        summary: "Gives a key another name, on every file that has it",
        arguments: [
            Command.Argument(name: "KEY", help: "as it is called now"),
            Command.Argument(name: "NEW", help: "as it is to be called"),
        ],
        options: [.json],
        examples: ["tag rename color colour"],
        run: { invocation in
            let rename = TagRename(
                key: invocation.arguments[0],
                new: invocation.arguments[1],
                reports: true
            )
            let isJSON = invocation.isJSON
            let changed = try Daemon(invocation).changeTags(.tagRename, rename, isJSON: isJSON)
            if isJSON { return Output.json(changed) }
            Output.line("\(Format.count(changed.files, "file")) changed")
        }
    )
}
