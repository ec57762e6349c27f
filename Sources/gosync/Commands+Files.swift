import Base
import Wire

extension Commands {
    private static let several = Command.Argument(
        name: "PATH",
        count: .oneOrMore,
        help: "of the volume, such as selfhosted/a.txt",
        words: .files
    )

    static let stat = Command(
        name: "stat",
        summary: "Tells all that is known of files: attributes, object, state, tags",
        arguments: [several],
        options: [.json],
        examples: ["stat selfhosted/cat.jpg"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            try each(invocation) { path in
                let details = try daemon.details(try daemon.file(path))
                if invocation.isJSON {
                    Output.json(details)
                } else {
                    for line in Table.lines(rows(details)) { Output.line(line) }
                }
                return nil
            }
        }
    )

    private static func rows(_ details: FileDetails) -> [[String]] {
        let entry = details.entry
        var rows = [
            ["Path", Format.name(details.path)],
            ["Kind", entry.kind.rawValue],
            ["Size", "\(entry.sizeBytes)"],
            ["Mode", Format.mode(entry)],
            ["Owner", "\(entry.owner):\(entry.group)"],
            ["Inode", "\(entry.inode)"],
            ["Modified", "\(entry.modified)"],
            ["Changed", "\(details.changed)"],
        ]
        let optional = [
            ("Target", entry.target), ("Backend", details.backend), ("Key", details.key),
            ("ETag", details.etag), ("State", details.state), ("Error", details.error),
        ]
        for case (let name, let value?) in optional { rows.append([name, Format.name(value)]) }
        let tags = TagWords.words(details.tags)
        for (index, tag) in tags.enumerated() {
            rows.append([index == 0 ? "Tags" : "", Format.name(tag)])
        }
        return rows
    }

    static let cat = Command(
        name: "cat",
        summary: "Prints the bytes of files",
        arguments: [several],
        options: [
            Command.Option(
                name: "json",
                help: "print a line of JSON for each file, with its bytes as base64"
            )
        ],
        examples: ["cat selfhosted/notes.txt"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            try each(invocation) { word in
                let path = try daemon.file(word)
                guard invocation.isJSON else {
                    try daemon.read(path) { (bytes) throws(Errno) in Output.bytes(bytes) }
                    return nil
                }
                var line = ContentLine(word)
                do {
                    try daemon.read(path) { (bytes) throws(Errno) in line.add(bytes) }
                } catch let failure as Failure {
                    throw line.end(failure)
                }
                line.end()
                return nil
            }
        }
    )

    static let makeDirectory = Command(
        name: "mkdir",
        summary: "Makes directories",
        arguments: [several],
        options: [
            Command.Option(
                name: "parents",
                letter: "p",
                help: "those above as well; it is no error if they are there"
            ),
            .jsonPaths,
        ],
        examples: ["mkdir -p selfhosted/2024/05"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            try each(invocation) { word in
                let isDeep = invocation.has("parents")
                try daemon.makeDirectory(try daemon.file(word), withParents: isDeep)
                return PathReport(path: word)
            }
        }
    )

    static let touch = Command(
        name: "touch",
        summary: "Sets the time of files to now, and makes those that are missing",
        arguments: [several],
        options: [.jsonPaths],
        examples: ["touch selfhosted/a.txt"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            try each(invocation) { word in
                let path = try daemon.file(word)
                do {
                    let change = FileChange(modified: Moment(.now()))
                    let _: FileDetails = try daemon.patch(.file, Daemon.items(path), change)
                } catch let failure as Failure where failure.isAbsence {
                    try daemon.write(path, QueryItems())
                }
                return PathReport(path: word)
            }
        }
    )

    static let remove = Command(
        name: "rm",
        summary: "Removes files, and their objects from the store",
        details: "In a filter it does what the filter says; usually that is to refuse.",
        arguments: [several],
        options: [
            Command.Option(
                name: "recursive",
                letter: "r",
                help: "directories too, with all below them"
            ),
            Command.Option(name: "force", letter: "f", help: "it is no error if one is not there"),
            .jsonPaths,
        ],
        examples: ["rm selfhosted/a.txt", "rm -r selfhosted/old"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            try each(invocation) { word in
                do {
                    try remove(try daemon.file(word), daemon, invocation)
                } catch let failure as Failure
                    where failure.isAbsence && invocation.has("force")
                {
                    // That is what was wanted.
                }
                return PathReport(path: word)
            }
        }
    )

    private static func remove(_ path: String, _ daemon: Daemon, _ invocation: Invocation) throws {
        guard try daemon.details(path).entry.isDirectory else { return try daemon.remove(path) }
        guard invocation.has("recursive") else {
            throw Failure(.failed, "\(path): it is a directory; -r removes those too")
        }
        try removeTree(path, daemon)
    }

    /// Removes what is below a directory, then the directory.
    static func removeTree(_ path: String, _ daemon: Daemon) throws {
        for entry in try daemon.entries(of: path) {
            let below = path + "/" + entry.name
            if entry.isDirectory { try removeTree(below, daemon) } else { try daemon.remove(below) }
        }
        try daemon.remove(path)
    }

    /// Does something to each argument, and goes on to the next if it fails.
    ///
    /// - Parameter body: what it returns is for programs; `nil` if it has told all itself.
    static func each(_ invocation: Invocation, _ body: (String) throws -> PathReport?) throws {
        var failures = 0
        for argument in invocation.arguments {
            do {
                let report = try body(argument)
                if invocation.isJSON, let report { Output.jsonLine(report) }
            } catch let failure as Failure where failure.code != .noDaemon {
                failures += 1
                Output.failure(failure, of: argument, isJSON: invocation.isJSON)
            }
        }
        if failures > 0 { throw Failure.told() }
    }
}

extension Entry {
    var isDirectory: Bool { kind == .directory || kind == .filter }
}
