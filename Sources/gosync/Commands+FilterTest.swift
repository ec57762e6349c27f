import Wire

extension Commands {
    static let filterTest = Command(
        name: "test",
        summary: "Tells what a filter with this query would show: how many files, and how fast",
        arguments: [queryArgument],
        options: [
            Command.Option(
                name: "limit",
                value: "N",
                help: "how many files to show; 10 without it"
            ),
            .json,
        ],
        examples: ["filter test 'tag:colour=red AND mime:image/*'"],
        run: { invocation in
            let limit = try count(invocation, "limit") ?? 10
            var items = QueryItems()
            items["query"] = invocation.arguments[0]
            items["limit"] = String(min(limit, Endpoint.largestPage))
            let test: FilterTest = try Daemon(invocation).get(.filterTest, items)
            for warning in test.warnings { Output.warning(warning) }
            guard !invocation.isJSON else { return Output.json(test) }
            let verb = test.count == 1 ? "matches" : "match"
            let time = test.seconds.map { ", found in \(milliseconds($0)) ms" } ?? ""
            Output.line("\(Format.count(test.count, "file")) \(verb)\(time)")
            for file in test.files { Output.line(Format.name(file.path)) }
            let rest = test.count - test.files.count
            if rest > 0 { Output.line("… and \(rest) more") }
        }
    )

    private static func milliseconds(_ seconds: Double) -> Double {
        (seconds * 10_000).rounded() / 10
    }
}
