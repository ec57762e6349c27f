import Base
import Settings
import Wire

extension Commands {
    static let flush = Command(
        name: "flush",
        summary: "Waits until the stores have all that was written, renamed and removed",
        details: """
            Waits for what is pending now, and tries at once what was waiting for another try. What
            fails again is named with the reason, and the exit code is 1; it is not lost, and is tried
            again later.
            """,
        arguments: [
            Command.Argument(
                name: "PATH",
                count: .optional,
                help: "wait only for this file, or for what is at or below this directory"
            )
        ],
        options: [
            Command.Option(
                name: "timeout",
                value: "TIME",
                help: "wait no longer, such as 30s or 5m"
            ),
            .jsonReports,
        ],
        examples: ["flush", "flush selfhosted/photos --timeout 10m"],
        run: { invocation in
            var limit: Double?
            if let text = invocation.options["timeout"] {
                guard let seconds = Durations.seconds(text) else {
                    throw invocation.misused("--timeout is a time such as 30s or 5m, not '\(text)'")
                }
                limit = seconds
            }
            let daemon = try Daemon(invocation)
            let path = try invocation.arguments.first.map { try daemon.file($0) }
            var last: FlushReport?
            var display = ProgressDisplay(isJSON: invocation.isJSON)
            defer { display.end() }
            let body = Flush(path: path, timeoutSeconds: limit).json()
            try daemon.follow("POST", .flush, body: body) { line in
                guard let report = try? FlushReport(json: line) else { return }
                let words = FlushDisplay.words(report)
                display.show(words, done: FlushDisplay.share(report), report: line)
                last = report
            }
            try conclude(last)
        }
    )

    private static func conclude(_ last: FlushReport?) throws(Failure) {
        switch last?.state {
        case .done: return
        case .failed:
            throw Failure.told(undelivered(last, "could not be delivered, and is tried again"))
        case .timedOut: throw Failure.told(undelivered(last, "was not delivered in this time"))
        case .running, .ended, nil:
            throw Failure(.failed, "GoSync ended meanwhile; what is left goes on at its next start")
        }
    }

    private static func undelivered(_ report: FlushReport?, _ what: String) -> String {
        guard let report else { return what }
        let named = report.undelivered ?? []
        var lines = ["\(Format.count(report.objectsLeft, "change")) \(what):"]
        lines += named.map { one in
            "  \(Format.name(one.path))" + (one.error.map { ": \($0)" } ?? "")
        }
        if report.objectsLeft > named.count {
            lines.append("  and \(report.objectsLeft - named.count) more")
        }
        return lines.joined(separator: "\n")
    }
}

/// How far a flush is, in words and as a part of the whole.
enum FlushDisplay {
    static func share(_ report: FlushReport) -> Double {
        if report.state == .done { return 1 }
        let all = report.bytesDone + report.bytesLeft
        if all > 0 { return Double(report.bytesDone) / Double(all) }
        let objects = report.objectsDone + report.objectsLeft
        return objects > 0 ? Double(report.objectsDone) / Double(objects) : 0
    }

    static func words(_ report: FlushReport) -> String {
        if report.objectsLeft == 0, report.state == .done { return "everything is in its store" }
        var words = [
            "\(Format.count(report.objectsLeft, "change")) left",
            "\(Format.size(report.bytesLeft)) to upload",
        ]
        if let seconds = report.secondsLeft, report.state == .running {
            if report.bytesPerSecond > 0 {
                words.append("\(Format.size(Int64(report.bytesPerSecond)))/s")
            }
            words.append("about \(Format.duration(seconds)) to go")
        }
        return words.joined(separator: ", ")
    }
}
