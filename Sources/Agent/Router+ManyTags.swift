import Volumes
import WebServer
import Wire

// Changes of the tags of many files: one answer, or lines that tell how far it is.

extension Router {
    func changeManyTags(_ request: Request) throws(Problem) -> Response {
        try allow([], of: request)
        let change: BulkTagChange = try body(request)
        guard (change.query == nil) != (change.paths == nil) else {
            throw Problem(.malformed, "A change of many tags takes a 'query' or 'paths'.")
        }
        for path in change.paths ?? [] { try check(path: path) }
        for tag in (change.set ?? []) + (change.add ?? []) { try check(tag, needsValue: true) }
        for tag in change.remove ?? [] { try check(tag, needsValue: false) }
        return try answer(inReports: change.reports) { [control] telling throws(Problem) in
            try control.changeTags(change, telling: telling)
        }
    }

    func renameTag(_ request: Request) throws(Problem) -> Response {
        try allow([], of: request)
        let rename: TagRename = try body(request)
        for key in [rename.key, rename.new] {
            try check(Tag(key: key, values: []), needsValue: false)
        }
        return try answer(inReports: rename.reports) { [control] telling throws(Problem) in
            try control.renameTag(rename, telling: telling)
        }
    }

    func tagAutomatically(_ request: Request) throws(Problem) -> Response {
        try allow([], of: request)
        let auto: AutoTag = try body(request)
        try check(path: auto.path)
        return try answer(inReports: auto.reports) { [control] telling throws(Problem) in
            try control.tagAutomatically(auto, telling: telling)
        }
    }

    private func answer(
        inReports: Bool?,
        _ work: @escaping @Sendable (Telling) throws(Problem) -> ChangedFiles
    ) throws(Problem) -> Response {
        guard inReports ?? false else { return response(try work { _, _ in }) }
        return Response(contentType: Self.linesType) { stream in
            var reports = Reports(stream: stream)
            do throws(Problem) {
                let changed = try work { reports.tell($0, of: $1) }
                reports.write(.done, changed: changed)
            } catch {
                reports.write(.failed, problem: error)
            }
        }
    }
}

/// How far a change is, at each whole percent.
///
/// These are a hundred short lines, for which the stream has room even where nobody takes them. So the
/// transaction that is told of never waits for a client.
private struct Reports {
    let stream: ResponseStream
    private var percent = -1
    private var done = 0
    private var all = 0

    init(stream: ResponseStream) { self.stream = stream }

    mutating func tell(_ done: Int, of all: Int) {
        (self.done, self.all) = (done, all)
        let percent = all > 0 ? done * 100 / all : 100
        guard percent > self.percent else { return }
        self.percent = percent
        write(.running)
    }

    func write(_ state: TagReport.State, changed: ChangedFiles? = nil, problem: Problem? = nil) {
        let report = TagReport(
            state: state,
            filesDone: done,
            files: all,
            changed: changed,
            problem: problem
        )
        // Whoever has left need not be told.
        _ = stream.write(report.json() + [UInt8(ascii: "\n")])
    }
}
