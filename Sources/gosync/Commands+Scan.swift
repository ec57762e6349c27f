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
            .jsonReports,
        ],
        examples: ["scan media", "scan media --prefix photos/2024 --dry-run"],
        subcommands: [scanStatus],
        run: { invocation in
            var path = "/backends/\(invocation.arguments[0])"
            if let prefix = invocation.options["prefix"] { path += "/" + prefix }
            let request = ScanRequest(
                path: path,
                dryRun: invocation.has("dry-run") ? true : nil
            )
            var last: ScanReport?
            var display = ProgressDisplay(isJSON: invocation.isJSON)
            defer { display.end() }
            try Daemon(invocation).follow("POST", .scan, body: request.json()) { line in
                guard let report = try? ScanReport(json: line) else { return }
                display.show(words(report), report: line)
                last = report
            }
            switch last?.state {
            case .done: return
            case .failed: throw Failure.told("\(path): \(last?.error ?? "it failed")")
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
            guard !invocation.isJSON else { return Output.json(scans) }
            let rows = scans.scans.map { scan in
                let state = scan.state.rawValue
                let shown = scan.state == .failed ? Colour.red.text(state) : state
                return [Format.name(scan.path), Format.time(scan.began), shown, words(scan)]
            }
            Output.table(["PATH", "BEGAN", "STATE", "FOUND"], rows)
        }
    )

    private static func words(_ report: ScanReport) -> String {
        var words = [
            Format.count(report.objects, "object"), "\(Int(report.objectsPerSecond))/s",
            "\(report.new) new", "\(report.changed) changed", "\(report.vanished) vanished",
        ]
        if report.dryRun { words.append("dry run") }
        if report.resumed { words.append("resumed") }
        if let error = report.error { words.append(Format.name(error)) }
        return words.joined(separator: ", ")
    }
}
