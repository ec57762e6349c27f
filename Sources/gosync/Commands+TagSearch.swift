import Wire

extension Commands {
    static let tagSearch = Command(
        name: "search",
        summary: "Finds files by a query over tags, names, sizes and times",
        arguments: [queryArgument],
        options: [
            Command.Option(name: "long", letter: "l", help: "also size and time"),
            Command.Option(name: "human", letter: "h", help: "sizes such as 1.5M, with -l"),
            Command.Option(name: "limit", value: "N", help: "stop after that many files"),
            .json,
        ],
        examples: [
            "tag search 'tag:colour=red'", "tag search 'tag:rating>=4 AND NOT tag:archived=true'",
        ],
        run: { invocation in
            let limit = try count(invocation, "limit") ?? Int.max
            let daemon = try Daemon(invocation)
            var found = Matches(files: [])
            repeat {
                var items = QueryItems()
                items["query"] = invocation.arguments[0]
                items["limit"] = String(min(Endpoint.largestPage, limit - found.files.count))
                items["after"] = found.next
                let page: Matches = try daemon.get(.search, items)
                for warning in page.warnings where found.next == nil {
                    Output.warning(warning)
                }
                if !invocation.isJSON { show(page.files, invocation) }
                found = Matches(
                    files: found.files + page.files,
                    warnings: page.warnings,
                    next: page.next
                )
            } while found.next != nil && found.files.count < limit
            if invocation.isJSON { Output.json(found) }
        }
    )

    static let queryArgument = Command.Argument(
        name: "QUERY",
        help: "such as 'tag:colour=red AND size>1MB', in quotes"
    )

    static func show(_ files: [Match], _ invocation: Invocation) {
        guard invocation.has("long") else {
            for file in files { Output.line(Format.name(file.path)) }
            return
        }
        let isHuman = invocation.has("human")
        let rows = files.map { file in
            let size = isHuman ? Format.size(file.sizeBytes) : String(file.sizeBytes)
            return [size, Format.time(file.modified), Format.name(file.path)]
        }
        Output.table([], rows, rightAligned: [0])
    }

    /// The value of an option that is a number above 0.
    static func count(_ invocation: Invocation, _ option: String) throws(Failure) -> Int? {
        guard let text = invocation.options[option] else { return nil }
        guard let number = Int(text), number > 0 else {
            throw invocation.misused("--\(option) is a number above 0, not '\(text)'")
        }
        return number
    }
}
