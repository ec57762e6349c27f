public import Base

/// One request: plain values, so that it can be signed, logged and sent again.
public struct HTTPRequest {
    public var method: String
    /// Absolute, `http:` or `https:`, percent-encoded; it is sent exactly as it is written here.
    public var url: String
    public var headers: HTTPHeaders
    public var body: HTTPBody
    public var limits: HTTPLimits

    public init(
        _ method: String,
        _ url: String,
        headers: HTTPHeaders = HTTPHeaders(),
        body: HTTPBody = .none,
        limits: HTTPLimits = HTTPLimits()
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.limits = limits
    }
}

/// What is sent with a request.
public enum HTTPBody {
    case none
    case bytes([UInt8])
    /// `read` fills the free capacity of the span with the bytes from the offset, or throws. It is
    /// called on the thread that sends, and again from an earlier offset if curl must start over.
    case stream(
        size: Int64,
        read: (_ output: inout OutputRawSpan, _ offset: Int64) throws(Errno) -> Void
    )

    /// In bytes; `nil` for none.
    public var size: Int64? {
        switch self {
        case .none: nil
        case .bytes(let bytes): Int64(bytes.count)
        case .stream(let size, _): size
        }
    }
}

/// How long a request may take, and how much it may bring.
public struct HTTPLimits: Equatable, Sendable {
    /// Seconds until there is a connection, TLS included.
    public var connectSeconds: Double
    /// Seconds without a byte in either direction; the time spent in sink and body does not count.
    public var stallSeconds: Double
    /// Seconds for everything; `nil` for transfers of any length.
    public var totalSeconds: Double?
    /// The most bytes of a body that is collected instead of streamed.
    public var collectedBytes: Int

    public init(
        connectSeconds: Double = 10,
        stallSeconds: Double = 30,
        totalSeconds: Double? = nil,
        collectedBytes: Int = 16 << 20
    ) {
        self.connectSeconds = connectSeconds
        self.stallSeconds = stallSeconds
        self.totalSeconds = totalSeconds
        self.collectedBytes = collectedBytes
    }
}

/// Header fields in the order they are sent or came; names are compared without regard to case.
public struct HTTPHeaders: Equatable, Sendable, ExpressibleByDictionaryLiteral {
    public struct Field: Equatable, Sendable {
        public var name: String
        public var value: String
    }

    public private(set) var fields: [Field] = []

    public init() {}

    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { append(name, value) }
    }

    /// The first value of a name; setting replaces every value of the name.
    public subscript(name: String) -> String? {
        get { fields.first { Self.same($0.name, name) }?.value }
        set {
            fields.removeAll { Self.same($0.name, name) }
            if let newValue { append(name, newValue) }
        }
    }

    public mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    public mutating func append(_ others: HTTPHeaders) { fields += others.fields }

    private static func same(_ one: String, _ other: String) -> Bool {
        one.utf8.count == other.utf8.count
            && zip(one.utf8, other.utf8).allSatisfy { lowercase($0) == lowercase($1) }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}

/// Status line and headers, known before the first byte of a body.
public struct HTTPHead: Equatable, Sendable {
    public var status: Int
    public var headers: HTTPHeaders

    public init(status: Int, headers: HTTPHeaders) {
        self.status = status
        self.headers = headers
    }
}

/// An answer; `body` is empty if it was streamed or refused.
public struct HTTPResponse: Equatable, Sendable {
    public var head: HTTPHead
    public var body: [UInt8]
    /// A kept connection turned out to be dead, and the request was sent again on a new one: the
    /// server may have seen it twice.
    public var wasSentAgain = false

    public var status: Int { head.status }
    public var headers: HTTPHeaders { head.headers }
    /// The body as text, with whatever is not UTF-8 repaired.
    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// What to do with a body, decided once its head is known.
public enum HTTPBodyUse: Sendable {
    /// Keep it in `HTTPResponse.body`, up to `HTTPLimits.collectedBytes`.
    case collect
    /// Hand it to the sink.
    case stream
    /// Do not read it: the connection is dropped, and the head alone is the answer.
    case refuse
}
