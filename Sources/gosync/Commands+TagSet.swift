import Wire

extension Commands {
    static let tagSet = Command(
        name: "set",
        summary: "Sets tags of a file, in place of all values that a key has",
        arguments: [firstFileArgument, tagArgument],
        options: targetOptions,
        examples: ["tag set selfhosted/cat.jpg colour=green"],
        run: { invocation in
            try change(invocation) { path, words throws(Failure) in
                TagChange(path: path, set: try TagWords.tags(words, flag: [""]))
            }
        }
    )
}
