import Base
import CWebSockets
import Synchronization

/// What happens on a connection.
extension Service {
    /// Answers the library: anything but 0 ends the connection.
    func handle(
        _ wsi: OpaquePointer,
        _ reason: lws_callback_reasons,
        _ input: UnsafeMutableRawPointer?,
        _ count: Int
    ) -> CInt {
        // What comes of these two is known below.
        if reason != LWS_CALLBACK_HTTP_WRITEABLE, reason != LWS_CALLBACK_SERVER_WRITEABLE {
            hasWorked = true
        }
        switch reason {
        case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
            return admits(CInt(Int(bitPattern: input))) ? 0 : -1
        case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return confirmUpgrade(wsi)
        case LWS_CALLBACK_ESTABLISHED: return act(wsi) { $0.begin() }
        case LWS_CALLBACK_SERVER_WRITEABLE: return writeMessage(wsi)
        case LWS_CALLBACK_HTTP:
            return begin(wsi, UnsafeRawBufferPointer(start: input, count: count))
        case LWS_CALLBACK_HTTP_BODY:
            let bytes = UnsafeRawBufferPointer(start: input, count: count)
            if exchanges[wsi]?.isClientsTurn == true { limitTransfer(wsi) }
            return act(wsi) { $0.receive(bytes) }
        case LWS_CALLBACK_HTTP_BODY_COMPLETION:
            return act(wsi) { $0.finishReceiving() }
        case LWS_CALLBACK_HTTP_WRITEABLE:
            return write(wsi)
        case LWS_CALLBACK_TIMER:
            return expire(wsi)
        case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
            pulse.update { $0 += 1 }
            sendFinished()
            sendMadeContent()
            return 0
        case LWS_CALLBACK_WSI_CREATE:
            connections += 1
            return 0
        case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
            if isRemote(wsi) { remoteConnections.insert(wsi) }
            limitTransfer(wsi)
            return 0
        case LWS_CALLBACK_WSI_DESTROY:
            connections -= 1
            remoteConnections.remove(wsi)
            forget(wsi)
            return 0
        case LWS_CALLBACK_CLOSED_HTTP, LWS_CALLBACK_CLOSED:
            forget(wsi)
            return 0
        default:
            hasWorked = false
            return 0
        }
    }

    private func admits(_ connection: CInt) -> Bool {
        guard connections < limits.connections else {
            Log.warning("control socket: more than \(limits.connections) connections")
            return false
        }
        guard SocketFile.isUnixSocket(connection) else {
            return remoteConnections.count < limits.remoteConnections
        }
        guard SocketFile.admits(connection) else {
            Log.warning("control socket: turned away another user")
            return false
        }
        return true
    }

    private func begin(_ wsi: OpaquePointer, _ path: UnsafeRawBufferPointer) -> CInt {
        forget(wsi)
        lastNumber += 1
        limitTransfer(wsi)
        do throws(Refusal) {
            let (request, bodyBytes) = try Headers.request(wsi, path: Array(path))
            try admit(request, wsi)
            let upload = asking.uploads(request)
            if upload != nil, !hasRoomForContent { throw .tooManyContents }
            exchanges[wsi] = Exchange(
                number: lastNumber,
                request: request,
                expectedBytes: bodyBytes,
                limitBytes: limits.bodyBytes,
                upload: upload
            )
            return act(wsi) { $0.begin() }
        } catch {
            exchanges[wsi] = Exchange(number: lastNumber, request: Request(), expectedBytes: 0)
            return act(wsi) { $0.refuse(error.response) }
        }
    }

    /// Whoever comes by TCP shows the token; by the socket, the kernel has told who it is.
    func admit(_ request: Request, _ wsi: OpaquePointer) throws(Refusal) {
        guard let port, isRemote(wsi) else { return }
        guard let token = request.token, isSame(token, port.token) else { throw .unauthorized }
    }

    /// Compares in a time that does not tell how much is right.
    private func isSame(_ one: String, _ other: String) -> Bool {
        let (one, other) = (Array(one.utf8), Array(other.utf8))
        guard one.count == other.count else { return false }
        return zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Lets the exchange decide, and does what it says.
    func act(_ wsi: OpaquePointer, _ event: (inout Exchange) -> Exchange.Decision) -> CInt {
        guard var exchange = exchanges[wsi] else { return -1 }
        let decision = event(&exchange)
        exchanges[wsi] = exchange
        switch decision {
        case .wait: break
        case .handle(let request): start(request, exchange.number, wsi)
        case .take(let bytes, let upload): take(bytes, upload, exchange.number, wsi)
        case .finish(let upload): finish(upload, exchange.number, wsi)
        case .send:
            handling[exchange.number] = nil
            limitTransfer(wsi)
            lws_callback_on_writable(wsi)
        }
        regulate(wsi)
        return 0
    }

    private func start(_ request: Request, _ number: UInt64, _ wsi: OpaquePointer) {
        handling[number] = wsi
        // The library would end a connection on which nothing moves.
        lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0)
        lws_set_timer_usecs(wsi, Int64(limits.handlerSeconds * 1e6))
        workers.run { [self] in
            var response = asking.handler(request)
            if let write = response.write { response = begin(response, write, number) }
            shared.withLock { [response] in $0.finished.append((number, response)) }
            lws_cancel_service(context)
        }
    }

    /// Has an answer written piece by piece, unless too many are.
    private func begin(
        _ response: Response,
        _ write: @escaping @Sendable (ResponseStream) -> Void,
        _ number: UInt64
    ) -> Response {
        let stream = ResponseStream { [self] in lws_cancel_service(context) }
        let isAdmitted = shared.withLock { shared in
            guard !shared.isStopping, shared.streams.count < limits.streams else { return false }
            shared.streams[number] = stream
            return true
        }
        guard isAdmitted else {
            let detail =
                "\(limits.streams) clients are being told of what happens; try again later."
            return .problem(503, "Not reachable now", detail)
        }
        streamers.run { [self] in
            write(stream)
            stream.complete()
            shared.withLock { $0.streams[number] = nil }
        }
        var response = response
        response.stream = stream
        return response
    }

    private func sendFinished() {
        let finished = shared.withLock { shared in
            defer { shared.finished = [] }
            return shared.finished
        }
        for (number, response) in finished {
            guard let wsi = handling[number] else { continue }
            let isTooMuch = response.content != nil && !hasRoomForContent
            let answer = isTooMuch ? Refusal.tooManyContents.response : response
            _ = act(wsi) { $0.finish(answer) }
        }
        // Whose client left before that has nobody to write to.
        for (number, response) in finished
        where !exchanges.values.contains(where: { $0.number == number }) {
            response.stream?.abandon()
        }
        for (wsi, exchange) in exchanges where !exchange.isTransferring {
            guard exchange.answer?.stream?.isReady ?? false else { continue }
            exchanges[wsi]?.isTransferring = true
            limitTransfer(wsi)
            lws_callback_on_writable(wsi)
        }
    }

    private func expire(_ wsi: OpaquePointer) -> CInt {
        // Without an exchange, nothing was asked, or only half of it.
        guard var exchange = exchanges[wsi] else { return -1 }
        guard exchange.isTransferring else { return 0 }
        guard let decision = exchange.expire() else { return -1 }
        exchanges[wsi] = exchange
        return act(wsi) { _ in decision }
    }

    /// From now on, the client has this long to send a whole request or to take an answer.
    func limitTransfer(_ wsi: OpaquePointer) {
        let isContent = exchanges[wsi]?.outflow != nil
        let seconds = isContent ? Limits.contentSeconds : limits.transferSeconds
        lws_set_timer_usecs(wsi, Int64(seconds * 1e6))
    }

    func forget(_ wsi: OpaquePointer) {
        guard let exchange = exchanges.removeValue(forKey: wsi) else { return }
        exchange.answer?.stream?.abandon()
        handling[exchange.number] = nil
        letGo(of: exchange)
    }

    private func write(_ wsi: OpaquePointer) -> CInt {
        guard var exchange = exchanges[wsi], let answer = exchange.answer else { return 0 }
        if !exchange.hasSentHeaders {
            hasWorked = true
            exchange.hasSentHeaders = true
            exchanges[wsi] = exchange
            guard Headers.write(answer, isLast: exchange.isLast, wsi, scratch + roomBefore) else {
                return -1
            }
            lws_callback_on_writable(wsi)
            return 0
        }
        switch exchange.next(Limits.chunkBytes) {
        case .wait:
            exchanges[wsi] = exchange
            return 0
        case .fail: return -1
        case .fetch(let limit):
            exchanges[wsi] = exchange
            if let content = answer.content { fetch(content, atMost: limit, exchange.number, wsi) }
            return 0
        case .send(let bytes, let isEnd):
            exchanges[wsi] = exchange
            return send(bytes, isEnd: isEnd, exchange, wsi)
        }
    }

    private func send(
        _ bytes: ArraySlice<UInt8>,
        isEnd: Bool,
        _ exchange: Exchange,
        _ wsi: OpaquePointer
    ) -> CInt {
        guard put(bytes, isEnd ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP, wsi) else { return -1 }
        guard isEnd else {
            if exchange.hasContent || exchange.answer?.stream != nil { limitTransfer(wsi) }
            lws_callback_on_writable(wsi)
            return 0
        }
        if exchange.isDraining {
            limitTransfer(wsi)
            return 0
        }
        forget(wsi)
        limitTransfer(wsi)
        return exchange.isLast || lws_http_transaction_completed(wsi) != 0 ? -1 : 0
    }

    /// Hands bytes to the library, which takes all or fails.
    func put(
        _ bytes: ArraySlice<UInt8>,
        _ kind: lws_write_protocol,
        _ wsi: OpaquePointer
    ) -> Bool {
        hasWorked = true
        let start = scratch + roomBefore
        bytes.withUnsafeBufferPointer { buffer in
            if let base = buffer.baseAddress { start.update(from: base, count: buffer.count) }
        }
        return lws_write(wsi, start, bytes.count, kind) >= 0
    }
}

/// What the library wants in front of the bytes it sends.
let roomBefore = Int(gosync_lws_room_before)
