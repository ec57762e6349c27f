import Base
import Wire

extension Commands {
    static let scan = Command(
        name: "scan",
        summary: "Looks at everything in a backend now, without fetching it",
        details: """
            Names that others made, changed or removed show afterwards. A scan goes on when this command is
            interrupted, and where it was after a crash; a dry run ends with it. What a listing has not shown
            whole is never taken for removed.
            """,
        arguments: [
            Command.Argument(name: "ID", help: "the backend", words: .backends)
        ],
        options: [
            Command.Option(
                name: "prefix",
                value: "PATH",
                help: "only what is below this directory of it"
            ),
            Command.Option(name: "dry-run", help: "only count, and change nothing"),
            Command.Option(name: "json", help: "print each report as a line of JSON"),
        ],
        examples: ["scan media", "scan media --prefix photos/2024 --dry-run"],
        subcommands: [scanStatus],
        run: { invocation in
            var path = "/backends/\(invocation.arguments[0])"
            if let prefix = invocation.options["prefix"] { path += "/" + prefix }
            let request = ScanRequest(
                path: path,
                isDryRun: invocation.has("dry-run") ? true : nil
            )
            var last: ScanReport?
            var display = ProgressDisplay(isJSON: invocation.has("json"))
            try Daemon(invocation).follow("POST", .scan, body: request.json()) { line in
                guard let report = try? ScanReport(json: line) else { return }
                display.show(words(report), line)
                last = report
            }
            display.end()
            switch last?.state {
            case .done: return
            case .failed: throw Failure(.failed, "\(path): \(last?.error ?? "it failed")")
            case .running, .ended, nil:
                throw Failure(.failed, "GoSync ended meanwhile; the scan goes on at its next start")
            }
        }
    )

    private static let scanStatus = Command(
        name: "status",
        summary: "Shows the scans under way, and the last ones that ended",
        options: [.json],
        examples: ["scan status"],
        run: { invocation in
            let scans: Scans = try Daemon(invocation).get(.scan)
            guard !invocation.has("json") else { return Output.json(scans) }
            let rows = scans.scans.map { scan in
                [Format.name(scan.path), Format.time(scan.began), scan.state.rawValue, words(scan)]
            }
            Output.table(["PATH", "BEGAN", "STATE", "FOUND"], rows)
        }
    )

    private static func words(_ report: ScanReport) -> String {
        var words = [
            Format.count(report.objects, "object"), "\(Int(report.objectsPerSecond))/s",
            "\(report.new) new", "\(report.changed) changed", "\(report.vanished) vanished",
        ]
        if report.isDryRun { words.append("dry run") }
        if report.isResumed { words.append("resumed") }
        if let error = report.error { words.append(Format.name(error)) }
        return words.joined(separator: ", ")
    }
}
