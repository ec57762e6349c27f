/// Body of `POST /v1/flush`: wait until the stores have what is pending now.
public struct Flush: Message {
    /// At or below this; without it, everything.
    public var path: String?
    /// Wait no longer.
    public var timeoutSeconds: Double?

    public init(path: String? = nil, timeoutSeconds: Double? = nil) {
        self.path = path
        self.timeoutSeconds = timeoutSeconds
    }
}

/// A line of the answer of `POST /v1/flush`; all but the last one are `running`.
public struct FlushReport: Message {
    public enum State: String, Codable, Sendable, CaseIterable {
        case running, done
        /// What is left was tried and failed; it is tried again later.
        case failed
        /// The time that was given is up.
        case timedOut
        /// GoSync ends; what is left goes on at its next start.
        case ended
    }

    public var state: State
    public var objectsDone: Int
    public var bytesDone: Int64
    public var objectsLeft: Int
    /// Of what is to be uploaded.
    public var bytesLeft: Int64
    public var objectsPerSecond: Double
    public var bytesPerSecond: Double
    /// An estimate; absent while nothing moves.
    public var secondsLeft: Double?
    /// What did not arrive, the first hundred.
    public var undelivered: [Undelivered]?

    public init(
        state: State,
        objectsDone: Int,
        bytesDone: Int64,
        objectsLeft: Int,
        bytesLeft: Int64,
        objectsPerSecond: Double = 0,
        bytesPerSecond: Double = 0,
        secondsLeft: Double? = nil,
        undelivered: [Undelivered]? = nil
    ) {
        self.state = state
        self.objectsDone = objectsDone
        self.bytesDone = bytesDone
        self.objectsLeft = objectsLeft
        self.bytesLeft = bytesLeft
        self.objectsPerSecond = objectsPerSecond
        self.bytesPerSecond = bytesPerSecond
        self.secondsLeft = secondsLeft
        self.undelivered = undelivered
    }

    public struct Undelivered: Message {
        public var path: String
        /// Why; absent where it was not tried yet.
        public var error: String?

        public init(path: String, error: String?) {
            self.path = path
            self.error = error
        }
    }
}
