/// One request and its answer, from the first header to the last byte: a plain state machine.
struct Exchange {
    enum Decision {
        case wait
        /// Run the handler.
        case handle(Request)
        /// Let the upload take bytes.
        case take([UInt8], any Upload)
        /// Let the upload answer.
        case finish(any Upload)
        /// Send what `answer` holds.
        case send
    }

    private enum Phase { case receiving, handling, sending }

    /// Told to the handler's thread, and back: a connection's address may be used again by another.
    let number: UInt64
    private var request: Request
    private let expectedBytes: Int
    private let limitBytes: Int
    private var receivedBytes = 0
    /// Where the body goes, if not to the handler.
    private var inflow: Inflow?
    /// Where the body of the answer comes from, if not from the handler.
    var outflow: Outflow?
    /// The client has been told to wait.
    var isThrottled = false
    private var phase = Phase.receiving
    private(set) var answer: Response?
    private(set) var sentBytes = 0
    var hasSentHeaders = false
    /// The answer goes out as messages, each a line of it.
    let isWebSocket: Bool
    /// A message of which the end is still to be sent.
    var isWithinMessage = false
    /// The client has a limit of time for what is on its way to it.
    var isTransferring = true
    /// After this answer the connection ends, because what else arrives on it makes no sense.
    private(set) var isLast = false

    init(
        number: UInt64,
        request: Request,
        expectedBytes: Int,
        limitBytes: Int = 0,
        upload: (any Upload)? = nil
    ) {
        self.number = number
        self.request = request
        isWebSocket = request.isWebSocket
        self.expectedBytes = expectedBytes
        self.limitBytes = limitBytes
        inflow = upload.map(Inflow.init)
    }

    var hasContent: Bool { inflow != nil || outflow != nil }

    /// The client owes the next bytes, and not the upload.
    var isClientsTurn: Bool { inflow.map { phase == .receiving && !$0.isBusy } ?? false }

    var isFull: Bool { phase == .receiving && inflow?.isFull ?? false }

    /// The rest of a body that was refused is thrown away, or the client would not see the answer.
    var isDraining: Bool { isLast && inflow != nil && receivedBytes < expectedBytes }

    /// The headers are complete.
    mutating func begin() -> Decision {
        guard phase == .receiving else { return .wait }
        if inflow == nil, expectedBytes > limitBytes {
            let detail = "A body has at most \(limitBytes) bytes."
            return refuse(.problem(413, "The request is too large", detail))
        }
        return expectedBytes == 0 ? finishReceiving() : .wait
    }

    mutating func receive(_ bytes: UnsafeRawBufferPointer) -> Decision {
        receivedBytes += bytes.count
        guard phase == .receiving else { return .wait }
        guard receivedBytes <= expectedBytes else {
            let detail = "The body is longer than its Content-Length."
            return refuse(.problem(400, "The request makes no sense", detail))
        }
        guard inflow != nil else {
            request.body += bytes
            return .wait
        }
        inflow?.receive(bytes)
        return nextStep()
    }

    /// The body is complete.
    mutating func finishReceiving() -> Decision {
        guard phase == .receiving else { return .wait }
        guard inflow == nil else {
            inflow?.complete()
            return nextStep()
        }
        phase = .handling
        defer { request.body = [] }
        return .handle(request)
    }

    /// The upload has taken its bytes, or answers already.
    mutating func taken(_ refusal: Response?) -> Decision {
        guard phase == .receiving else { return .wait }
        if let refusal { return refuse(refusal) }
        inflow?.taken()
        return nextStep()
    }

    private mutating func nextStep() -> Decision {
        guard let upload = inflow?.upload, let step = inflow?.next() else { return .wait }
        switch step {
        case .wait: return .wait
        case .take(let bytes): return .take(bytes, upload)
        case .finish:
            phase = .handling
            return .finish(upload)
        }
    }

    /// Answers before the request has been read to its end.
    mutating func refuse(_ response: Response) -> Decision {
        isLast = true
        phase = .sending
        answer = response
        return .send
    }

    /// The handler is done; too late if the exchange has been given up.
    mutating func finish(_ response: Response) -> Decision {
        guard phase == .handling else { return .wait }
        phase = .sending
        answer = response
        outflow = response.content.map(Outflow.init)
        // Without a length, the end of the connection is the end of the answer.
        if response.stream != nil { isLast = true }
        return .send
    }

    /// Time is up: a request that is not complete has nobody to answer to.
    mutating func expire() -> Decision? {
        guard phase == .handling else { return nil }
        let detail = "GoSync is still at it, and the outcome is not known."
        return finish(.problem(504, "It took too long", detail))
    }

    /// What to do now that the client can take `limit` bytes.
    mutating func next(_ limit: Int) -> Outflow.Step {
        if outflow != nil { return outflow?.next(limit) ?? .wait }
        if let stream = answer?.stream {
            let (bytes, isEnd) = stream.take(limit, isLine: isWebSocket)
            // Nothing to send for now: the client may wait as long as it likes.
            isTransferring = !bytes.isEmpty || isEnd
            return isTransferring ? .send(bytes, isEnd: isEnd) : .wait
        }
        guard let body = answer?.body else { return .send([], isEnd: true) }
        let end = min(body.count, sentBytes + limit)
        defer { sentBytes = end }
        return .send(body[sentBytes..<end], isEnd: end == body.count)
    }
}
