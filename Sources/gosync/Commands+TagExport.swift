import Glibc
import Wire

extension Commands {
    static let tagExport = Command(
        name: "export",
        summary: "Prints the tags and attributes of all files, a file a line, in JSON",
        examples: ["tag export"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            var items = QueryItems()
            items["limit"] = String(Endpoint.largestPage)
            while true {
                let page: TaggedFiles = try daemon.get(.tagExport, items)
                for file in page.files { Output.line(String(decoding: file.json(), as: UTF8.self)) }
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
        examples: ["tag import"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            var batch = ImportBatch()
            let size = Output.isTerminal ? regularSize(ofFile: 0) : nil
            while let line = readLine(), !line.isEmpty {
                try batch.add(line)
                guard batch.isFull else { continue }
                try batch.send(to: daemon)
                guard let size else { continue }
                let done = Double(batch.bytesSent) / Double(max(size, 1))
                ProgressBar.show(done, Format.count(batch.filesSent, "file"))
            }
            if size != nil { ProgressBar.clear() }
            try batch.send(to: daemon)
            let missing = batch.missing
            if missing > 0 { throw Failure(.failed, "\(Format.count(missing, "file")) missing") }
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
    private(set) var missing = 0
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
        missing += done.missing.count
        filesSent += files.count
        bytesSent += Int64(bytes)
        files = []
        bytes = 0
    }
}
