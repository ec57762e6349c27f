import HTTP

/// How to reach a bucket.
public struct S3Configuration: Equatable, Sendable {
    /// `http://host:port` or `https://host`, with a path if the server lives under one; empty for
    /// AWS's own endpoint of the region.
    public var endpoint: String
    public var bucket: String
    /// Put in front of every key; made to end in `/` unless it is empty.
    public var prefix: String
    /// `nil`: what the environment or the profile says, else `us-east-1`.
    public var region: String?
    public var credentials: S3CredentialsSource
    /// `host/bucket/key` instead of `bucket.host/key`.
    public var pathStyle: Bool
    public var limits: S3Limits

    public init(
        endpoint: String,
        bucket: String,
        prefix: String = "",
        region: String? = nil,
        credentials: S3CredentialsSource,
        pathStyle: Bool = true,
        limits: S3Limits = S3Limits()
    ) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.prefix = prefix
        self.region = region
        self.credentials = credentials
        self.pathStyle = pathStyle
        self.limits = limits
    }
}

/// The limits a store keeps to; the defaults suit AWS, tests lower them.
public struct S3Limits: Equatable, Sendable {
    /// The most requests at once.
    public var connections = 64
    public var connectSeconds = 3.0
    /// Seconds without a byte after which a read counts as broken, and is tried on a new connection;
    /// a listing, for which a store may search, has twice as long.
    public var stallSeconds = 5.0
    /// The same for requests that change something, which a store may take its time to make durable.
    public var changeStallSeconds = 30.0
    /// The same for requests that let the server work: copies, the end of a multipart upload.
    public var patientStallSeconds = 300.0
    /// How often a request is tried in all.
    public var attempts = 6
    /// Seconds after which a failed request is not tried again.
    public var retrySeconds = 60.0
    /// The same where no answer came: long enough for one more try on a new connection.
    public var unansweredSeconds = 8.0
    /// The longest pause between tries; the first is at most 0.1 s, each next one twice as long.
    public var pauseSeconds = 5.0
    /// Objects up to this size are written by one request.
    public var singlePutBytes: Int64 = 8 << 20
    /// Parts of one multipart upload that are under way at once; 8 in all for one store.
    public var parallelParts = 8
    /// Objects up to this size are copied by one request.
    public var singleCopyBytes: Int64 = 5 << 30
    /// The size of the parts of a copy in many requests.
    public var copyPartBytes: Int64 = 1 << 30

    public init() {}
}

/// The largest part of a body that is held in memory, rather than be read twice.
let heldBodyBytes: Int64 = 8 << 20

/// Where a bucket is: what goes into URLs and signatures.
struct S3Address: Equatable, Sendable {
    let scheme: String
    /// Host, and the port unless it is the scheme's own: exactly what the `Host` header says.
    let authority: String
    /// What comes before the key, encoded, without a `/` at its end.
    let base: String

    init(_ configuration: S3Configuration, region: String) throws(StoreError) {
        let endpoint =
            configuration.endpoint.isEmpty
            ? "https://s3.\(region).amazonaws.com" : configuration.endpoint
        let parts = endpoint.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, ["http:", "https:"].contains(parts[0].lowercased()),
            parts[1].isEmpty, !configuration.bucket.isEmpty
        else { throw .invalid("endpoint \(endpoint) is no http:// or https:// address") }
        scheme = String(parts[0].lowercased().dropLast())
        let rest = parts[2].split(separator: "/", maxSplits: 1)
        guard var host = rest.first.map({ String($0).lowercased() }), !host.contains("@") else {
            throw .invalid("endpoint \(endpoint) names no host")
        }
        let ownPort = scheme == "https" ? ":443" : ":80"
        if host.hasSuffix(ownPort) { host.removeLast(ownPort.count) }
        var base = rest.count > 1 ? "/" + rest[1] : ""
        while base.hasSuffix("/") { base.removeLast() }
        let bucket = percentEncoded(configuration.bucket)
        authority = configuration.pathStyle ? host : "\(bucket).\(host)"
        self.base = configuration.pathStyle ? "\(base)/\(bucket)" : base
    }

    /// Whether nobody on the way can read or change what is sent.
    var isPrivate: Bool { scheme == "https" || isLoopback("\(scheme)://\(authority)") }

    /// The path of a key, or of the bucket itself for `nil`; encoded once, as S3 signs it.
    func path(_ key: String?) -> String {
        guard let key else { return base.isEmpty ? "/" : base }
        return base + "/" + percentEncoded(key, keepingSlashes: true)
    }
}
