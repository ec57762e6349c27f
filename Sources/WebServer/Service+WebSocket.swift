import CWebSockets

// A connection that becomes a WebSocket: the lines of one answer go out as its messages.

extension Service {
    /// Lets a client turn its connection into a WebSocket, or answers why not.
    func confirmUpgrade(_ wsi: OpaquePointer) -> CInt {
        forget(wsi)
        lastNumber += 1
        limitTransfer(wsi)
        do throws(Refusal) {
            let request = try Headers.upgrade(wsi)
            try admit(request, wsi)
            if let refusal = asking.upgrades(request) { throw Refusal(response: refusal) }
            exchanges[wsi] = Exchange(number: lastNumber, request: request, expectedBytes: 0)
            return 0
        } catch {
            // The library wants the whole answer now, or none.
            return answerNow(wsi, error.response, isLast: false) ? 1 : -1
        }
    }

    func writeMessage(_ wsi: OpaquePointer) -> CInt {
        guard var exchange = exchanges[wsi], let answer = exchange.answer else { return 0 }
        guard answer.stream != nil else {
            // It failed after the connection had become what it is: the problem is the only message.
            _ = put(answer.body[...], LWS_WRITE_TEXT, wsi)
            return end(wsi, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION)
        }
        let step = exchange.next(Limits.chunkBytes)
        exchanges[wsi] = exchange
        guard case .send(let bytes, let isEnd) = step else { return 0 }
        guard send(bytes, wsi) else { return -1 }
        if isEnd { return end(wsi, LWS_CLOSE_STATUS_NORMAL) }
        limitTransfer(wsi)
        lws_callback_on_writable(wsi)
        return 0
    }

    /// Sends a line as a message, or a part of one that is longer than what goes out at a time.
    private func send(_ bytes: ArraySlice<UInt8>, _ wsi: OpaquePointer) -> Bool {
        guard !bytes.isEmpty else { return true }
        let isStart = exchanges[wsi]?.isWithinMessage == false
        let isWhole = bytes.last == UInt8(ascii: "\n")
        exchanges[wsi]?.isWithinMessage = !isWhole
        let text = isWhole ? bytes.dropLast() : bytes
        if text.isEmpty, isStart { return put(text, LWS_WRITE_PING, wsi) }
        let kind = lws_write_ws_flags(
            CInt(LWS_WRITE_TEXT.rawValue),
            isStart ? 1 : 0,
            isWhole ? 1 : 0
        )
        return put(text, lws_write_protocol(rawValue: UInt32(kind)), wsi)
    }

    private func end(_ wsi: OpaquePointer, _ status: lws_close_status) -> CInt {
        lws_close_reason(wsi, status, nil, 0)
        return -1
    }
}
