import Wire

extension Commands {
    static let filterDelete = Command(
        name: "delete",
        summary: "Removes a filter; the files it showed stay where they are",
        arguments: [filterArgument],
        examples: ["filter delete photos/red"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            let path = try daemon.filter(invocation.arguments[0])
            let _: Filter = try daemon.delete(.filter, items(path))
        }
    )
}
