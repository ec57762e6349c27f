import Foundation
import Testing
import Wire

@testable import gosync

struct ParserTests {
    func parse(_ line: String) throws -> Parser.Outcome {
        try Parser.parse(line.split(separator: " ").map(String.init), as: Commands.root)
    }

    @Test(
        arguments: [
            ("ls", "gosync ls", [], [:]),
            ("ls -lh a", "gosync ls", ["a"], ["long": "", "human": ""]),
            ("ls a --long --json", "gosync ls", ["a"], ["long": "", "json": ""]),
            ("tag add f colour=red urgent", "gosync tag add", ["f", "colour=red", "urgent"], [:]),
            ("tag list -- -f", "gosync tag list", ["-f"], [:]),
            ("--socket /s tag list f", "gosync tag list", ["f"], ["socket": "/s"]),
            ("tag list f --socket=/s", "gosync tag list", ["f"], ["socket": "/s"]),
            ("tag list f -c/c", "gosync tag list", ["f"], ["config": "/c"]),
            ("tag list -c /c f", "gosync tag list", ["f"], ["config": "/c"]),
            ("filter update a --query=b=c", "gosync filter update", ["a"], ["query": "b=c"]),
            ("tag list -", "gosync tag list", ["-"], [:]),
        ] as [(String, String, [String], [String: String])]
    )
    func wordsBecomeACommand(
        line: String,
        path: String,
        arguments: [String],
        options: [String: String]
    ) throws {
        guard case .run(_, let invocation) = try parse(line) else {
            Issue.record("\(line) asks for help")
            return
        }
        #expect(invocation.path.joined(separator: " ") == path)
        #expect(invocation.arguments == arguments)
        #expect(invocation.options == options)
    }

    static let mistakes: [(line: String, message: String)] = [
        ("sttus", "there is no command 'sttus'; did you mean 'status'?\nTry 'gosync --help'."),
        (
            "tag lst f",
            "there is no command 'tag lst'; did you mean 'list'?\nTry 'gosync tag --help'."
        ),
        (
            "tag",
            "'gosync tag' needs one of: add, set, list, remove, search, keys, values, rename, export, import, auto\nTry 'gosync tag --help'."
        ),
        ("ls --lnog", "unknown option '--lnog'; did you mean '--long'?\nTry 'gosync ls --help'."),
        (
            "tag search -x",
            """
            unknown option '-x'; write -- before an argument that starts with -
            Try 'gosync tag search --help'.
            """
        ),
        ("status --json=yes", "--json takes no value\nTry 'gosync status --help'."),
        ("status --socket", "--socket needs a value: --socket PATH\nTry 'gosync status --help'."),
        ("status --socket a --socket b", "--socket is given twice\nTry 'gosync status --help'."),
        ("tag add f", "KEY=VALUE is missing\nTry 'gosync tag add --help'."),
        ("tag add", "FILE is missing\nTry 'gosync tag add --help'."),
        ("ls a b", "'b' is one argument too many\nTry 'gosync ls --help'."),
        (
            "filter create a b c",
            """
            'c' is one argument too many; put the query in quotes
            Try 'gosync filter create --help'.
            """
        ),
    ]

    @Test(arguments: mistakes)
    func aMistakeIsExplained(line: String, message: String) {
        #expect {
            _ = try parse(line)
        } throws: { error in
            error as? Failure == Failure(.usage, message)
        }
    }

    @Test(arguments: [
        "", "--help", "help", "-h", "tag --help", "help tag", "tag help", "tag add --help",
        "help tag add", "tag add f --help", "version -h",
    ])
    func helpIsAskedForInManyWays(line: String) throws {
        guard case .help(let command, let path) = try parse(line) else {
            Issue.record("'\(line)' does not ask for help")
            return
        }
        let words = line.split(separator: " ").filter {
            $0 != "help" && !$0.hasPrefix("-") && $0 != "f"
        }
        #expect(path == ["gosync"] + words.map(String.init))
        #expect(
            Help.text(of: command, path: path).hasPrefix("Usage: \(path.joined(separator: " "))")
        )
    }

    /// Every example is a command line that the parser takes, and no line of help is too wide.
    @Test func everyCommandHasHelpThatIsTrue() throws {
        func check(_ command: Command, _ path: [String]) throws {
            let text = Help.text(of: command, path: path)
            #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 }, "\(text)")
            #expect(!command.summary.hasSuffix("."))
            for example in command.examples {
                var words = example.components(separatedBy: " | ")[0]
                if let quoted = words.firstMatch(of: /'[^']*'/) {
                    words.replaceSubrange(quoted.range, with: "QUERY")
                }
                guard case .run(_, let invocation) = try parse(words) else {
                    Issue.record("\(example) only asks for help")
                    continue
                }
                #expect(invocation.path == path)
            }
            for next in command.subcommands { try check(next, path + [next.name]) }
        }
        try check(Commands.root, ["gosync"])
    }

    @Test func tagsAreGatheredByKey() throws {
        let words = ["a=1", "b", "a=2", "a=1", "c=x=y", "d="]
        let tags = try TagWords.tags(words[...], flag: [""])
        #expect(TagWords.words(tags) == ["a=1", "a=2", "b", "c=x=y", "d"])
        let removed = try TagWords.tags(["a=1", "a", "b=2"], flag: [])
        #expect(removed.map(\.values) == [[], ["2"]])
        #expect(throws: Failure.self) { try TagWords.tags(["=x"], flag: []) }
    }

    @Test(
        arguments: [
            (0, "0"), (999, "999"), (1000, "1.0K"), (1536, "1.5K"), (10_240, "10K"),
            (1_048_576, "1.0M"), (20 << 30, "20G"), (.max, "8.0E"),
        ] as [(Int64, String)]
    )
    func sizesAreShort(bytes: Int64, text: String) { #expect(Format.size(bytes) == text) }

    @Test func columnsAreAligned() {
        let lines = Table.lines([["a", "10", "x"], ["long", "9", ""]], [1])
        #expect(lines == ["a     10  x", "long   9"])
    }

    @Test func namesCannotMoveTheCursor() {
        #expect(Format.name("a\u{1b}[2Jb\nc", isTerminal: true) == "a?[2Jb?c")
        #expect(Format.name("a\nb", isTerminal: false) == "a\nb")
    }
}

struct PathResolverTests {
    static let links = ["/home/u/link": "/mnt/gosync/backends/a", "/mnt/gosync": "/mnt/gosync"]

    func resolver(in directory: String, existing: [String] = []) -> PathResolver {
        PathResolver(
            mountPoints: ["/mnt/gosync"],
            backends: ["a", "b"],
            workingDirectory: directory,
            canonical: { path in Self.links[path] ?? path },
            exists: { existing.contains($0) }
        )
    }

    @Test(arguments: [
        ("/backends/a/x", "/backends/a/x"), ("/backends/a//x/", "/backends/a/x"), ("/", "/"),
        ("/filters", "/filters"), ("a/x", "/backends/a/x"), ("a", "/backends/a"),
        ("backends/a/x", "/backends/a/x"), ("filters/f", "/filters/f"),
        ("/mnt/gosync", "/"), ("/mnt/gosync/backends/a/x", "/backends/a/x"),
        ("/home/u/link/x", "/backends/a/x"), ("link/x", "/backends/a/x"),
        ("/backends/a/e\u{301}", "/backends/a/e\u{301}"),
        ("/mnt/gosync/backends/a/#\u{301}", "/backends/a/#\u{301}"),
    ])
    func aPathIsFound(typed: String, path: String) throws {
        let found = try resolver(in: "/home/u", existing: ["/home/u/link/x"]).file(typed)
        #expect(Array(found.utf8) == Array(path.utf8))
    }

    @Test func insideAMountPathsAreRelativeToIt() throws {
        let here = resolver(
            in: "/mnt/gosync/backends/b",
            existing: ["/mnt/gosync/backends/b/a/x"]
        )
        #expect(try here.file(nil) == "/backends/b")
        #expect(try here.file("x") == "/backends/b/x")
        #expect(try here.file("../a/x") == "/backends/a/x")
        // There is a directory `a` here, with an `x` in it, and no `y`.
        #expect(try here.file("a/x") == "/backends/b/a/x")
        #expect(try here.file("a/y") == "/backends/a/y")
        #expect(try resolver(in: "/home/u").file(nil) == "/")
    }

    @Test(arguments: ["/etc/passwd", "x", "../x", "/mnt/gosyncs/x", "c/x"])
    func whatIsElsewhereIsRefused(typed: String) {
        #expect(throws: Failure.self) { try resolver(in: "/home/u").file(typed) }
    }

    @Test(arguments: [
        ("photos/red", "photos/red"), ("/filters/photos/red", "photos/red"),
        ("filters/photos/red/", "photos/red"), ("/mnt/gosync/filters/photos/red", "photos/red"),
        ("./red", "photos/red"), ("../x", "x"),
    ])
    func aFilterIsFound(typed: String, path: String) throws {
        #expect(try resolver(in: "/mnt/gosync/filters/photos").filter(typed) == path)
    }
}
