import Base
import HTTP
import Synchronization
import XML

/// One request to a bucket, before it is addressed and signed.
struct S3Request {
    var method: String
    /// In the bucket, prefix included; `nil` for the bucket itself.
    var key: String?
    var query: [(name: String, value: String)] = []
    var headers = HTTPHeaders()
    var payload = Payload()
    /// The store may work for minutes before it answers.
    var isPatient = false
    /// The answer is a document, and an error may hide in it under status 200.
    var answersXML = false
    /// Seconds for the whole request, where they differ from what is usual.
    var totalSeconds: Double?
}

struct S3Answer {
    var head: HTTPHead
    var body: [UInt8]
    /// The root of the document, if the request expects one.
    var document: XMLElement?
    /// The store may have done it more than once: an earlier try had no answer.
    var wasRepeated = false
}

/// Signs requests to one bucket, sends them, and tries again what may still succeed.
final class S3Client: Sendable {
    let configuration: S3Configuration
    let region: String
    let address: S3Address
    private let credentials: S3Credentials
    private let signature: Signature
    private let http: HTTPClient
    let requests = RequestMeter()
    private let closed = Monitor(false)
    /// Seconds by which the store's clock is ahead of ours, once it complained.
    private let clockOffset = Atomic<Int>(0)

    /// Seconds by which the store's clock was ahead when it last answered with a document.
    let clockSkew = Monitor<Double?>(nil)

    /// An error document larger than this is no error document.
    private static let documentBytes = 16 << 20

    init(_ configuration: S3Configuration) throws(StoreError) {
        let found = try configuration.credentials.resolve()
        credentials = found.credentials
        region = configuration.region ?? found.region ?? "us-east-1"
        signature = Signature(credentials: credentials, region: region)
        address = try S3Address(configuration, region: region)
        self.configuration = configuration
        http = HTTPClient(connections: configuration.limits.connections)
    }

    var isClosed: Bool { closed.withLock { $0 } }

    func close() {
        closed.update { $0 = true }
        http.close()
    }

    /// Sends a request until it succeeds, fails for good, or tries and time are used up.
    func send(_ request: S3Request) throws(S3Failure) -> S3Answer {
        var backoff = Backoff(configuration.limits)
        var isAmbiguous = false
        while true {
            do throws(S3Failure) {
                var answer = try sendOnce(request)
                answer.wasRepeated = answer.wasRepeated || isAmbiguous
                return answer
            } catch {
                isAmbiguous = isAmbiguous || error.isAmbiguous
                guard recover(from: error, &backoff) else {
                    var error = error
                    error.isAmbiguous = isAmbiguous
                    throw error
                }
            }
        }
    }

    /// Waits as long as wise, and says whether to try again.
    func recover(from failure: S3Failure, _ backoff: inout Backoff) -> Bool {
        if let text = failure.storeTime, let time = Timestamp(httpDate: text) {
            return adjustClock(to: time) && backoff.next() != nil
        }
        guard failure.isTransient, !isClosed,
            let pause = backoff.next(isUnanswered: failure.status == 0)
        else { return false }
        Log.debug("\(address.authority): \(failure.error), again in \(Int(pause * 1000)) ms")
        do throws(Errno) {
            return try closed.wait(whileWantedAtMost: pause) { $0 ? true : nil } == nil
        } catch {
            // The next try ends before it begins, and says why.
            return true
        }
    }

    /// Takes over the store's clock; `false` if that was done before and did not help.
    private func adjustClock(to time: Timestamp) -> Bool {
        let offset = Int(time.seconds - Timestamp.now().seconds)
        let before = clockOffset.exchange(offset, ordering: .relaxed)
        return abs(offset - before) > 60
    }

    func sendOnce(_ request: S3Request) throws(S3Failure) -> S3Answer {
        try sendOnce(request) { _ in
            .collect
        } sink: { _ throws(Errno) in
        }
    }

    /// Sends a request once; `use` is asked only about answers of status 200 to 299.
    func sendOnce(
        _ request: S3Request,
        use: (HTTPHead) -> HTTPBodyUse,
        sink: (RawSpan) throws(Errno) -> Void
    ) throws(S3Failure) -> S3Answer {
        let record = RequestRecord(request, of: self)
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try http.send(signed(request)) { head in
                200..<300 ~= head.status ? use(head) : .collect
            } sink: { bytes throws(Errno) in
                requests.receivedBytes.add(bytes.byteCount)
                try sink(bytes)
            }
        } catch {
            record.fail(error)
            throw S3Failure(error, host: address.authority)
        }
        record.end(response)
        if request.answersXML, let date = response.headers["Date"],
            let time = Timestamp(httpDate: date)
        {
            clockSkew.update { $0 = time.secondsSince(.now()) }
        }
        guard 200..<300 ~= response.status else {
            var failure = S3Failure(response, bucket: configuration.bucket)
            failure.isAmbiguous = failure.isAmbiguous || response.wasSentAgain
            throw failure
        }
        let document = request.answersXML ? try document(of: response) : nil
        return S3Answer(
            head: response.head,
            body: response.body,
            document: document,
            wasRepeated: response.wasSentAgain
        )
    }

    private func document(of response: HTTPResponse) throws(S3Failure) -> XMLElement {
        let root: XMLElement
        do throws(XMLError) {
            root = try XMLElement(parsing: response.body)
        } catch {
            throw S3Failure(.malformed("no S3 answer from \(address.authority)"))
        }
        guard root.name != "Error" else {
            throw S3Failure(root, response.head, bucket: configuration.bucket)
        }
        return root
    }

    private func signed(_ request: S3Request) -> HTTPRequest {
        let path = address.path(request.key)
        let query = encodedQuery(request.query)
        let now = Timestamp.now()
        let time = Timestamp(
            nanoseconds: now.nanoseconds
                + Int64(clockOffset.load(ordering: .relaxed)) * 1_000_000_000
        )
        var headers = request.headers
        headers["host"] = address.authority
        headers["x-amz-date"] = time.basicISO8601
        headers["x-amz-content-sha256"] = request.payload.sha256
        headers["x-amz-security-token"] = credentials.sessionToken
        headers["Authorization"] = signature.authorization(
            Signature.Subject(
                method: request.method,
                path: path,
                query: request.query,
                headers: headers,
                payload: request.payload.sha256
            ),
            at: time
        )
        return HTTPRequest(
            request.method,
            "\(address.scheme)://\(address.authority)\(path)" + (query.isEmpty ? "" : "?\(query)"),
            headers: headers,
            body: request.payload.body,
            limits: limits(request)
        )
    }

    private func limits(_ request: S3Request) -> HTTPLimits {
        let limits = configuration.limits
        let isSmall = request.answersXML || ["HEAD", "DELETE"].contains(request.method)
        return HTTPLimits(
            connectSeconds: limits.connectSeconds,
            stallSeconds: stallSeconds(request),
            totalSeconds: request.totalSeconds
                ?? (isSmall && !request.isPatient ? limits.retrySeconds : nil),
            collectedBytes: Self.documentBytes
        )
    }

    private func stallSeconds(_ request: S3Request) -> Double {
        let limits = configuration.limits
        if request.isPatient { return limits.patientStallSeconds }
        guard ["GET", "HEAD"].contains(request.method) else { return limits.changeStallSeconds }
        return request.answersXML ? 2 * limits.stallSeconds : limits.stallSeconds
    }
}
