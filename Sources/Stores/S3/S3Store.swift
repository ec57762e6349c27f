public import Base
import HTTP
import Synchronization
import XML

/// A bucket, or what lies under a prefix of one, on any server that speaks S3.
///
/// Requests run on the callers' threads; only the parts of large uploads and copies run on up to
/// `S3Limits.parallelParts` threads of the store's own. Nothing is sent before the first call.
public final class S3Store: Store {
    let client: S3Client
    let prefix: String
    let workers: Workers
    private let probed = Mutex<ProbedCapabilities?>(nil)
    private let probing = Monitor(false)
    /// On once an object in parts had the ETag that S3 gives it; not every server does so.
    let assemblesETags = Atomic(false)
    /// On once the answer to a copy told the ETag that the copy then had.
    let copiesTellETags = Atomic(false)
    /// Off once the server was seen not to copy a part of an object.
    let copiesParts = Atomic(true)
    /// False once the server has refused a condition on the source of a copy that was met.
    let sourceConditions = Atomic(true)

    /// Off once the server did not say what it has of a part, or did not take one that is not signed.
    let sumsOnTheWay = Atomic(true)

    /// Throws if there are no keys where the configuration says, or the endpoint is no address.
    public init(_ configuration: S3Configuration) throws(StoreError) {
        client = try S3Client(configuration)
        let prefix = configuration.prefix
        self.prefix = prefix.isEmpty || prefix.endsExactly(with: "/") ? prefix : prefix + "/"
        workers = Workers("parts", limit: configuration.limits.parallelParts)
    }

    deinit { close() }

    public var clockSkewSeconds: Double? { client.clockSkew.withLock { $0 } }

    public var requests: RequestMeter? { client.requests }

    public func check() throws(StoreError) {
        try storing { () throws(S3Failure) in
            let query = [("list-type", "2"), ("max-keys", "1"), ("prefix", prefix)]
            var request = S3Request(method: "GET", query: query, answersXML: true)
            request.totalSeconds = client.configuration.limits.stallSeconds
            let answer = try client.sendOnce(request)
            guard answer.document?.name == "ListBucketResult" else {
                throw S3Failure(.malformed("no S3 answer"))
            }
        }
    }

    public func capabilities() throws(StoreError) -> Capabilities {
        try probedCapabilities().capabilities
    }

    public var knownCapabilities: Capabilities? { probed.withLock { $0 }?.capabilities }

    /// Whether the server was seen to name objects by their MD5.
    var probedETags: Bool { probed.withLock { $0?.etagIsMD5 ?? false } }

    /// Whether a part may be sent without its sums, because the answer tells what has come.
    var takesUnsummedParts: Bool {
        guard let known = probed.withLock({ $0 }) else { return false }
        return known.etagIsMD5 && known.unsignedBodies && sumsOnTheWay.load(ordering: .relaxed)
    }

    /// What was probed, or is probed now; threads that come meanwhile wait.
    func probedCapabilities() throws(StoreError) -> ProbedCapabilities {
        if let known = probed.withLock({ $0 }) { return known }
        try takeTurnToProbe()
        defer { probing.update { $0 = false } }
        if let known = probed.withLock({ $0 }) { return known }
        let found = try storing { () throws(S3Failure) in try probe() }
        probed.withLock { $0 = found }
        return found
    }

    private func takeTurnToProbe() throws(StoreError) {
        do throws(Errno) {
            let turn: Bool? = try probing.wait(whileWantedAtMost: Self.turnSeconds) { isProbing in
                guard !isProbing else { return nil }
                isProbing = true
                return true
            }
            guard turn != nil else { throw .timedOut }
        } catch {
            throw error == .timedOut ? .unavailable("its abilities are not known") : .aborted(error)
        }
    }

    /// Longer than probing takes where every request is tried until its time is up.
    private static let turnSeconds = 600.0

    /// A bucket has no size that it would tell.
    public func space() -> Space? { nil }

    public func close() {
        client.close()
        workers.stop()
    }

    public func head(_ key: Key) throws(StoreError) -> ObjectInfo {
        try storing { () throws(S3Failure) in try info(key) }
    }

    /// The key in the bucket; refuses what S3 would refuse less clearly.
    func full(_ key: Key) throws(S3Failure) -> String {
        let text = prefix + key.text
        guard !key.text.isEmpty, text.utf8.count <= Key.longestBytes else {
            throw S3Failure(.invalid("a key of \(text.utf8.count) bytes"))
        }
        return text
    }

    func info(_ key: Key) throws(S3Failure) -> ObjectInfo {
        let answer = try client.send(S3Request(method: "HEAD", key: try full(key)))
        return try ObjectInfo(key, answer.head)
    }
}

extension ObjectInfo {
    /// Reads what the headers of a HEAD or GET say of an object.
    ///
    /// - Parameter size: of the object, where the answer brings only a part of it.
    init(_ key: Key, _ head: HTTPHead, size: Int64? = nil) throws(S3Failure) {
        let length = head.headers["Content-Length"].flatMap { Int64($0) }
        guard let size = size ?? length, size >= 0 else {
            throw S3Failure(.malformed("an object without a size"))
        }
        guard let etag = head.headers["ETag"] else {
            throw S3Failure(.malformed("an object without an ETag"))
        }
        self.init(
            key: key,
            size: size,
            etag: unquoted(etag),
            modified: head.headers["Last-Modified"].flatMap { Timestamp(httpDate: $0) }
                ?? Timestamp(seconds: 0),
            attributes: ObjectAttributes(headers: head.headers)
        )
    }
}

/// Runs requests, and passes on what of a failure concerns the caller.
func storing<R>(_ body: () throws(S3Failure) -> R) throws(StoreError) -> R {
    do throws(S3Failure) { return try body() } catch { throw error.error }
}
