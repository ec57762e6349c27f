import Wire

extension Commands {
    static let filterCreate = Command(
        name: "create",
        summary: "Makes a filter",
        arguments: [filterArgument, queryArgument],
        options: shapeOptions,
        examples: ["filter create photos/red 'tag:colour=red'"],
        run: { invocation in
            var draft = try shape(invocation)
            let daemon = try Daemon(invocation)
            draft.path = try daemon.filter(invocation.arguments[0])
            draft.query = invocation.arguments[1]
            let filter: Filter = try daemon.post(.filters, draft)
            if invocation.isJSON { Output.json(filter) }
        }
    )
}
