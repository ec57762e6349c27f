import Base
import Wire

extension Commands {
    static let cacheWarm = Command(
        name: "warm",
        summary: "Fetches files, so that they are here when they are needed",
        arguments: [cachePath],
        options: [.jsonReports],
        examples: ["cache warm selfhosted/music"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            var files: [(path: String, size: Int64)] = []
            try each(invocation) { word in
                try collect(try daemon.file(word), daemon, into: &files)
                return nil
            }
            var display = ProgressDisplay(isJSON: invocation.isJSON, isTerminalOnly: true)
            defer { display.clear() }
            var report = WarmReport(files: files.count, bytes: files.reduce(0) { $0 + $1.size })
            show(report, &display)
            for file in files {
                do {
                    try daemon.read(file.path) { (bytes) throws(Errno) in
                        report.bytesDone += Int64(bytes.byteCount)
                        if display.isDue { show(report, &display) }
                    }
                    report.filesDone += 1
                } catch let failure as Failure where failure.code != .noDaemon {
                    report.failed.append(PathReport(path: file.path, error: failure.message))
                    display.clear()
                    Output.error(failure.message)
                }
            }
            report.state = report.failed.isEmpty ? .done : .failed
            show(report, &display)
            display.clear()
            if !invocation.isJSON {
                let size = Format.size(report.bytesDone)
                Output.line("\(Format.count(report.filesDone, "file")) here, \(size)")
            }
            guard report.failed.isEmpty else {
                throw Failure.told("\(Format.count(report.failed.count, "file")) failed")
            }
        }
    )

    private static func show(_ report: WarmReport, _ display: inout ProgressDisplay) {
        let sizes = "\(Format.size(report.bytesDone)) of \(Format.size(report.bytes))"
        display.show(
            "\(report.filesDone) of \(Format.count(report.files, "file")), \(sizes)",
            done: report.share,
            report: report.json()
        )
    }

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
}
