import Base
import Wire

extension Commands {
    static let filter = Command(
        name: "filter",
        summary: "Makes and changes filters: queries that show as directories below /filters",
        subcommands: [
            filterCreate, filterList, filterShow, filterUpdate, filterDelete, filterTest,
            filterCheck, filterExplain,
        ]
    )

    static let filterArgument = Command.Argument(
        name: "PATH",
        help: "its place below /filters, such as photos/red",
        words: .filters
    )

    static let shapeOptions = [
        Command.Option(
            name: "layout",
            value: "LAYOUT",
            help: "flat (all files side by side) or tree (BACKEND/PATH)",
            words: .oneOf(Filter.Layout.self)
        ),
        Command.Option(
            name: "names",
            value: "WHICH",
            help: "which files carry a suffix: collide (those of equal name) or always",
            words: .oneOf(Filter.Naming.self)
        ),
        Command.Option(
            name: "case",
            value: "HOW",
            help:
                "names that differ in case only: exact (two names) or fold (one, for Samba, macOS)",
            words: .oneOf(Filter.Casing.self)
        ),
        Command.Option(
            name: "assert",
            value: "YES",
            help: "yes: ln and mv into the view set the tags of its query",
            words: .oneOf(Answer.self)
        ),
        Command.Option(
            name: "unlink",
            value: "HOW",
            help: "what rm in the view does: refuse, or untag",
            words: .oneOf(Filter.Unlinking.self)
        ),
        Command.Option.json,
    ]

    /// What the options say a filter is to look like.
    static func shape(_ invocation: Invocation) throws(Failure) -> FilterDraft {
        var draft = FilterDraft()
        draft.layout = try choice(invocation, "layout")
        draft.names = try choice(invocation, "names")
        draft.case = try choice(invocation, "case")
        draft.unlink = try choice(invocation, "unlink")
        let answer: Answer? = try choice(invocation, "assert")
        draft.assert = answer.map { $0 == .yes }
        return draft
    }

    private enum Answer: String, CaseIterable { case yes, no }

    static func choice<C: RawRepresentable<String> & CaseIterable>(
        _ invocation: Invocation,
        _ option: String
    ) throws(Failure) -> C? {
        guard let text = invocation.options[option] else { return nil }
        if let choice = C(rawValue: text) { return choice }
        let known = C.allCases.map(\.rawValue)
        let list = known.joined(separator: " or ")
        let hint = Spelling.suggestion(for: text, among: known)
        throw invocation.misused("--\(option) is \(list), not '\(text)'\(hint)")
    }

    static func show(_ filter: Filter, _ invocation: Invocation) {
        guard !invocation.isJSON else { return Output.json(filter) }
        var rows = [
            ["Path", "/filters/" + Format.name(filter.path)],
            ["Query", Format.name(filter.query)],
            ["Layout", filter.layout.rawValue],
            ["Names", filter.names.rawValue],
            ["Case", filter.case.rawValue],
            ["ln and mv", filter.assert ? "set the tags" : "refused"],
            ["rm", filter.unlink == .untag ? "removes the tags" : "refused"],
            ["From", filter.source == .stored ? "gosync or mkdir" : "the configuration"],
        ]
        if let error = filter.error { rows.append(["Error", error]) }
        for line in Table.lines(rows) { Output.line(line) }
    }

    static func items(_ filterPath: String) -> QueryItems {
        var items = QueryItems()
        items["path"] = filterPath
        return items
    }
}
