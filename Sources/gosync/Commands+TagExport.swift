import Glibc
import Wire

extension Commands {
    static let tagExport = Command(
        name: "export",
        summary: "Prints the tags and attributes of all files, a file a line, in JSON",
        options: [Command.Option(name: "json", help: "nothing else: it prints JSON in any case")],
        examples: ["tag export"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            var items = QueryItems()
            items["limit"] = String(Endpoint.largestPage)
            while true {
                let page: TaggedFiles = try daemon.get(.tagExport, items)
                for file in page.files { Output.jsonLine(file) }
                guard let next = page.next else { return }
                items["after"] = next
            }
        }
    )

    static let tagImport = Command(
        name: "import",
        summary: "Adds the tags and attributes of an export, read from its standard input",
        details:
            "Files are found by backend and path, so an export fits a database that was made anew.",
        options: [.json],
        examples: ["tag import"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            var batch = ImportBatch()
            let size = regularSize(ofFile: 0).map(Double.init)
            var display = ProgressDisplay(isJSON: invocation.isJSON, isTerminalOnly: true)
            while let line = readLine(), !line.isEmpty {
                try batch.add(line)
                guard batch.isFull else { continue }
                // What is missing is told line by line.
                display.clear()
                try batch.send(to: daemon)
                let done = size.map { Double(batch.bytesSent) / max($0, 1) }
                display.show(Format.count(batch.filesSent, "file"), done: done)
            }
            display.clear()
            try batch.send(to: daemon)
            let missing = batch.missing
            if invocation.isJSON {
                let files = batch.filesSent - missing.count
                Output.json(ImportedTags(files: files, missing: missing))
            }
            guard missing.isEmpty else {
                throw Failure.told("\(Format.count(missing.count, "file")) missing")
            }
        }
    )
}

/// `nil` for a pipe and the like, whose end nobody knows.
private func regularSize(ofFile file: CInt) -> Int64? {
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int64(status.st_size)
}

/// Lines of an export on their way to the daemon, which takes a MiB at a time.
private struct ImportBatch {
    private var files: [TaggedFile] = []
    private var bytes = 0
    /// Files that were not there.
    private(set) var missing: [String] = []
    private(set) var filesSent = 0
    private(set) var bytesSent: Int64 = 0

    private static let mostBytes = 700_000

    var isFull: Bool { bytes > Self.mostBytes || files.count == Endpoint.largestPage }

    mutating func add(_ line: String) throws(Failure) {
        guard let file = try? TaggedFile(json: Array(line.utf8)) else {
            throw Failure(.failed, "this line is none of an export: \(line.prefix(80))")
        }
        files.append(file)
        bytes += line.utf8.count
    }

    mutating func send(to daemon: Daemon) throws {
        guard !files.isEmpty else { return }
        let done: ImportedTags = try daemon.post(.tagImport, TaggedFiles(files: files))
        for path in done.missing { Output.error("\(path): there is no such file") }
        missing += done.missing
        filesSent += files.count
        bytesSent += Int64(bytes)
        files = []
        bytes = 0
    }
}
