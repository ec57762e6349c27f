import Wire

extension Commands {
    static let filterCheck = Command(
        name: "check",
        summary: "Tells whether a query makes sense; exit code 2 and why where it does not",
        arguments: [queryArgument],
        options: [.json],
        examples: ["filter check 'tag:rating>=4'"],
        run: { invocation in
            let plan = try plan(invocation)
            for warning in plan.warnings { Output.warning(warning) }
            guard invocation.isJSON else { return }
            Output.json(CheckedQuery(query: plan.query, warnings: plan.warnings))
        }
    )

    static let filterExplain = Command(
        name: "explain",
        summary: "Shows how a query is gone about: its tree, the SQL, the plan and the estimate",
        arguments: [queryArgument],
        options: [.json],
        examples: ["filter explain 'tag:rating>=4 AND NOT tag:archived'"],
        run: { invocation in
            let plan = try plan(invocation)
            guard !invocation.isJSON else { return Output.json(plan) }
            for warning in plan.warnings { Output.warning(warning) }
            Output.line("Tree")
            for line in plan.tree.split(separator: "\n") {
                Output.line("  " + Format.name(String(line)))
            }
            Output.line("SQL\n  \(plan.sql)\nPlan")
            for step in plan.plan { Output.line("  \(step)") }
            Output.line("Goes through about \(Format.count(Int(plan.rows), "row"))")
        }
    )

    private static func plan(_ invocation: Invocation) throws -> QueryPlan {
        var items = QueryItems()
        items["query"] = invocation.arguments[0]
        do {
            return try Daemon(invocation).get(.filterExplain, items)
        } catch let failure as Failure where failure.code == .failed {
            throw Failure(.usage, failure.message)
        }
    }
}
