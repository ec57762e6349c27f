import Wire

extension Commands {
    static let filterList = Command(
        name: "list",
        summary: "Lists all filters",
        options: [.json],
        run: { invocation in
            let filters: Filters = try Daemon(invocation).get(.filters)
            guard !invocation.isJSON else { return Output.json(filters) }
            Output.table(
                ["PATH", "QUERY", "STATE"],
                filters.filters.map { filter in
                    let state =
                        filter.error == nil ? Colour.green.text("ready") : Colour.red.text("error")
                    return [Format.name(filter.path), Format.name(filter.query), state]
                }
            )
        }
    )
}
