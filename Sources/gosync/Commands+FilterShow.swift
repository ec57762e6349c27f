import Wire

extension Commands {
    static let filterShow = Command(
        name: "show",
        summary: "Shows a filter: its query, its form, and why it fails if it does",
        arguments: [filterArgument],
        options: [.json],
        examples: ["filter show photos/red"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            let path = try daemon.filter(invocation.arguments[0])
            let filter: Filter = try daemon.get(.filter, items(path))
            show(filter, invocation)
        }
    )
}
