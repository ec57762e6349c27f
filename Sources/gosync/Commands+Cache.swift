import Base
import Wire

extension Commands {
    static let cache = Command(
        name: "cache",
        summary: "Shows and changes what of the files is on this machine's disk",
        subcommands: [cacheShow, cacheClear, cacheWarm, cachePin, cacheUnpin]
    )

    private static let path = Command.Argument(
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
            guard !invocation.has("json") else { return Output.json(state) }
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
            guard !invocation.has("json") else { return Output.json(cleared) }
            Output.line("\(Format.size(cleared.freedBytes)) freed")
        }
    )

    private static let cacheWarm = Command(
        name: "warm",
        summary: "Fetches files, so that they are here when they are needed",
        arguments: [path],
        examples: ["cache warm selfhosted/music"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            var files: [(path: String, size: Int64)] = []
            try each(invocation) { try collect(try daemon.file($0), daemon, into: &files) }
            var progress = Progress(files: files.count, bytes: files.reduce(0) { $0 + $1.size })
            var failures = 0
            for file in files {
                do {
                    try daemon.read(file.path) { (bytes) throws(Errno) in
                        progress.advance(bytes: Int64(bytes.byteCount))
                    }
                } catch let failure as Failure where failure.code != .noDaemon {
                    failures += 1
                    progress.clear()
                    Output.error(failure.message)
                }
                progress.advance(files: 1)
            }
            progress.clear()
            let size = Format.size(progress.doneBytes)
            Output.line("\(Format.count(files.count - failures, "file")) here, \(size)")
            if failures > 0 { throw Failure(.failed, "\(Format.count(failures, "file")) failed") }
        }
    )

    private static func collect(
        _ path: String,
        _ daemon: Daemon,
        into files: inout [(path: String, size: Int64)]
    ) throws {
        let entry = try daemon.details(path).entry
        if entry.kind == .file { return files.append((path, entry.sizeBytes)) }
        guard entry.isDirectory else { return }
        for below in try daemon.entries(of: path) {
            let next = path == "/" ? "/" + below.name : path + "/" + below.name
            if below.kind == .file {
                files.append((next, below.sizeBytes))
            } else if below.isDirectory {
                try collect(next, daemon, into: &files)
            }
        }
    }

    private static let cachePin = Command(
        name: "pin",
        summary: "Keeps files in the cache once they are there, whatever else needs room",
        details: "It fetches nothing; 'gosync cache warm' does.",
        arguments: [path],
        examples: ["cache pin selfhosted/music"],
        run: { invocation in try change(invocation, isPinned: true) }
    )

    private static let cacheUnpin = Command(
        name: "unpin",
        summary: "Lets go of files that were pinned",
        arguments: [path],
        examples: ["cache unpin selfhosted/music"],
        run: { invocation in try change(invocation, isPinned: false) }
    )

    private static func change(_ invocation: Invocation, isPinned: Bool) throws {
        let daemon = try Daemon(invocation)
        try each(invocation) { word in
            let change = PinChange(path: try daemon.file(word), pinned: isPinned)
            let changed: ChangedFiles = try daemon.post(.cachePin, change)
            Output.line(
                "\(Format.count(changed.files, "file")) \(isPinned ? "pinned" : "unpinned")"
            )
        }
    }
}

/// The body of a request that says all by its path.
struct Nothing: Message {}

/// How far a long work is, on a line of a terminal that is written over; nothing elsewhere.
struct Progress {
    let files: Int
    let bytes: Int64
    private(set) var doneBytes: Int64 = 0
    private var doneFiles = 0
    private var shown: Double = 0

    /// Seconds between two lines.
    private static let pause = 0.2

    init(files: Int, bytes: Int64) {
        self.files = files
        self.bytes = bytes
    }

    mutating func advance(files: Int = 0, bytes: Int64 = 0) {
        doneFiles += files
        doneBytes += bytes
        guard Output.isTerminal, monotonicSeconds() - shown > Self.pause else { return }
        shown = monotonicSeconds()
        let share = self.bytes > 0 ? doneBytes * 100 / self.bytes : 0
        let text = "\(min(share, 100))%  \(doneFiles) of \(self.files) files"
        Output.text("\r\u{1b}[K\(text), \(Format.size(doneBytes)) of \(Format.size(self.bytes))")
    }

    func clear() { if Output.isTerminal { Output.text("\r\u{1b}[K") } }
}
