import Wire

extension Commands {
    static let tagRemove = Command(
        name: "remove",
        summary: "Removes tags from a file; it is no error if it has none of them",
        arguments: [
            firstFileArgument,
            Command.Argument(
                name: "KEY[=VALUE]",
                count: .oneOrMore,
                help: "one value of a key, or the key with all its values"
            ),
        ],
        options: targetOptions,
        examples: ["tag remove selfhosted/cat.jpg colour=red urgent"],
        run: { invocation in
            try change(invocation) { path, words throws(Failure) in
                TagChange(path: path, remove: try TagWords.tags(words, flag: []))
            }
        }
    )
}
