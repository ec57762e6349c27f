import Digest
import Foundation
import Stores
import Synchronization
import TestSupport

/// A bucket in memory that does its work, except where a test breaks it.
final class FakeBucket: Sendable {
    typealias Request = ScriptedServer.Request
    typealias Answer = ScriptedServer.Answer
    typealias Fault = ScriptedServer.Fault

    struct Object {
        var text: String
        var headers: [String: String] = [:]
        var etag: String
    }

    private struct State {
        var objects: [String: Object] = [:]
        var parts: [String: [Int: String]] = [:]
        var seen = 0
    }

    /// Which conditions it heeds beyond those of a PUT.
    struct Manners: OptionSet {
        let rawValue: Int
        static let copies = Manners(rawValue: 1)
        static let deletions = Manners(rawValue: 2)
        static let batches = Manners(rawValue: 4)
        /// Compares a condition on the source of a copy with something that it tells nobody.
        static let misreadsSources = Manners(rawValue: 8)
    }

    private let state = Mutex(State())
    private let manners: Manners
    /// Asked about each request, with the number of those before it since `break` was set.
    private let fault = Mutex<@Sendable (Request, Int) -> Fault?>({ _, _ in nil })
    private let server = Mutex<ScriptedServer?>(nil)

    init(_ manners: Manners = []) throws {
        self.manners = manners
        let server = try ScriptedServer { [weak self] request in
            self?.answer(to: request) ?? .answer(503)
        }
        self.server.withLock { $0 = server }
    }

    var requests: [Request] { server.withLock { $0?.requests ?? [] } }

    /// Breaks requests from now on; probes of the store come before, if it has been asked.
    func breaks(_ fault: @escaping @Sendable (Request, Int) -> Fault?) {
        state.withLock { $0.seen = 0 }
        self.fault.withLock { $0 = fault }
    }

    /// Answers requests of such targets as a server does whose ETags are no MD5.
    func tellsNoSums(ofPartsLike target: String) {
        breaks { request, _ in
            guard request.target.contains(target) else { return nil }
            return .altered { answer in
                guard case .answer(let status, var headers, let body) = answer else {
                    return answer
                }
                headers["x-amz-server-side-encryption"] = "aws:kms"
                return .answer(status, headers: headers, body: body)
            }
        }
    }

    subscript(key: String) -> Object? {
        get { state.withLock { $0.objects["/bucket/" + key] } }
        set { state.withLock { $0.objects["/bucket/" + key] = newValue } }
    }

    /// A store that waits for nothing long.
    func store(_ change: (inout S3Limits) -> Void = { _ in }) throws -> S3Store {
        var configuration = S3Configuration(
            endpoint: server.withLock { $0?.url ?? "" },
            bucket: "bucket",
            credentials: .keys(S3Credentials(accessKey: "a", secretKey: "s"))
        )
        configuration.limits.attempts = 4
        configuration.limits.pauseSeconds = 0.01
        configuration.limits.stallSeconds = 1
        configuration.limits.changeStallSeconds = 1
        configuration.limits.patientStallSeconds = 1
        configuration.limits.retrySeconds = 20
        change(&configuration.limits)
        return try S3Store(configuration)
    }

    private func answer(to request: Request) -> Answer {
        let number = state.withLock { state in
            state.seen += 1
            return state.seen - 1
        }
        let fault = fault.withLock { $0 }(request, number)
        return fault?.answer { work(request) } ?? work(request)
    }

    private func work(_ request: Request) -> Answer {
        let parts = request.target.split(separator: "?", maxSplits: 1).map(String.init)
        let query = parts.count > 1 ? parts[1] : ""
        return state.withLock { state in
            switch request.method {
            case "GET" where query.contains("list-type"):
                return Self.listing(state.objects, query)
            case "GET" where query.contains("uploadId=1"):
                return Self.listing(state.parts["1"] ?? [:], query)
            case "GET", "HEAD": return Self.read(state.objects[parts[0]], request)
            case "DELETE":
                if query.isEmpty {
                    let etag = manners.contains(.deletions) ? request.headers["if-match"] : nil
                    return Self.delete(&state.objects, parts[0], etag) ?? .answer(204)
                } else {
                    state.parts["1"] = nil
                }
                return .answer(204)
            case "POST" where query == "delete=" && manners.contains(.batches):
                return Self.deleteBatch(&state.objects, request)
            case "POST" where query == "uploads=":
                state.parts["1"] = [:]
                return Self.document(
                    "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
                )
            case "POST" where query == "uploadId=1":
                guard let uploaded = state.parts["1"] else {
                    return Self.error(404, "NoSuchUpload")
                }
                let texts = uploaded.sorted { $0.key < $1.key }.map(\.value)
                state.parts["1"] = nil
                let sums = texts.flatMap { md5(Array($0.utf8)) }
                let etag = hex(md5(sums)) + "-\(texts.count)"
                state.objects[parts[0]] = Object(text: texts.joined(), etag: etag)
                return Self.document("<CompleteMultipartUploadResult/>")
            case "PUT" where query.contains("uploadId=1"):
                let number = Int(query.split(separator: "&")[0].dropFirst("partNumber=".count)) ?? 0
                if let range = request.headers["x-amz-copy-source-range"] {
                    return Self.copyPart(&state, number, range, request, manners)
                }
                let text = String(decoding: request.body, as: UTF8.self)
                state.parts["1"]?[number] = text
                return .answer(200, headers: ["ETag": "\"\(hex(md5(request.body)))\""])
            case "PUT": return Self.write(&state.objects, parts[0], request, manners)
            default: return Self.error(501, "NotImplemented")
            }
        }
    }

    private static func read(_ object: Object?, _ request: Request) -> Answer {
        guard let object else { return error(404, "NoSuchKey") }
        if let etag = request.headers["if-match"], etag != "\"\(object.etag)\"" {
            return error(412, "PreconditionFailed")
        }
        var headers = object.headers.filter {
            $0.key.hasPrefix("x-amz-meta-") || $0.key == "content-type"
        }
        headers["ETag"] = "\"\(object.etag)\""
        let bytes = Array(object.text.utf8)
        guard request.method == "GET", let range = request.headers["range"] else {
            if request.method == "HEAD" { headers["Content-Length"] = "\(bytes.count)" }
            return .answer(200, headers: headers, body: bytes)
        }
        let bounds = range.dropFirst("bytes=".count).split(separator: "-").compactMap { Int($0) }
        guard bounds[0] < bytes.count else { return error(416, "InvalidRange") }
        let last = min(bounds[1], bytes.count - 1)
        headers["Content-Range"] = "bytes \(bounds[0])-\(last)/\(bytes.count)"
        return .answer(206, headers: headers, body: Array(bytes[bounds[0]...last]))
    }

    private static func write(
        _ objects: inout [String: Object],
        _ path: String,
        _ request: Request,
        _ manners: Manners
    ) -> Answer {
        let now = objects[path]
        let isCopy = request.headers["x-amz-copy-source"] != nil
        if !isCopy || manners.contains(.copies) {
            if request.headers["if-none-match"] != nil, now != nil {
                return error(412, "PreconditionFailed")
            }
            if let etag = request.headers["if-match"], now.map({ "\"\($0.etag)\"" }) != etag {
                return error(412, "PreconditionFailed")
            }
        }
        var text = String(decoding: request.body, as: UTF8.self)
        if let source = request.headers["x-amz-copy-source"] {
            guard let object = objects[source] else { return error(404, "NoSuchKey") }
            if isRefused(request, object, manners) { return error(412, "PreconditionFailed") }
            text = object.text
        }
        let etag = hex(md5(Array(text.utf8)))
        objects[path] = Object(text: text, headers: request.headers, etag: etag)
        return request.headers["x-amz-copy-source"] == nil
            ? .answer(200, headers: ["ETag": "\"\(etag)\""])
            : document("<CopyObjectResult><ETag>\(etag)</ETag></CopyObjectResult>")
    }

    /// - Returns: an answer if the object is not what it must be.
    private static func delete(
        _ objects: inout [String: Object],
        _ path: String,
        _ etag: String?
    ) -> Answer? {
        if let etag, let now = objects[path], "\"\(now.etag)\"" != etag {
            return error(412, "PreconditionFailed")
        }
        objects[path] = nil
        return nil
    }

    private static func deleteBatch(
        _ objects: inout [String: Object],
        _ request: Request
    ) -> Answer {
        let items = String(decoding: request.body, as: UTF8.self).components(
            separatedBy: "<Object>"
        ).dropFirst()
        let between = { (text: String, tag: String) -> String? in
            let parts = text.components(separatedBy: "<\(tag)>")
            return parts.count == 2 ? parts[1].components(separatedBy: "</\(tag)>")[0] : nil
        }
        var failures = ""
        for item in items {
            let key = between(item, "Key") ?? ""
            let etag = between(item, "ETag")?.replacingOccurrences(of: "&quot;", with: "\"")
            guard delete(&objects, "/bucket/" + key, etag) != nil else { continue }
            failures += "<Error><Key>\(key)</Key><Code>PreconditionFailed</Code></Error>"
        }
        return document("<DeleteResult>\(failures)</DeleteResult>")
    }

    /// Whether the source of a copy is not what the request says.
    private static func isRefused(_ request: Request, _ source: Object, _ manners: Manners) -> Bool
    {
        guard let etag = request.headers["x-amz-copy-source-if-match"] else { return false }
        return manners.contains(.misreadsSources) || etag != "\"\(source.etag)\""
    }

    private static func copyPart(
        _ state: inout State,
        _ number: Int,
        _ range: String,
        _ request: Request,
        _ manners: Manners
    ) -> Answer {
        guard let source = request.headers["x-amz-copy-source"],
            let object = state.objects[source]
        else { return error(404, "NoSuchKey") }
        if isRefused(request, object, manners) { return error(412, "PreconditionFailed") }
        let bounds = range.dropFirst("bytes=".count).split(separator: "-").compactMap { Int($0) }
        let part = Array(object.text.utf8)[bounds[0]...bounds[1]]
        state.parts["1"]?[number] = String(decoding: part, as: UTF8.self)
        return document("<CopyPartResult><ETag>\(hex(md5(Array(part))))</ETag></CopyPartResult>")
    }

    private static func listing(_ parts: [Int: String], _ query: String) -> Answer {
        let marker = query.split(separator: "&").first { $0.hasPrefix("part-number-marker=") }
        let first = marker.flatMap { Int($0.dropFirst("part-number-marker=".count)) } ?? 0
        let texts = parts.filter { $0.key > first }.map { number, text in
            "<Part><PartNumber>\(number)</PartNumber><Size>\(text.utf8.count)</Size>"
                + "<ETag>\(hex(md5(Array(text.utf8))))</ETag></Part>"
        }
        return document("<ListPartsResult>\(texts.joined())</ListPartsResult>")
    }

    private static func listing(_ objects: [String: Object], _ query: String) -> Answer {
        let prefix =
            query.split(separator: "&").first { $0.hasPrefix("prefix=") }?.dropFirst(7) ?? ""
        let contents = objects.filter { $0.key.hasPrefix("/bucket/" + prefix) }
            .sorted { $0.key < $1.key }
            .map { path, object in
                "<Contents><Key>\(path.dropFirst("/bucket/".count))</Key><ETag>\(object.etag)</ETag>"
                    + "<Size>\(object.text.utf8.count)</Size></Contents>"
            }
        return document("<ListBucketResult>\(contents.joined())</ListBucketResult>")
    }

    static func error(_ status: Int, _ code: String) -> Answer {
        let text = "<Error><Code>\(code)</Code><Message>scripted</Message></Error>"
        return .answer(status, body: Array(text.utf8))
    }

    static func document(_ text: String) -> Answer { .answer(200, body: Array(text.utf8)) }
}
