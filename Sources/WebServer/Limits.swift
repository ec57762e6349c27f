/// How much of everything a client may have.
public struct Limits: Sendable {
    /// The largest body of a request.
    public var bodyBytes = 1 << 20
    /// Connections open at a time; one more is closed at once.
    public var connections = 256
    /// Of them, those by TCP: whoever has no token may hold no more, and keeps nobody from the socket.
    public var remoteConnections = 32
    /// Requests being read or answered at a time; others wait for their turn.
    public var requests = 64
    /// Handlers running at a time.
    public var handlers = 8
    /// Answers being written piece by piece at a time.
    public var streams = 16
    /// How long a request may take to arrive, and an answer to be taken.
    public var transferSeconds = 20.0
    /// How long a handler may take; then the client is told so.
    public var handlerSeconds = 60.0

    /// How long a client may leave a piece of a long answer lying: whoever pages through a file stops now
    /// and then, and costs no more than that piece.
    static let contentSeconds = 3600.0
    /// How long a store may take over a piece, which has its own deadlines: in effect for ever.
    static let storeSeconds = 86_400.0
    /// Bodies under way at a time that are handed on piece by piece.
    static let contents = 32
    /// Threads that make such pieces, or take them.
    static let contentWorkers = 8
    /// How many bytes of such a body wait to be taken before the client has to.
    static let waitingBytes = 1 << 20
    /// How many are made at a time.
    static let pieceBytes = 256 << 10

    /// Line and headers of a request together; a path of 4096 bytes, escaped, fits in.
    static let headerBytes = 32 << 10
    /// What is handed to the kernel at a time.
    static let chunkBytes = 64 << 10
    /// So often in a row the library may look up for nothing; from then on it pauses in between.
    static let idleTurns = 50
    static let idleMicroseconds: UInt32 = 1000
    /// How long `stop()` waits for answers to be taken.
    static let farewellSeconds = 1.0

    public init() {}
}
