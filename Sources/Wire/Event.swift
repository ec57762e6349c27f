/// A line of `gosync events --json` and the `data` of an event of `GET /v1/events`.
///
/// Which members there are depends on the kind; `docs/api.md` has the table.
public struct Event: Message {
    public var seq: Int64
    public var time: Moment
    public var kind: String
    public var path: String?
    public var file: Int64?
    /// Where it was before.
    public var from: String?
    public var size: Int64?
    /// Of tags.
    public var keys: [String]?
    public var query: String?
    /// So many at or below `path`.
    public var count: Int?
    /// Of `lost`: what lay between is not in the log any more.
    public var since: Int64?

    /// What came after `since` and up to this was forgotten: whoever follows has to look anew.
    public static let lost = "lost"

    public init(seq: Int64, time: Moment, kind: String) {
        self.seq = seq
        self.time = time
        self.kind = kind
    }
}
