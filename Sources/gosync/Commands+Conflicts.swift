import Base
import Wire

extension Commands {
    static let conflicts = Command(
        name: "conflicts",
        summary: "Shows and settles files that were changed here and elsewhere at once",
        details: """
            Theirs lies under the name, and ours beside it, with .conflict-HOST-TIME before the extension.
            """,
        subcommands: [conflictsList, conflictsOurs, conflictsTheirs]
    )

    private static let conflict = Command.Argument(
        name: "PATH",
        help: "of our version, as 'conflicts list' shows it",
        words: .files
    )

    private static let conflictsList = Command(
        name: "list",
        summary: "Lists our versions of files that somebody else has changed too",
        options: [.json],
        run: { invocation in
            let daemon = try Daemon(invocation)
            var found = Matches(files: [])
            repeat {
                var items = QueryItems()
                items["query"] = "name matches '*.conflict-*'"
                items["limit"] = String(Endpoint.largestPage)
                items["after"] = found.next
                let page: Matches = try daemon.get(.search, items)
                let files = page.files.filter { ConflictPath($0.path) != nil }
                found = Matches(files: found.files + files, next: page.next)
            } while found.next != nil
            guard !invocation.isJSON else { return Output.json(found) }
            for file in found.files { Output.line(Format.name(file.path)) }
        }
    )

    private static let conflictsOurs = Command(
        name: "keep-ours",
        summary: "Puts our version in place of theirs",
        arguments: [conflict],
        options: [.json],
        examples: ["conflicts keep-ours selfhosted/a.conflict-laptop-20240501T100000Z.txt"],
        run: { invocation in
            let (daemon, conflict) = try settle(invocation)
            try daemon.move(conflict.path, to: conflict.original)
            tell(conflict, invocation)
        }
    )

    private static let conflictsTheirs = Command(
        name: "keep-theirs",
        summary: "Removes our version, and leaves theirs",
        arguments: [conflict],
        options: [.json],
        examples: ["conflicts keep-theirs selfhosted/a.conflict-laptop-20240501T100000Z.txt"],
        run: { invocation in
            let (daemon, conflict) = try settle(invocation)
            // Without theirs, ours is all there is.
            _ = try daemon.details(conflict.original)
            try daemon.remove(conflict.path)
            tell(conflict, invocation)
        }
    )

    private static func tell(_ conflict: ConflictPath, _ invocation: Invocation) {
        guard invocation.isJSON else { return }
        Output.jsonLine(PathReport(path: conflict.path, target: conflict.original))
    }

    private static func settle(_ invocation: Invocation) throws -> (Daemon, ConflictPath) {
        let daemon = try Daemon(invocation)
        let path = try daemon.file(invocation.arguments[0])
        guard let conflict = ConflictPath(path) else {
            let advice = "'gosync conflicts list' shows those there are"
            throw Failure(.failed, "\(path): this is no conflicting version; \(advice)")
        }
        return (daemon, conflict)
    }
}

/// Where our version of a file lies that was changed elsewhere too: `NAME.conflict-HOST-TIME.EXT`.
struct ConflictPath: Equatable {
    let path: String
    /// Where theirs lies.
    let original: String

    /// `nil` if the path is no such.
    init?(_ path: String) {
        let slash = path.unicodeScalars.lastIndex(of: "/")
        let start = slash.map { path.unicodeScalars.index(after: $0) } ?? path.startIndex
        let name = String(path[start...])
        guard let match = name.firstMatch(of: /\.conflict-.*-[0-9]{8}T[0-9]{6}Z(?=\.[^.]*$|$)/),
            match.range.lowerBound > name.startIndex
        else { return nil }
        self.path = path
        original =
            String(path[..<start]) + name[..<match.range.lowerBound]
            + name[match.range.upperBound...]
    }
}
