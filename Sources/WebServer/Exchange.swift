/// One request and its answer, from the first header to the last byte: a plain state machine.
struct Exchange {
    enum Decision: Equatable {
        case wait
        /// Run the handler.
        case handle(Request)
        /// Send what `answer` holds.
        case send
    }

    private enum Phase { case receiving, handling, sending }

    /// Told to the handler's thread, and back: a connection's address may be used again by another.
    let number: UInt64
    private var request: Request
    private let expectedBytes: Int
    private let limitBytes: Int
    private var phase = Phase.receiving
    private(set) var answer: Response?
    private(set) var sentBytes = 0
    var hasSentHeaders = false
    /// The client has a limit of time for what is on its way to it.
    var isTransferring = true
    /// After this answer the connection ends, because what else arrives on it makes no sense.
    private(set) var isLast = false

    init(number: UInt64, request: Request, expectedBytes: Int, limitBytes: Int = 0) {
        self.number = number
        self.request = request
        self.expectedBytes = expectedBytes
        self.limitBytes = limitBytes
    }

    /// The headers are complete.
    mutating func begin() -> Decision {
        guard phase == .receiving else { return .wait }
        if expectedBytes > limitBytes {
            let detail = "A body has at most \(limitBytes) bytes."
            return refuse(.problem(413, "The request is too large", detail))
        }
        return expectedBytes == 0 ? finishReceiving() : .wait
    }

    mutating func receive(_ bytes: UnsafeRawBufferPointer) -> Decision {
        guard phase == .receiving else { return .wait }
        guard request.body.count + bytes.count <= expectedBytes else {
            let detail = "The body is longer than its Content-Length."
            return refuse(.problem(400, "The request makes no sense", detail))
        }
        request.body += bytes
        return .wait
    }

    /// The body is complete.
    mutating func finishReceiving() -> Decision {
        guard phase == .receiving else { return .wait }
        phase = .handling
        defer { request.body = [] }
        return .handle(request)
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

    /// The next bytes to send, at most `limit`, and whether they are the last.
    mutating func nextBytes(_ limit: Int) -> (bytes: ArraySlice<UInt8>, isEnd: Bool) {
        if let stream = answer?.stream { return stream.take(limit) }
        guard let body = answer?.body else { return ([], true) }
        let end = min(body.count, sentBytes + limit)
        defer { sentBytes = end }
        return (body[sentBytes..<end], end == body.count)
    }
}
