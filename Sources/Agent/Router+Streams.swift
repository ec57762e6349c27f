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
}
