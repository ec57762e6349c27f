import Base
import WebServer
import Wire

extension Router {
    func details(_ request: Request) throws(Problem) -> FileDetails {
        try control.details(of: try filePath(try allow(["path"], of: request)))
    }

    func changeFile(_ request: Request) throws(Problem) -> FileDetails {
        let path = try filePath(try allow(["path"], of: request))
        let change: FileChange = try body(request)
        guard change != FileChange() else {
            throw Problem(.malformed, "Nothing of \(path) is to be changed.")
        }
        if let new = change.path { try check(path: new) }
        return try control.changeFile(at: path, change)
    }

    func removeFile(_ request: Request) throws(Problem) -> FileDetails {
        try control.removeFile(at: try filePath(try allow(["path"], of: request)))
    }

    func makeDirectory(_ request: Request) throws(Problem) -> FileDetails {
        try allow([], of: request)
        let new: NewDirectory = try body(request)
        try check(path: new.path)
        return try control.makeDirectory(new)
    }

    /// The bytes of a file, or those of a range.
    func content(_ request: Request) throws(Problem) -> Response {
        let path = try filePath(try allow(["path"], of: request))
        let file = try control.open(path)
        let range: Range<Int64>?
        do throws(ByteRange.Unsatisfiable) {
            range = try ByteRange.read(request.range, size: file.size)
        } catch {
            let detail =
                "\(path): it has \(file.size) bytes, and none of the range that is asked for"
            var response = Response(Problem(.outOfRange, detail))
            response.headers["content-range"] = "bytes */\(file.size)"
            return response
        }
        let span = range ?? 0..<file.size
        let reader = ContentReader(file, span)
        var response = Response(
            status: range == nil ? 200 : 206,
            contentType: "application/octet-stream",
            body: []
        )
        response.content = Content(byteCount: Int64(span.count)) { reader.next($0) }
        response.headers["accept-ranges"] = "bytes"
        if range != nil {
            let last = span.upperBound - 1
            response.headers["content-range"] = "bytes \(span.lowerBound)-\(last)/\(file.size)"
        }
        return response
    }

    /// Takes the body of `PUT /v1/content`, however long it is.
    func upload(for request: Request) -> (any Upload)? {
        guard request.method == .put, request.path == Endpoint.content.rawValue else { return nil }
        return ContentUpload { () throws(Problem) in
            let names = ["path", "mode", "modified", "from", "attributes"]
            let items = try allow(names, of: request)
            return try control.create(try filePath(items), try newContent(items))
        }
    }

    private func newContent(_ items: QueryItems) throws(Problem) -> NewContent {
        var new = NewContent()
        if let text = items["mode"] {
            guard let mode = UInt32(text, radix: 8), mode <= 0o777 else {
                throw Problem(.malformed, "'mode' is octal, from 000 to 777, not '\(text)'.")
            }
            new.mode = mode
        }
        if let text = items["modified"] {
            guard let moment = Moment(text) else {
                let example = "such as 2024-05-01T10:00:00Z"
                throw Problem(.malformed, "'modified' is a time \(example), not '\(text)'.")
            }
            new.modified = moment.timestamp
        }
        if let source = items["from"] {
            try check(path: source)
            new.source = source
        }
        if let text = items["attributes"] {
            guard ["yes", "no"].contains(text) else {
                throw Problem(.malformed, "'attributes' is yes or no, not '\(text)'.")
            }
            new.keepsAttributes = text == "yes"
        }
        return new
    }
}

/// Reads on through a range of a file, for one client.
private final class ContentReader: Sendable {
    private let file: any OpenContent
    private let rest: Monitor<Range<Int64>>

    init(_ file: any OpenContent, _ range: Range<Int64>) {
        self.file = file
        rest = Monitor(range)
    }

    func next(_ limit: Int) -> [UInt8]? {
        let span = rest.withLock { $0 }
        do throws(Problem) {
            let bytes = try file.read(at: span.lowerBound, count: min(limit, span.count))
            rest.update { $0 = $0.lowerBound + Int64(bytes.count)..<$0.upperBound }
            return bytes
        } catch {
            // The status is sent, so an answer that ends too early is all that can be said.
            Log.warning("control socket: \(error.detail)")
            return nil
        }
    }
}

/// A new version of a file that comes with a request; it begins with the first bytes, as that may block.
private final class ContentUpload: Upload {
    private let begin: @Sendable () throws(Problem) -> any ContentDraft
    private let draft = Monitor<(any ContentDraft)?>(nil)

    init(_ begin: @escaping @Sendable () throws(Problem) -> any ContentDraft) {
        self.begin = begin
    }

    func take(_ bytes: [UInt8]) -> Response? {
        do throws(Problem) {
            try begun().write(bytes)
            return nil
        } catch {
            return Response(error)
        }
    }

    func finish() -> Response {
        do throws(Problem) {
            let details = try begun().publish()
            return Response(status: 200, contentType: "application/json", body: details.json())
        } catch {
            return Response(error)
        }
    }

    private func begun() throws(Problem) -> any ContentDraft {
        if let known = draft.withLock({ $0 }) { return known }
        let new = try begin()
        draft.update { $0 = new }
        return new
    }
}

/// The header Range, as far as one range goes.
enum ByteRange {
    struct Unsatisfiable: Error {}

    /// `nil` for the whole; a header that makes no sense, or asks for several ranges, means the whole too.
    static func read(_ header: String?, size: Int64) throws(Unsatisfiable) -> Range<Int64>? {
        guard let header, header.hasPrefix("bytes=") else { return nil }
        let parts = header.dropFirst("bytes=".count)
            .split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let isWhole = parts.allSatisfy { part in part.utf8.allSatisfy { 48...57 ~= $0 } }
        guard isWhole, parts.contains(where: { !$0.isEmpty }) else { return nil }
        if parts[0].isEmpty {
            guard let count = Int64(parts[1]) else { return nil }
            guard count > 0, size > 0 else { throw Unsatisfiable() }
            return max(0, size - count)..<size
        }
        guard let first = Int64(parts[0]) else { return nil }
        let last = parts[1].isEmpty ? Int64.max : Int64(parts[1])
        guard let last, first <= last else { return nil }
        guard first < size else { throw Unsatisfiable() }
        return first..<min(size - 1, last) + 1
    }
}
