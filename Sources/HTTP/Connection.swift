import Base
import CCurl
import Glibc

/// One easy handle of curl, which keeps its connection open between requests.
///
/// The connection itself belongs to a multi handle of its own, as it does within `curl_easy_perform`;
/// having that here, a thread that waits for bytes can look around as often as it has to.
///
/// @unchecked: the pool lends it to one thread at a time.
final class Connection: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private let unixSocket: String?

    private static let initialized = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    private static let receiveBufferBytes = 512 << 10
    private static let sendBufferBytes = 256 << 10
    private static let keptConnections = 2
    /// Seconds until an unused connection is checked, and between two checks.
    private static let keepAliveSeconds = 10
    private static let keepAliveIntervalSeconds = 2

    init(unixSocket: String?) {
        precondition(Self.initialized == CURLE_OK, "libcurl does not start")
        guard let handle = curl_easy_init(), let multi = curl_multi_init() else {
            fatalError("libcurl: out of memory")
        }
        self.handle = handle
        self.multi = multi
        gosync_curl_limit_connections(multi, Self.keptConnections)
        self.unixSocket = unixSocket
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_multi_cleanup(multi)
        errorText.deallocate()
    }

    func perform(_ transfer: Transfer) throws(HTTPError) -> HTTPResponse {
        curl_easy_reset(handle)
        errorText.pointee = 0
        setCommon()
        try setTarget(transfer.request)
        setCallbacks(transfer)
        let list = try headerList(transfer)
        defer { curl_slist_free_all(list) }
        gosync_curl_set_headers(handle, list)
        let code = withExtendedLifetime(transfer) { withBody(transfer) { run() } }
        gosync_curl_set_headers(handle, nil)
        return try outcome(of: transfer, code)
    }

    /// Has the body sent, if there is one, by what `body` runs.
    private func withBody(_ transfer: Transfer, _ body: () -> CURLcode) -> CURLcode {
        if transfer.request.method == "HEAD" { set(CURLOPT_NOBODY, 1) }
        set(CURLOPT_CUSTOMREQUEST, transfer.request.method)
        guard let size = transfer.bodySize else { return body() }
        guard transfer.sendsAtOnce, case .bytes(let bytes) = transfer.request.body else {
            set(CURLOPT_UPLOAD, 1)
            gosync_curl_set_size(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(size))
            return body()
        }
        gosync_curl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(size))
        return bytes.withUnsafeBytes { bytes in
            // It is only read, and needs it no longer than this.
            gosync_curl_set_pointer(
                handle,
                CURLOPT_POSTFIELDS,
                UnsafeMutableRawPointer(mutating: bytes.baseAddress)
            )
            return body()
        }
    }

    /// Does what `curl_easy_perform` does, and lets `watchProgress` look up more often.
    private func run() -> CURLcode {
        guard curl_multi_add_handle(multi, handle) == CURLM_OK else { return CURLE_FAILED_INIT }
        defer { curl_multi_remove_handle(multi, handle) }
        let pause = CInt((Patience.isAsked ? Patience.pollSeconds : 1) * 1000)
        var running: CInt = 1
        while true {
            guard curl_multi_perform(multi, &running) == CURLM_OK else { return CURLE_FAILED_INIT }
            if running == 0 { break }
            curl_multi_poll(multi, nil, 0, pause, nil)
        }
        var left: CInt = 0
        return curl_multi_info_read(multi, &left)?.pointee.data.result ?? CURLE_FAILED_INIT
    }

    private func outcome(
        of transfer: Transfer,
        _ code: CURLcode
    ) throws(HTTPError) -> HTTPResponse {
        switch transfer.ending {
        case .failed(let error): throw error
        case .refused: return response(transfer, body: [])
        case nil: break
        }
        guard code == CURLE_OK else { throw error(code) }
        guard transfer.head.status >= 200 else { throw .broken("an answer without a status") }
        return response(transfer, body: transfer.collected)
    }

    private func response(_ transfer: Transfer, body: [UInt8]) -> HTTPResponse {
        HTTPResponse(head: transfer.head, body: body, wasSentAgain: transfer.sendings > 1)
    }

    private func error(_ code: CURLcode) -> HTTPError {
        let detail = String(cString: errorText)
        let reason = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
            CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE:
            return .unreachable(reason)
        case CURLE_OPERATION_TIMEDOUT: return .timedOut(reason)
        case CURLE_URL_MALFORMAT: return .invalid(reason)
        default: return .broken(reason)
        }
    }

    private func setCommon() {
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TCP_NODELAY, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_TCP_KEEPIDLE, Self.keepAliveSeconds)
        set(CURLOPT_TCP_KEEPINTVL, Self.keepAliveIntervalSeconds)
        gosync_curl_set_socket_options(handle, limitSilence)
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_NOPROGRESS, 0)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_BUFFERSIZE, Self.receiveBufferBytes)
        set(CURLOPT_UPLOAD_BUFFERSIZE, Self.sendBufferBytes)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        gosync_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText)
    }

    private func setTarget(_ request: HTTPRequest) throws(HTTPError) {
        guard request.url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw .invalid("a URL with unescaped characters")
        }
        let scheme = request.url.prefix { $0 != ":" }.lowercased()
        guard scheme == "http" || scheme == "https" else { throw .invalid("a URL of \(scheme)") }
        set(CURLOPT_URL, request.url)
        if let unixSocket { set(CURLOPT_UNIX_SOCKET_PATH, unixSocket) }
        // A proxy that the environment names has no way to this machine's own servers.
        if unixSocket != nil || isLoopback(request.url) { set(CURLOPT_PROXY, "") }
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(request.limits.connectSeconds * 1000))
        if let total = request.limits.totalSeconds {
            set(CURLOPT_TIMEOUT_MS, max(1, Int(total * 1000)))
        }
    }

    private func setCallbacks(_ transfer: Transfer) {
        let context = Unmanaged.passUnretained(transfer).toOpaque()
        gosync_curl_set_data(handle, CURLOPT_HEADERFUNCTION, receiveHeader)
        gosync_curl_set_data(handle, CURLOPT_WRITEFUNCTION, receiveBody)
        gosync_curl_set_read(handle, sendBody)
        gosync_curl_set_seek(handle, rewindBody)
        gosync_curl_set_progress(handle, watchProgress)
        gosync_curl_set_prerequest(handle, beginSending)
        for option in [
            CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_READDATA, CURLOPT_SEEKDATA,
            CURLOPT_XFERINFODATA, CURLOPT_PREREQDATA,
        ] {
            gosync_curl_set_pointer(handle, option, context)
        }
    }

    private func headerList(
        _ transfer: Transfer
    ) throws(HTTPError) -> UnsafeMutablePointer<curl_slist>? {
        // Without a body that may be refused early, waiting for "100 Continue" only costs time.
        var list = curl_slist_append(nil, "Expect:")
        let headers = transfer.request.headers
        // Else curl takes it for a form.
        if transfer.sendsAtOnce, headers["Content-Type"] == nil {
            list = curl_slist_append(list, "Content-Type:")
        }
        for field in headers.fields {
            guard
                field.name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }),
                field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f })
            else {
                curl_slist_free_all(list)
                throw .invalid("header \(field.name)")
            }
            // To curl, "Name:" means to leave the header out, and "Name;" to send it empty.
            let line = field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)"
            list = curl_slist_append(list, line)
        }
        return list
    }

    private func set(_ option: CURLoption, _ value: Int) {
        gosync_curl_set_long(handle, option, value)
    }

    private func set(_ option: CURLoption, _ value: String) {
        gosync_curl_set_text(handle, option, value)
    }
}

/// Whether a URL's host is this machine by its name alone.
public func isLoopback(_ url: String) -> Bool {
    let parts = url.split(separator: "/", maxSplits: 2)
    guard parts.count >= 2 else { return false }
    if parts[1].hasPrefix("[") { return parts[1].hasPrefix("[::1]") }
    let host = parts[1].prefix { $0 != ":" }.lowercased()
    return host == "localhost" || host.hasSuffix(".localhost") || host.hasPrefix("127.")
}

private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer {
    Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
}

private let receiveHeader: curl_write_callback = { bytes, size, count, context in
    let line = UnsafeRawBufferPointer(start: bytes, count: size * count).bytes
    return transfer(context).receive(headerLine: line) ? size * count : -1
}

private let receiveBody: curl_write_callback = { bytes, size, count, context in
    let piece = UnsafeRawBufferPointer(start: bytes, count: size * count).bytes
    return transfer(context).receive(body: piece) ? size * count : -1
}

private let sendBody: curl_read_callback = { bytes, size, count, context in
    let transfer = transfer(context)
    let limit = Int(clamping: min(Int64(size * count), transfer.unsentBytes))
    let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: limit)
    var output = OutputRawSpan(buffer: buffer, initializedCount: 0)
    guard transfer.send(into: &output) else { return Int(CURL_READFUNC_ABORT) }
    return output.finalize(for: buffer)
}

private let beginSending: curl_prereq_callback = { context, _, _, _, _ in
    transfer(context).beginSending()
    return CURL_PREREQFUNC_OK
}

/// A path that loses every packet is noticed by what is not acknowledged, whatever the server may take
/// its time for; the kernel alone would send again for a quarter of an hour, at ever longer intervals.
private let limitSilence: curl_sockopt_callback = { _, socket, _ in
    var milliseconds: CUnsignedInt = 5000
    // A Unix socket has no such option.
    setsockopt(
        socket,
        CInt(IPPROTO_TCP),
        TCP_USER_TIMEOUT,
        &milliseconds,
        socklen_t(MemoryLayout<CUnsignedInt>.size)
    )
    return CURL_SOCKOPT_OK
}

private let rewindBody: curl_seek_callback = { context, offset, origin in
    guard origin == 0 else { return CURL_SEEKFUNC_CANTSEEK }
    transfer(context).rewind(to: Int64(offset))
    return CURL_SEEKFUNC_OK
}

private let watchProgress: curl_xferinfo_callback = { context, _, received, _, sent in
    transfer(context).watch(moved: Int64(received + sent)) ? 0 : 1
}
