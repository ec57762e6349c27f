import Wire

extension Daemon {
    /// Has the tags of many files changed, with a bar on a terminal for as long as it takes.
    func changeTags(
        _ endpoint: Endpoint,
        _ body: some Message,
        hasBar: Bool
    ) throws -> ChangedFiles {
        var last: TagReport?
        try follow("POST", endpoint, body: body.json()) { line in
            guard let report = try? TagReport(json: line) else { return }
            last = report
            guard hasBar, Output.isTerminal, report.state == .running else { return }
            ProgressBar.show(
                Double(report.filesDone) / Double(max(report.files, 1)),
                "\(report.filesDone) of \(Format.count(report.files, "file"))"
            )
        }
        if hasBar, Output.isTerminal { ProgressBar.clear() }
        if let problem = last?.problem { throw Failure(.failed, problem.detail) }
        guard let changed = last?.changed else {
            throw Failure(.failed, "GoSync ended meanwhile; whether it was done, its log tells")
        }
        return changed
    }
}
