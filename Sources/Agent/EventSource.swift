public import Wire

/// What happened, as it is sent: the log keeps it as JSON already.
public struct StoredEvent: Sendable {
    public var seq: Int64
    public var kind: String
    public var json: String

    public init(seq: Int64, kind: String, json: String) {
        self.seq = seq
        self.kind = kind
        self.json = json
    }
}

/// The change log from some change on.
public struct EventSource: Sendable {
    /// What follows this one comes.
    public var start: Int64
    /// Says that older ones are not in the log any more.
    public var lost: Event?
    /// Moves whenever there may be more.
    public var mark: @Sendable () -> Int
    /// A page of what follows a change.
    public var page: @Sendable (Int64) throws(Problem) -> [StoredEvent]

    public init(
        start: Int64,
        lost: Event? = nil,
        mark: @escaping @Sendable () -> Int,
        page: @escaping @Sendable (Int64) throws(Problem) -> [StoredEvent]
    ) {
        self.start = start
        self.lost = lost
        self.mark = mark
        self.page = page
    }
}
