import Base
import WebServer
import Wire

// The change log as it grows: server-sent events, or the messages of a WebSocket.

extension Router {
    /// How events are written, and what says that nothing has happened.
    private enum Form {
        case serverSent
        /// One JSON object per line, of which the server makes a message; an empty line is a ping.
        case lines

        func written(_ event: StoredEvent) -> [UInt8] {
            switch self {
            case .serverSent:
                Array("id: \(event.seq)\nevent: \(event.kind)\ndata: \(event.json)\n\n".utf8)
            case .lines: Array((event.json + "\n").utf8)
            }
        }

        func beginning(after seq: Int64) -> [UInt8] {
            switch self {
            case .serverSent: Array(": from \(seq) on\n\n".utf8)
            case .lines: Array("\n".utf8)
            }
        }

        var stillness: [UInt8] {
            switch self {
            case .serverSent: Array(": still here\n\n".utf8)
            case .lines: Array("\n".utf8)
            }
        }
    }

    private static let lookSeconds = 0.1
    /// Says that the connection lives, where nothing happens; and finds out whether it does.
    private static let stillSeconds = 10.0

    /// Why a connection may not become a WebSocket, if it may not.
    func refusal(ofUpgrade request: Request) -> Response? {
        guard request.path == Endpoint.events.rawValue else { return .noWebSocket }
        do throws(Problem) {
            _ = try eventItems(request)
            return nil
        } catch {
            return Response(error)
        }
    }

    func events(_ request: Request) throws(Problem) -> Response {
        let (seq, follows) = try eventItems(request)
        let source = try control.events(after: seq)
        let form = request.isWebSocket ? Form.lines : .serverSent
        return Response(contentType: "text/event-stream") { stream in
            Self.send(source, as: form, follows: follows, to: stream)
        }
    }

    /// `follow=no` ends with the newest one.
    private func eventItems(
        _ request: Request
    ) throws(Problem) -> (since: Int64?, follows: Bool) {
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
        return (seq, follow == "yes")
    }

    private static func send(
        _ source: EventSource,
        as form: Form,
        follows: Bool,
        to stream: ResponseStream
    ) {
        // A client learns at once that it is being told.
        guard stream.write(form.beginning(after: source.start)) else { return }
        if let lost = source.lost {
            let json = String(decoding: lost.json(), as: UTF8.self)
            let event = StoredEvent(seq: lost.seq, kind: lost.kind, json: json)
            guard stream.write(form.written(event)) else { return }
        }
        var position = source.start
        var sent = monotonicSeconds()
        while true {
            // Before the look: what comes after it moves the mark again.
            let mark = source.mark()
            guard let page = try? source.page(position) else { return }
            for event in page {
                guard stream.write(form.written(event)) else { return }
                position = event.seq
                sent = monotonicSeconds()
            }
            if !page.isEmpty { continue }
            guard follows else { return }
            while source.mark() == mark {
                guard stream.pause(seconds: lookSeconds) else { return }
                guard monotonicSeconds() - sent >= stillSeconds else { continue }
                sent = monotonicSeconds()
                guard stream.write(form.stillness) else { return }
            }
        }
    }
}
