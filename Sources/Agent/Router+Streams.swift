import Base
import WebServer
import Wire

// Answers that take as long as what they tell of: JSON lines, of which each is a whole message.

extension Router {
    static let linesType = "application/jsonl"

    func flush(_ request: Request) throws(Problem) -> Response {
        try allow([], of: request)
        let flush: Flush = request.body.isEmpty ? Flush() : try body(request)
        if let path = flush.path { try check(path: path) }
        if let seconds = flush.timeoutSeconds, !(seconds >= 0) {
            throw Problem(.malformed, "'timeoutSeconds' is a number of seconds, not \(seconds).")
        }
        let flushing = try control.flush(flush)
        return Response(contentType: Self.linesType) { stream in
            flushing { report in stream.write(report.json() + [UInt8(ascii: "\n")]) }
        }
    }

    /// Server-sent events; `follow=no` ends with the newest one.
    func events(_ request: Request) throws(Problem) -> Response {
        let items = try allow(["since", "follow"], of: request)
        let since = request.lastEventID ?? items["since"]
        let seq = since.flatMap { Int64($0) }
        guard since == nil || (seq ?? -1) >= 0 else {
            throw Problem(.malformed, "'since' is the number of an event, not '\(since ?? "")'.")
        }
        let follow = items["follow"] ?? "yes"
        guard follow == "yes" || follow == "no" else {
            throw Problem(.malformed, "'follow' is yes or no, not '\(follow)'.")
        }
        let source = try control.events(after: seq)
        return Response(contentType: "text/event-stream") { stream in
            Self.send(source, follows: follow == "yes", to: stream)
        }
    }

    private static let lookSeconds = 0.1
    /// Says that the connection lives, where nothing happens; and finds out whether it does.
    private static let stillSeconds = 10.0

    private static func send(_ source: EventSource, follows: Bool, to stream: ResponseStream) {
        // A client learns at once that it is being told.
        guard stream.write(Array(": from \(source.start) on\n\n".utf8)) else { return }
        if let lost = source.lost {
            let json = String(decoding: lost.json(), as: UTF8.self)
            let event = StoredEvent(seq: lost.seq, kind: lost.kind, json: json)
            guard stream.write(event.lines) else { return }
        }
        var position = source.start
        var sent = monotonicSeconds()
        while true {
            // Before the look: what comes after it moves the mark again.
            let mark = source.mark()
            guard let page = try? source.page(position) else { return }
            for event in page {
                guard stream.write(event.lines) else { return }
                position = event.seq
                sent = monotonicSeconds()
            }
            if !page.isEmpty { continue }
            guard follows else { return }
            while source.mark() == mark {
                guard stream.pause(seconds: lookSeconds) else { return }
                guard monotonicSeconds() - sent >= stillSeconds else { continue }
                sent = monotonicSeconds()
                guard stream.write(Array(": still here\n\n".utf8)) else { return }
            }
        }
    }
}

extension StoredEvent {
    /// As server-sent events are written.
    fileprivate var lines: [UInt8] {
        Array("id: \(seq)\nevent: \(kind)\ndata: \(json)\n\n".utf8)
    }
}
