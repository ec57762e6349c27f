import Wire

extension Commands {
    static let filterUpdate = Command(
        name: "update",
        summary: "Changes a filter; what is not named stays",
        arguments: [filterArgument],
        options: [
            Command.Option(name: "query", value: "QUERY", help: "what it shows from now on"),
            Command.Option(name: "path", value: "NEW", help: "where it moves to, below /filters"),
        ] + shapeOptions,
        examples: ["filter update photos/red --query 'tag:colour IN (red, orange)'"],
        run: { invocation in
            var draft = try shape(invocation)
            let daemon = try Daemon(invocation)
            draft.path = try invocation.options["path"].map { try daemon.filter($0) }
            draft.query = invocation.options["query"]
            guard draft != FilterDraft() else {
                throw invocation.misused("nothing is to be changed")
            }
            let path = try daemon.filter(invocation.arguments[0])
            let filter: Filter = try daemon.patch(.filter, items(path), draft)
            if invocation.isJSON { Output.json(filter) }
        }
    )
}
