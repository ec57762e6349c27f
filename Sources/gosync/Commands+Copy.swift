import Base
import Glibc
import Wire

extension Commands {
    private static let sources = Command.Argument(
        name: "SOURCE",
        count: .oneOrMore,
        help: "what to take",
        words: .files
    )
    private static let target = Command.Argument(
        name: "TARGET",
        help: "its new path, or the directory to put it into",
        words: .files
    )

    static let copy = Command(
        name: "cp",
        summary: "Copies files between this machine and the volume, and within the volume",
        details: """
            What starts with /backends or /filters is the volume's; every other path is a file of this
            machine. A file that is there is replaced when the new one has arrived whole. Links within a
            directory are not copied.
            """,
        arguments: [sources, target],
        options: [
            Command.Option(
                name: "recursive",
                letter: "r",
                help: "directories too, with all below them"
            ),
            Command.Option(
                name: "preserve",
                letter: "p",
                help: "keep permissions and time, and within the volume tags too"
            ),
            .jsonPaths,
        ],
        examples: [
            "cp ./a.txt /backends/selfhosted/", "cp -r /backends/selfhosted/photos ./photos",
            "cp -p /backends/attic/a /backends/selfhosted/b",
        ],
        run: { invocation in
            var copying = Copying(daemon: try Daemon(invocation))
            copying.isRecursive = invocation.has("recursive")
            copying.keepsAttributes = invocation.has("preserve")
            copying.isJSON = invocation.isJSON
            let last = Place(invocation.arguments[invocation.arguments.count - 1])
            try eachSource(invocation, last, copying) { source, target in
                try copying.copy(source, to: target)
            }
        }
    )

    static let move = Command(
        name: "mv",
        summary: "Renames files and directories of the volume",
        details: """
            Within a backend this is one step. From one backend to another files are copied with their
            tags, and the old ones removed after that.
            """,
        arguments: [sources, target],
        options: [.jsonPaths],
        examples: ["mv selfhosted/a.txt selfhosted/b.txt", "mv selfhosted/a selfhosted/b attic/"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            let resolved = try invocation.with(
                invocation.arguments.map { word in
                    try daemon.file(word) + (word.hasSuffix("/") ? "/" : "")
                }
            )
            let last = Place.volume(resolved.arguments[resolved.arguments.count - 1])
            let copying = Copying(
                daemon: daemon,
                isRecursive: true,
                keepsAttributes: true,
                isJSON: invocation.isJSON
            )
            try eachSource(resolved, last, copying) { source, target in
                if backend(source.path) == backend(target.path) {
                    return try daemon.move(source.path, to: target.path)
                }
                try copying.copy(source, to: target)
                let isDirectory = try copying.kind(of: source) == .directory
                if isDirectory {
                    try removeTree(source.path, daemon)
                } else {
                    try daemon.remove(source.path)
                }
            }
        }
    )

    /// Pairs every source with its target, which lies in the last argument if that is a directory.
    private static func eachSource(
        _ invocation: Invocation,
        _ target: Place,
        _ copying: Copying,
        _ body: (Place, Place) throws -> Void
    ) throws {
        let sources = invocation.with(invocation.arguments.dropLast())
        let isDirectory = try copying.kind(of: target) == .directory
        guard isDirectory || (sources.arguments.count == 1 && !target.path.hasSuffix("/")) else {
            throw Failure(.failed, "\(target.path): there is no such directory")
        }
        let isMove = invocation.path.last == move.name
        try each(sources) { word in
            let source = isMove ? Place.volume(word) : Place(word)
            var target = target
            if isDirectory {
                guard let name = source.name else {
                    throw Failure(.failed, "\(word): it has no name of its own to keep")
                }
                target = target.appending(name)
            }
            try body(source, target)
            return PathReport(path: word, target: target.path)
        }
    }

    /// Such as `/backends/x`.
    private static func backend(_ path: String) -> [[UInt8]] {
        path.utf8.split(separator: UInt8(ascii: "/")).prefix(2).map(Array.init)
    }
}
