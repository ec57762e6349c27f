extension Commands {
    static let tag = Command(
        name: "tag",
        summary: "Shows and changes the tags of files, and finds files by them",
        details: """
            A tag is a key with one or more values, such as colour=red, or a key alone: a flag.
            """,
        subcommands: [
            tagAdd, tagSet, tagList, tagRemove, tagSearch, tagKeys, tagValues, tagRename, tagExport,
            tagImport, tagAuto,
        ]
    )

    static let fileArgument = Command.Argument(
        name: "FILE",
        help: "its path",
        words: .files
    )

    static let firstFileArgument = Command.Argument(
        name: "FILE",
        unless: "query",
        help: "its path; none with --query",
        words: .files
    )
}
