import Base
import Wire

extension Commands {
    static let cache = Command(
        name: "cache",
        summary: "Shows and changes what of the files is on this machine's disk",
        subcommands: [cacheShow, cacheClear, cacheWarm, cachePin, cacheUnpin]
    )

    static let cachePath = Command.Argument(
        name: "PATH",
        count: .oneOrMore,
        help: "files, or directories with all below them",
        words: .files
    )

    private static let cacheShow = Command(
        name: "show",
        summary: "Tells how full the cache is, and which files are pinned",
        options: [.json],
        run: { invocation in
            let state: CacheState = try Daemon(invocation).get(.cache)
            guard !invocation.isJSON else { return Output.json(state) }
            var rows = [
                ["Used", "\(Format.size(state.usedBytes)) of \(Format.size(state.sizeBytes))"],
                ["Only here", Format.size(state.unsentBytes)],
                ["Pinned", Format.count(state.pinned.count, "file")],
            ]
            rows += state.pinned.map { ["", Format.name($0)] }
            for line in Table.lines(rows) { Output.line(line) }
        }
    )

    private static let cacheClear = Command(
        name: "clear",
        summary: "Frees the disk of what can be fetched again",
        details: """
            What the stores do not have yet stays, and so do files that are open or pinned.
            """,
        options: [.json],
        run: { invocation in
            let cleared: ClearedCache = try Daemon(invocation).post(.cacheClear, Nothing())
            guard !invocation.isJSON else { return Output.json(cleared) }
            Output.line("\(Format.size(cleared.freedBytes)) freed")
        }
    )

    private static let cachePin = Command(
        name: "pin",
        summary: "Keeps files in the cache once they are there, whatever else needs room",
        details: "It fetches nothing; 'gosync cache warm' does.",
        arguments: [cachePath],
        options: [.jsonPaths],
        examples: ["cache pin selfhosted/music"],
        run: { invocation in try change(invocation, isPinned: true) }
    )

    private static let cacheUnpin = Command(
        name: "unpin",
        summary: "Lets go of files that were pinned",
        arguments: [cachePath],
        options: [.jsonPaths],
        examples: ["cache unpin selfhosted/music"],
        run: { invocation in try change(invocation, isPinned: false) }
    )

    private static func change(_ invocation: Invocation, isPinned: Bool) throws {
        let daemon = try Daemon(invocation)
        try each(invocation) { word in
            let change = PinChange(path: try daemon.file(word), pinned: isPinned)
            let changed: ChangedFiles = try daemon.post(.cachePin, change)
            if !invocation.isJSON {
                let what = isPinned ? "pinned" : "unpinned"
                Output.line("\(Format.count(changed.files, "file")) \(what)")
            }
            return PathReport(path: word, files: changed.files)
        }
    }
}

/// The body of a request that says all by its path.
struct Nothing: Message {}
