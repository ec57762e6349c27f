import CWebSockets

/// A request that is answered without asking anyone.
struct Refusal: Error {
    let response: Response

    static let tooManyContents = Refusal(
        response: .problem(503, "Not reachable now", "Too many transfers are under way; try again.")
    )

    static let unauthorized: Refusal = {
        let detail =
            "This needs the token of the data directory, as in Authorization: Bearer TOKEN."
        var response = Response.problem(401, "Who are you?", detail)
        response.headers["www-authenticate"] = "Bearer"
        return Refusal(response: response)
    }()

    static func malformed(_ detail: String) -> Refusal {
        Refusal(response: .problem(400, "The request makes no sense", detail))
    }
}

/// Reads and writes headers through libwebsockets.
enum Headers {
    /// The request without its body, and how many bytes of body follow.
    static func request(
        _ wsi: OpaquePointer,
        path: [UInt8]
    ) throws(Refusal) -> (Request, bodyBytes: Int) {
        guard let path = String(validating: path, as: UTF8.self) else {
            throw .malformed("The path is not UTF-8.")
        }
        // An escaped line break in the path ends the line for the library, as if it were a real one.
        let version = fragment(wsi, WSI_TOKEN_HTTP, 0).map { String(decoding: $0, as: UTF8.self) }
        guard version == "HTTP/1.1" || version == "HTTP/1.0" else {
            throw .malformed("There is no HTTP/1.1 in the first line, or a line break in the path.")
        }
        let method = methods.first { lws_hdr_total_length(wsi, $0.0) > 0 }?.1 ?? .other
        var request = Request(method: method, path: path, query: try query(wsi))
        if let range = fragment(wsi, WSI_TOKEN_HTTP_RANGE, 0) {
            request.range = String(decoding: range, as: UTF8.self)
        }
        request.lastEventID = lastEventID(wsi)
        request.token = token(wsi)
        return (request, try bodyBytes(wsi))
    }

    private static func bodyBytes(_ wsi: OpaquePointer) throws(Refusal) -> Int {
        if let length = fragment(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, 0) {
            guard let count = Int(String(decoding: length, as: UTF8.self)), count >= 0 else {
                throw .malformed("Content-Length is not a number.")
            }
            return count
        }
        guard lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) == 0 else {
            let detail = "A body needs a Content-Length; it cannot come in chunks."
            throw Refusal(response: .problem(411, "The request makes no sense", detail))
        }
        return 0
    }

    /// A request to become a WebSocket, which has no body.
    static func upgrade(_ wsi: OpaquePointer) throws(Refusal) -> Request {
        guard let path = fragment(wsi, WSI_TOKEN_GET_URI, 0) else {
            throw .malformed("A WebSocket begins with a GET.")
        }
        var request = try request(wsi, path: path).0
        request.isWebSocket = true
        return request
    }

    private static func token(_ wsi: OpaquePointer) -> String? {
        guard let bytes = fragment(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, 0),
            let value = String(validating: bytes, as: UTF8.self)
        else { return nil }
        let words = value.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return String(words[1])
    }

    private static func lastEventID(_ wsi: OpaquePointer) -> String? {
        let name: StaticString = "last-event-id:"
        let nameCount = CInt(name.utf8CodeUnitCount)
        return name.withUTF8Buffer { utf8 in
            utf8.withMemoryRebound(to: CChar.self) { name -> String? in
                let count = lws_hdr_custom_length(wsi, name.baseAddress, nameCount)
                guard count > 0 else { return nil }
                var value = [CChar](repeating: 0, count: Int(count) + 1)
                let copied = lws_hdr_custom_copy(
                    wsi,
                    &value,
                    CInt(value.count),
                    name.baseAddress,
                    nameCount
                )
                guard copied > 0 else { return nil }
                let bytes = value.prefix(Int(copied)).map(UInt8.init(bitPattern:))
                return String(validating: bytes, as: UTF8.self)
            }
        }
    }

    /// The macro LWS_ILLEGAL_HTTP_CONTENT_LEN: the answer ends with the connection.
    private static let unknownLength = UInt64.max

    private static func query(_ wsi: OpaquePointer) throws(Refusal) -> [String: String] {
        var query: [String: String] = [:]
        var index: CInt = 0
        while let item = fragment(wsi, WSI_TOKEN_HTTP_URI_ARGS, index) {
            index += 1
            guard let item = String(validating: item, as: UTF8.self) else {
                throw .malformed("The query is not UTF-8.")
            }
            if item.isEmpty { continue }
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(parts[1]) : ""
            guard query.updateValue(value, forKey: String(parts[0])) == nil else {
                throw .malformed("An item of the query is given twice.")
            }
        }
        return query
    }

    /// Sends status line and headers of an answer; false if the connection is gone.
    ///
    /// `scratch` has room for `Limits.chunkBytes`.
    static func write(
        _ response: Response,
        isLast: Bool,
        _ wsi: OpaquePointer,
        _ scratch: UnsafeMutablePointer<UInt8>
    ) -> Bool {
        var position: UnsafeMutablePointer<UInt8>? = scratch
        let end = scratch + Limits.chunkBytes
        let failed = lws_add_http_common_headers(
            wsi,
            UInt32(response.status),
            response.contentType,
            response.stream == nil
                ? UInt64(response.content?.byteCount ?? Int64(response.body.count)) : unknownLength,
            &position,
            end
        )
        guard failed == 0 else { return false }
        for (name, value) in response.headers {
            let failed = lws_add_http_header_by_name(
                wsi,
                name + ":",
                value,
                CInt(value.utf8.count),
                &position,
                end
            )
            guard failed == 0 else { return false }
        }
        let close: StaticString = "close"
        // Without a length, the library says so by itself.
        if isLast, response.stream == nil {
            let token = WSI_TOKEN_CONNECTION
            let count = CInt(close.utf8CodeUnitCount)
            guard
                lws_add_http_header_by_token(wsi, token, close.utf8Start, count, &position, end)
                    == 0
            else { return false }
        }
        return lws_finalize_write_http_header(wsi, scratch, &position, end) == 0
    }

    private static let methods: [(lws_token_indexes, Request.Method)] = [
        (WSI_TOKEN_GET_URI, .get), (WSI_TOKEN_POST_URI, .post), (WSI_TOKEN_PATCH_URI, .patch),
        (WSI_TOKEN_PUT_URI, .put), (WSI_TOKEN_DELETE_URI, .delete),
    ]

    private static func fragment(
        _ wsi: OpaquePointer,
        _ token: lws_token_indexes,
        _ index: CInt
    ) -> [UInt8]? {
        let count = Int(lws_hdr_fragment_length(wsi, token, index))
        let isThere = count > 0 || (index == 0 && lws_hdr_total_length(wsi, token) > 0)
        guard isThere else { return nil }
        var copied: CInt = -1
        let bytes = [UInt8](unsafeUninitializedCapacity: count + 1) { buffer, filled in
            buffer.withMemoryRebound(to: CChar.self) {
                copied = lws_hdr_copy_fragment(wsi, $0.baseAddress, CInt($0.count), token, index)
            }
            filled = copied >= 0 ? Int(copied) : 0
        }
        return copied >= 0 ? bytes : nil
    }
}
