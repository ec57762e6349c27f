import Base
import Wire

extension Commands {
    static let events = Command(
        name: "events",
        summary: "Prints what changed: names, bytes, tags and filters, here and by others",
        details: """
            Without --since it prints what happens from now on, which takes --follow; with --since, what
            came after the change of that number. The log is kept for a year.
            """,
        options: [
            Command.Option(name: "follow", letter: "f", help: "go on with what happens"),
            Command.Option(
                name: "since",
                value: "SEQ",
                help: "what came after this one; 0 for all"
            ),
            Command.Option(name: "json", help: "print each event as a line of JSON"),
        ],
        examples: ["events --follow", "events --since 0 --json | jq -r .path"],
        run: { invocation in
            let follows = invocation.has("follow")
            var items = QueryItems()
            items["follow"] = follows ? "yes" : "no"
            if let text = invocation.options["since"] {
                guard let seq = Int64(text), seq >= 0 else {
                    throw invocation.misused("--since is the number of an event, not '\(text)'")
                }
                items["since"] = text
            } else if !follows {
                throw invocation.misused("'events' needs --follow or --since SEQ")
            }
            let isJSON = invocation.isJSON
            try Daemon(invocation).follow("GET", .events, items) { line in
                // Server-sent events: the number and the kind are in the data as well.
                let mark = Array("data: ".utf8)
                guard line.starts(with: mark) else { return }
                let json = Array(line.dropFirst(mark.count))
                if isJSON { return Output.line(json) }
                if let event = try? Event(json: json) { Output.line(words(event)) }
            }
        }
    )

    private static func words(_ event: Event) -> String {
        var parts = ["\(event.seq)", Format.time(event.time), event.kind]
        if let path = event.path { parts.append(Format.name(path)) }
        if let from = event.from { parts.append("from \(Format.name(from))") }
        if let size = event.size { parts.append(Format.size(size)) }
        if let count = event.count { parts.append(Format.count(count, "name")) }
        if let keys = event.keys, !keys.isEmpty {
            parts.append(keys.map { Format.name($0) }.joined(separator: ", "))
        }
        if let query = event.query { parts.append(Format.name(query)) }
        if let since = event.since { parts.append("what came after \(since) is forgotten") }
        return parts.joined(separator: "\t")
    }
}
