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

    public init(
        method: Method = .get,
        path: String = "/",
        query: [String: String] = [:],
        body: [UInt8] = [],
        range: String? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.range = range
    }
}

/// What it is told.
public struct Response: Equatable, Sendable {
    public var status: Int
    public var contentType: String
    public var body: [UInt8]
    /// In place of `body`.
    public var content: Content?
    /// Further ones, in small letters.
    public var headers: [String: String] = [:]

    public init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// A failure that the server itself sees, as problem details (RFC 9457).
    ///
    /// `detail` is our own text, without a quote or backslash.
    static func problem(_ status: Int, _ title: String, _ detail: String) -> Response {
        let json = #"{"detail":"\#(detail)","status":\#(status),"title":"\#(title)"}"#
        let type = "application/problem+json"
        return Response(status: status, contentType: type, body: Array(json.utf8))
    }
}
