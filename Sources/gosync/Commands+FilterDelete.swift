import Wire

extension Commands {
    static let filterDelete = Command(
        name: "delete",
        summary: "Removes a filter; the files it showed stay where they are",
        arguments: [filterArgument],
        options: [.json],
        examples: ["filter delete photos/red"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            let path = try daemon.filter(invocation.arguments[0])
            let filter: Filter = try daemon.delete(.filter, items(path))
            if invocation.isJSON { Output.json(filter) }
        }
    )
}
