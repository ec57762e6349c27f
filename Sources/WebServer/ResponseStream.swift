import Base

/// The body of an answer that is written piece by piece, for as long as somebody takes it.
///
/// It is written on a thread of its own. What was written and not yet taken is bounded: a slow client
/// holds up the one who writes to it and nobody else, and one that takes nothing for
/// `Limits.transferSeconds` is let go. That a client has left is noticed when something is sent to it, so
/// whoever may have nothing to say for long says so from time to time. There is no length in front, so the end of the connection is the
/// end of the body: what is written must tell by itself whether it is complete.
public final class ResponseStream: Sendable {
    private struct State {
        var unsent: [UInt8] = []
        /// Nothing more will be written.
        var isComplete = false
        /// Nobody takes it any more.
        var isAbandoned = false
    }

    private let state = Monitor(State())
    /// Tells the server that there is something to send.
    private let wake: @Sendable () -> Void

    private static let unsentBytes = 256 << 10

    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    /// Sends bytes once there is room for them; `false` if nobody takes them any more.
    public func write(_ bytes: [UInt8]) -> Bool {
        let isTaken = state.wait { state -> Bool? in
            if state.isAbandoned { return false }
            guard state.unsent.isEmpty || state.unsent.count + bytes.count <= Self.unsentBytes
            else { return nil }
            state.unsent += bytes
            return true
        }
        if isTaken { wake() }
        return isTaken
    }

    /// Sleeps; `false`, and at once, if nobody takes the answer any more.
    public func pause(seconds: Double) -> Bool {
        state.wait(atMost: seconds) { $0.isAbandoned ? false : nil } ?? true
    }

    /// Nothing more will be written.
    func complete() {
        state.update { $0.isComplete = true }
        wake()
    }

    /// Nobody takes it any more: whoever writes to it learns that and ends.
    func abandon() {
        state.update { state in
            state.isAbandoned = true
            state.unsent = []
        }
    }

    /// Whether there is something to do for the server.
    var isReady: Bool {
        state.withLock { !$0.unsent.isEmpty || $0.isComplete || $0.isAbandoned }
    }

    /// Takes the next bytes, at most `limit` and not beyond a line's end if `isLine`, and tells whether they
    /// are the last.
    func take(_ limit: Int, isLine: Bool = false) -> (bytes: ArraySlice<UInt8>, isEnd: Bool) {
        state.update { state in
            var bytes = state.unsent.prefix(limit)
            if isLine, let end = bytes.firstIndex(of: UInt8(ascii: "\n")) { bytes = bytes[...end] }
            state.unsent.removeFirst(bytes.count)
            return (bytes, state.unsent.isEmpty && (state.isComplete || state.isAbandoned))
        }
    }
}
