import Base
import HTTP

/// One request under way, for the log, the metrics and the trace.
struct RequestRecord: ~Copyable {
    private let request: S3Request
    private let client: S3Client
    private let start = monotonicSeconds()
    private let traced: TracedRequest?

    init(_ request: S3Request, of client: S3Client) {
        self.request = request
        self.client = client
        traced = TracedRequest("S3 \(request.method)")
    }

    /// An answer has come, of whatever kind.
    consuming func end(_ response: HTTPResponse) {
        let id = response.head.requestID
        log("\(response.status)", id)
        // Nobody takes this for something that passes.
        if [401, 403].contains(response.status) {
            Log.info("\(what): the store answers \(response.status)", request: id)
        }
        client.requests.receivedBytes.add(response.body.count)
        count(response.status)
        var attributes = attributes
        attributes.append(("http.response.status_code", .number(Int64(response.status))))
        if let id { attributes.append(("aws.request_id", .text(id))) }
        // Of these, a caller learns something that it may well have expected.
        let isFine = response.status < 400 || [404, 412, 416].contains(response.status)
        finish(attributes, isFine ? nil : "status \(response.status)")
    }

    consuming func fail(_ error: HTTPError) {
        log("\(error)", nil)
        count(0)
        finish(attributes, "\(error)")
    }

    private var what: String {
        let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        return "\(client.configuration.bucket): \(request.method) \(request.key ?? "")?\(query)"
    }

    private func log(_ outcome: String, _ id: String?) {
        let milliseconds = Int((monotonicSeconds() - start) * 1000)
        Log.debug("\(what) \(outcome) in \(milliseconds) ms", request: id)
    }

    private func count(_ status: Int) {
        let kind = RequestMeter.Kind(method: request.method, status: status)
        client.requests.add(kind, seconds: monotonicSeconds() - start)
        if status > 0 { client.requests.sentBytes.add(Int(request.payload.body.size ?? 0)) }
    }

    private var attributes: [(name: String, value: Span.Attribute)] {
        [
            ("server.address", .text(client.address.authority)),
            ("aws.s3.bucket", .text(client.configuration.bucket)),
            ("aws.s3.key", .text(request.key ?? "")),
            ("http.request.method", .text(request.method)),
        ]
    }

    private consuming func finish(
        _ attributes: [(name: String, value: Span.Attribute)],
        _ failure: String?
    ) {
        traced?.end(attributes, failure: failure)
    }
}

extension HTTPHead {
    /// By which the store's own log has the request.
    var requestID: String? {
        guard let id = headers["x-amz-request-id"], !id.isEmpty else { return nil }
        return String(id.prefix(128))
    }
}
