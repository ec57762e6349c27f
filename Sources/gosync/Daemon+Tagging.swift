import Wire

extension Daemon {
    /// Has the tags of many files changed, with a bar on a terminal for as long as it takes.
    func changeTags(
        _ endpoint: Endpoint,
        _ body: some Message,
        isJSON: Bool
    ) throws -> ChangedFiles {
        var last: TagReport?
        var display = ProgressDisplay(isJSON: isJSON, isTerminalOnly: true)
        defer { display.clear() }
        try follow("POST", endpoint, body: body.json()) { line in
            guard let report = try? TagReport(json: line) else { return }
            last = report
            guard report.state == .running else { return }
            display.show(
                "\(report.filesDone) of \(Format.count(report.files, "file"))",
                done: Double(report.filesDone) / Double(max(report.files, 1))
            )
        }
        if let problem = last?.problem { throw Failure(.failed, problem.detail) }
        guard let changed = last?.changed else {
            throw Failure(.failed, "GoSync ended meanwhile; whether it was done, its log tells")
        }
        return changed
    }
}
