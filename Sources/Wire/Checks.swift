/// Answer of `GET /v1/backends/check`, and what `gosync-mount --check` prints.
public struct Checks: Message {
    public var checks: [Check]

    public init(checks: [Check]) { self.checks = checks }
}

/// Something that was looked at, and how it is.
public struct Check: Message {
    public enum Outcome: String, Codable, Sendable, CaseIterable { case ok, warning, failure }

    /// Such as `backend selfhosted`.
    public var subject: String
    public var outcome: Outcome
    public var finding: String
    /// What to do about it; absent if all is well.
    public var advice: String?

    public init(
        _ subject: String,
        _ outcome: Outcome,
        _ finding: String,
        advice: String? = nil
    ) {
        self.subject = subject
        self.outcome = outcome
        self.finding = finding
        self.advice = advice
    }
}
