import Wire

extension Commands {
    static let tagList = Command(
        name: "list",
        summary: "Lists the tags of a file, one value per line",
        arguments: [fileArgument],
        options: [.json],
        examples: ["tag list selfhosted/cat.jpg"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            var items = QueryItems()
            items["path"] = try daemon.file(invocation.arguments[0])
            let tags: FileTags = try daemon.get(.tags, items)
            guard !invocation.isJSON else { return Output.json(tags) }
            for word in TagWords.words(tags.tags) { Output.line(Format.name(word)) }
        }
    )
}
