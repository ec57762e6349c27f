/// What a client asks for.
public struct Request: Equatable, Sendable {
    public enum Method: Sendable { case get, post, patch, put, delete, other }

    public var method: Method
    /// Decoded, and starts with `/`.
    public var path: String
    /// The items after `?`, decoded.
    public var query: [String: String]
    public var body: [UInt8]
    /// The header of that name, such as `bytes=0-99`.
    public var range: String?
    /// The header `Last-Event-ID`: the last that a client of server-sent events has seen.
    public var lastEventID: String?
    /// The client wants a WebSocket: each line of the answer becomes a message, an empty one a ping.
    public var isWebSocket = false
    /// What the client shows to be let in, after `Authorization: Bearer`.
    var token: String?

    public init(
        method: Method = .get,
        path: String = "/",
        query: [String: String] = [:],
        body: [UInt8] = [],
        range: String? = nil,
        lastEventID: String? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.range = range
        self.lastEventID = lastEventID
    }
}

/// What it is told.
public struct Response: Sendable {
    public var status: Int
    public var contentType: String
    public var body: [UInt8]
    /// In place of `body`.
    public var content: Content?
    /// Further ones, in small letters.
    public var headers: [String: String] = [:]
    /// Writes the body piece by piece, in the place of `body`.
    public var write: (@Sendable (ResponseStream) -> Void)?
    /// What `write` writes to, once that has begun.
    var stream: ResponseStream?

    public init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// An answer of any length and duration; `write` runs on a thread of its own, and may block.
    public init(contentType: String, write: @escaping @Sendable (ResponseStream) -> Void) {
        self.init(status: 200, contentType: contentType, body: [])
        self.write = write
    }

    /// Nothing is told there by WebSocket.
    public static let noWebSocket = problem(
        400,
        "The request makes no sense",
        "There is no WebSocket here: ask by HTTP alone."
    )

    /// A failure that the server itself sees, as problem details (RFC 9457).
    ///
    /// `detail` is our own text, without a quote or backslash.
    static func problem(_ status: Int, _ title: String, _ detail: String) -> Response {
        let json = #"{"detail":"\#(detail)","status":\#(status),"title":"\#(title)"}"#
        let type = "application/problem+json"
        return Response(status: status, contentType: type, body: Array(json.utf8))
    }
}
