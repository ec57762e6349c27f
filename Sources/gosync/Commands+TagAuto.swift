import Wire

extension Commands {
    static let tagAuto = Command(
        name: "auto",
        summary: "Tags files by what something tells of them, such as where they lie",
        details: """
            With --path-based, by the rules of the configuration: after

                [tagger photos]
                path = /photos/{year}/{event}/

            what lies below photos/2024/holiday, in any backend, gets year=2024 and event=holiday. Keys
            that a file has already are left alone. All files are done, or none.
            """,
        arguments: [
            Command.Argument(
                name: "PATH",
                help: "a file, or a directory with all below it",
                words: .files
            )
        ],
        options: [
            Command.Option(name: "path-based", help: "by the rules [tagger NAME] of mount.conf"),
            Command.Option(
                name: "replace",
                help: "also in place of values that a key has already"
            ),
            Command.Option(
                name: "dry-run",
                letter: "n",
                help: "show which tags files would get, and change nothing"
            ),
            .json,
        ],
        examples: ["tag auto selfhosted/photos --path-based --dry-run"],
        run: { invocation in
            guard invocation.has("path-based") else {
                throw invocation.misused(
                    "--path-based is missing: it is all that can tell tags yet"
                )
            }
            let daemon = try Daemon(invocation)
            let request = AutoTag(
                path: try daemon.file(invocation.arguments[0]),
                by: .path,
                replace: invocation.has("replace"),
                dryRun: invocation.has("dry-run"),
                reports: true
            )
            let isJSON = invocation.isJSON
            let changed = try daemon.changeTags(.tagAuto, request, isJSON: isJSON)
            if isJSON { return Output.json(changed) }
            for file in changed.proposed ?? [] {
                let tags = TagWords.words(file.tags).joined(separator: " ")
                Output.line("\(Format.name(file.path))  \(Format.name(tags))")
            }
            let isDry = changed.proposed != nil
            let rest = changed.files - (changed.proposed?.count ?? 0)
            if isDry, rest > 0 { Output.line("… and \(rest) more") }
            let what = isDry ? "would be changed" : "changed"
            Output.line("\(Format.count(changed.files, "file")) \(what)")
        }
    )
}
