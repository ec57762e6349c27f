/// The body of an answer that is too long to be held: it is made piece by piece.
///
/// Between two pieces nothing waits for the client; the next is asked for when it has taken the one
/// before. What is behind it is let go of when the answer is sent or the client is gone.
public final class Content: Sendable {
    public let byteCount: Int64
    /// Makes the bytes that follow, at most as many as are asked for, or `nil`; it may block.
    let next: @Sendable (_ limit: Int) -> [UInt8]?

    public init(byteCount: Int64, next: @escaping @Sendable (_ limit: Int) -> [UInt8]?) {
        self.byteCount = byteCount
        self.next = next
    }
}

extension Content: Equatable {
    public static func == (one: Content, other: Content) -> Bool { one === other }
}

/// Takes the body of a request piece by piece, instead of the handler, and answers it.
///
/// Its methods may block; one is called at a time, each on any thread. If the client goes before the body
/// has come to its end, `finish` is not called and the last reference goes.
public protocol Upload: AnyObject, Sendable {
    /// Takes the bytes that follow. An answer refuses the rest.
    func take(_ bytes: [UInt8]) -> Response?

    /// The body has come to its end.
    func finish() -> Response
}

/// A body on its way in, as a plain value: which bytes wait for the upload to take them.
struct Inflow {
    enum Step {
        case wait
        case take([UInt8])
        case finish
    }

    let upload: any Upload
    private var waiting: [UInt8] = []
    /// A thread is with the upload.
    private(set) var isBusy = false
    private var isComplete = false

    init(_ upload: any Upload) { self.upload = upload }

    /// So much waits that the client must not send more.
    var isFull: Bool { waiting.count >= Limits.waitingBytes }

    mutating func receive(_ bytes: UnsafeRawBufferPointer) { waiting += bytes }

    mutating func complete() { isComplete = true }

    /// The upload has taken what it got.
    mutating func taken() { isBusy = false }

    /// What the upload is to do next, if anything.
    mutating func next() -> Step {
        if isBusy { return .wait }
        guard waiting.isEmpty else {
            isBusy = true
            defer { waiting = [] }
            return .take(waiting)
        }
        guard isComplete else { return .wait }
        isBusy = true
        return .finish
    }
}

/// A body on its way out, as a plain value: the piece that the client is taking.
struct Outflow {
    enum Step: Equatable {
        case wait
        /// Ask for the bytes that follow.
        case fetch(atMost: Int)
        case send(ArraySlice<UInt8>, isEnd: Bool)
        case fail
    }

    let content: Content
    private var piece: ArraySlice<UInt8> = []
    private var unsentBytes: Int64
    private var isFetching = false
    private var hasFailed = false

    init(_ content: Content) {
        self.content = content
        unsentBytes = content.byteCount
    }

    /// The client can take more: what to do about it.
    mutating func next(_ limit: Int) -> Step {
        if hasFailed { return .fail }
        guard !piece.isEmpty || unsentBytes == 0 else {
            if isFetching { return .wait }
            isFetching = true
            return .fetch(atMost: Int(min(Int64(Limits.pieceBytes), unsentBytes)))
        }
        let part = piece.prefix(limit)
        piece = piece.dropFirst(part.count)
        unsentBytes -= Int64(part.count)
        return .send(part, isEnd: unsentBytes == 0)
    }

    /// The bytes that were asked for; none, or more than the body has, is a failure.
    mutating func receive(_ bytes: [UInt8]?) {
        isFetching = false
        piece = bytes?[...] ?? []
        hasFailed = piece.isEmpty || Int64(piece.count) > unsentBytes
    }
}
