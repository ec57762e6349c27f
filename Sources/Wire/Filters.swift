/// A stored filter.
public struct Filter: Message {
    public enum Layout: String, Codable, Sendable, CaseIterable { case flat, tree }

    /// Which files of the view carry a suffix that tells equal names apart.
    public enum Naming: String, Codable, Sendable, CaseIterable { case collide, always }

    /// Whether names that differ in case only collide.
    public enum Casing: String, Codable, Sendable, CaseIterable { case exact, fold }

    /// What removing a name from the view does.
    public enum Unlinking: String, Codable, Sendable, CaseIterable { case refuse, untag }

    /// Who made it, and so who can change it.
    public enum Source: String, Codable, Sendable { case configuration, stored }

    /// Below `/filters`, such as `photos/red`.
    public var path: String
    public var query: String
    public var layout: Layout
    public var names: Naming
    public var `case`: Casing
    /// Whether `ln` and `mv` into the view set the tags of its query.
    public var assert: Bool
    public var unlink: Unlinking
    public var source: Source
    /// Why it cannot be evaluated; absent while it can.
    public var error: String?

    public init(
        path: String,
        query: String,
        layout: Layout = .flat,
        names: Naming = .collide,
        case casing: Casing = .exact,
        assert: Bool = false,
        unlink: Unlinking = .refuse,
        source: Source,
        error: String? = nil
    ) {
        self.path = path
        self.query = query
        self.layout = layout
        self.names = names
        self.case = casing
        self.assert = assert
        self.unlink = unlink
        self.source = source
        self.error = error
    }
}

/// Answer of `GET /v1/filters`.
public struct Filters: Message {
    public var filters: [Filter]

    public init(filters: [Filter]) { self.filters = filters }
}

/// Body of `POST /v1/filters`, which makes a filter, and of `PATCH /v1/filter`, which changes one.
///
/// To make one, `path` and `query` are needed. What a change leaves out stays; its `path`, where it
/// is given, moves the filter.
public struct FilterDraft: Message {
    public var path: String?
    public var query: String?
    public var layout: Filter.Layout?
    public var names: Filter.Naming?
    public var `case`: Filter.Casing?
    public var assert: Bool?
    public var unlink: Filter.Unlinking?

    public init(
        path: String? = nil,
        query: String? = nil,
        layout: Filter.Layout? = nil,
        names: Filter.Naming? = nil,
        case casing: Filter.Casing? = nil,
        assert: Bool? = nil,
        unlink: Filter.Unlinking? = nil
    ) {
        self.path = path
        self.query = query
        self.layout = layout
        self.names = names
        self.case = casing
        self.assert = assert
        self.unlink = unlink
    }
}

/// Answer of `GET /v1/filters/test`: what a filter with this query would show.
public struct FilterTest: Message {
    public var query: String
    public var count: Int
    /// The first ones.
    public var files: [Match]
    public var warnings: [String]
    /// How long it took to find them all.
    public var seconds: Double?

    public init(
        query: String,
        count: Int,
        files: [Match],
        warnings: [String] = [],
        seconds: Double? = nil
    ) {
        self.query = query
        self.count = count
        self.files = files
        self.warnings = warnings
        self.seconds = seconds
    }
}
