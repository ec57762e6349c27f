import Base
import WebServer
import Wire

/// From a request to a call of `Control`, and from its answer to a response.
struct Router: Sendable {
    let daemon: Status.Daemon
    let control: any Control

    static let usualPage = 200

    func respond(to request: Request) -> Response {
        do throws(Problem) {
            return try answer(request)
        } catch {
            return Response(error)
        }
    }

    private func answer(_ request: Request) throws(Problem) -> Response {
        guard let endpoint = Endpoint(rawValue: request.path) else {
            let known = Endpoint.allCases.map(\.rawValue)
            let hint = Spelling.suggestion(for: request.path, among: known)
            throw Problem(.notFound, "There is nothing at \(request.path)\(hint)")
        }
        switch (endpoint, request.method) {
        case (.version, .get):
            try allow([], of: request)
            return response(Version(version: Release.version))
        case (.metrics, .get):
            try allow([], of: request)
            let text = try control.metrics().text
            return Response(status: 200, contentType: Metrics.contentType, body: Array(text.utf8))
        case (.status, .get):
            try allow([], of: request)
            return response(Status(daemon: daemon, volume: try control.status()))
        case (.backendCheck, .get):
            let items = try allow(["id"], of: request)
            return response(try control.checkBackends(items["id"]))
        case (.cache, .get):
            try allow([], of: request)
            return response(try control.cacheState())
        case (.cacheClear, .post):
            try allow([], of: request)
            return response(try control.clearCache())
        case (.cachePin, .post):
            try allow([], of: request)
            let change: PinChange = try body(request)
            try check(path: change.path)
            return response(try control.changePins(change))
        case (.events, .get): return try events(request)
        case (.flush, .post): return try flush(request)
        case (.list, .get): return response(try list(request))
        case (.file, .get): return response(try details(request))
        case (.file, .patch): return response(try changeFile(request))
        case (.file, .delete): return response(try removeFile(request))
        case (.directory, .post): return response(try makeDirectory(request), status: 201)
        case (.content, .get): return try content(request)
        case (.tags, .get): return response(try tags(request))
        case (.tags, .post): return response(try changeTags(request))
        case (.bulkTags, .post): return try changeManyTags(request)
        case (.tagKeys, .get):
            try allow([], of: request)
            return response(try control.tagKeys())
        case (.tagValues, .get):
            let items = try allow(["key"], of: request)
            return response(try control.tagValues(try required("key", items)))
        case (.tagRename, .post): return try renameTag(request)
        case (.tagAuto, .post): return try tagAutomatically(request)
        case (.tagExport, .get):
            let items = try allow(["after", "limit"], of: request)
            return response(try control.exportTags(after: items["after"], limit: try limit(items)))
        case (.tagImport, .post):
            try allow([], of: request)
            return response(try control.importTags(try body(request)))
        case (.search, .get): return response(try search(request))
        case (.filters, .get):
            try allow([], of: request)
            return response(Filters(filters: try control.filters()))
        case (.filters, .post): return response(try createFilter(request), status: 201)
        case (.filter, .get): return response(try control.filter(at: try filterPath(request)))
        case (.filter, .patch): return response(try updateFilter(request))
        case (.filter, .delete):
            return response(try control.deleteFilter(at: try filterPath(request)))
        case (.filterTest, .get): return response(try testFilter(request))
        case (.filterExplain, .get):
            let items = try allow(["query"], of: request)
            return response(try control.explain(try required("query", items)))
        default:
            throw Problem(.wrongMethod, "\(request.path) does not understand this method.")
        }
    }

    private func list(_ request: Request) throws(Problem) -> Listing {
        let items = try allow(["path", "after", "limit"], of: request)
        let path = try filePath(items)
        return try control.list(path, after: items["after"], limit: try limit(items))
    }

    private func tags(_ request: Request) throws(Problem) -> FileTags {
        let path = try filePath(try allow(["path"], of: request))
        return FileTags(path: path, tags: try control.tags(of: path))
    }

    private func changeTags(_ request: Request) throws(Problem) -> FileTags {
        try allow([], of: request)
        let change: TagChange = try body(request)
        try check(path: change.path)
        for tag in change.set + change.add { try check(tag, needsValue: true) }
        for tag in change.remove { try check(tag, needsValue: false) }
        return FileTags(path: change.path, tags: try control.changeTags(change))
    }

    private func search(_ request: Request) throws(Problem) -> Matches {
        let items = try allow(["query", "after", "limit"], of: request)
        let query = try required("query", items)
        return try control.search(query, after: items["after"], limit: try limit(items))
    }

    private func createFilter(_ request: Request) throws(Problem) -> Filter {
        try allow([], of: request)
        let draft: FilterDraft = try body(request)
        guard let path = draft.path, let query = draft.query else {
            throw Problem(.malformed, "A new filter needs a 'path' and a 'query'.")
        }
        try check(filterPath: path)
        let filter = Filter(
            path: path,
            query: query,
            layout: draft.layout ?? .flat,
            names: draft.names ?? .collide,
            case: draft.case ?? .exact,
            assert: draft.assert ?? false,
            unlink: draft.unlink ?? .refuse,
            source: .stored
        )
        return try control.createFilter(filter)
    }

    private func updateFilter(_ request: Request) throws(Problem) -> Filter {
        let path = try filterPath(request)
        let draft: FilterDraft = try body(request)
        guard draft != FilterDraft() else {
            throw Problem(.malformed, "Nothing of \(path) is to be changed.")
        }
        if let moved = draft.path { try check(filterPath: moved) }
        return try control.updateFilter(at: path, draft)
    }

    private func testFilter(_ request: Request) throws(Problem) -> FilterTest {
        let items = try allow(["query", "limit"], of: request)
        return try control.testFilter(try required("query", items), limit: try limit(items))
    }
}

// MARK: - Reading requests

extension Router {
    func response(_ message: some Message, status: Int = 200) -> Response {
        Response(status: status, contentType: "application/json", body: message.json())
    }

    func body<M: Message>(_ request: Request) throws(Problem) -> M {
        do throws(MessageError) {
            return try M(json: request.body)
        } catch {
            throw Problem(.malformed, "The body cannot be read: \(error.reason).")
        }
    }

    /// The items of the query, none of which is unknown: a misspelt one would be silently ignored.
    @discardableResult
    func allow(_ names: [String], of request: Request) throws(Problem) -> QueryItems {
        let items: QueryItems
        do throws(MessageError) {
            items = try QueryItems(received: request.query)
        } catch {
            throw Problem(
                .malformed,
                "The query of \(request.path) cannot be read: \(error.reason)."
            )
        }
        for name in items.names where !names.contains(name) {
            let hint = Spelling.suggestion(for: name, among: names)
            throw Problem(.malformed, "\(request.path) has no item '\(name)'\(hint)")
        }
        return items
    }

    func required(_ name: String, _ items: QueryItems) throws(Problem) -> String {
        guard let value = items[name], !value.isEmpty else {
            throw Problem(.malformed, "The query item '\(name)' is missing.")
        }
        return value
    }

    func limit(_ items: QueryItems) throws(Problem) -> Int {
        guard let text = items["limit"] else { return Self.usualPage }
        guard let limit = Int(text), (1...Endpoint.largestPage).contains(limit) else {
            let range = "from 1 to \(Endpoint.largestPage)"
            throw Problem(.malformed, "'limit' is a number \(range), not '\(text)'.")
        }
        return limit
    }

    func filePath(_ items: QueryItems) throws(Problem) -> String {
        let path = try required("path", items)
        try check(path: path)
        return path
    }

    func filterPath(_ request: Request) throws(Problem) -> String {
        let path = try required("path", try allow(["path"], of: request))
        try check(filterPath: path)
        return path
    }

    func check(path: String) throws(Problem) {
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            let example = "such as /backends/selfhosted/a.txt"
            throw Problem(.malformed, "'\(path)' is not an absolute path, \(example).")
        }
    }

    func check(filterPath path: String) throws(Problem) {
        guard let problem = FilterPath.problem(with: path) else { return }
        throw Problem(.unusable, "The filter path '\(path)' \(problem).")
    }

    func check(_ tag: Tag, needsValue: Bool) throws(Problem) {
        let isKey = (1...longestTagKeyBytes).contains(tag.key.utf8.count)
        guard isKey, !tag.key.utf8.contains(where: { $0 == 0 || $0 == 10 }) else {
            let rule = "1 to \(longestTagKeyBytes) bytes without a line break"
            throw Problem(.unusable, "The tag key '\(tag.key)' cannot be used: it has \(rule).")
        }
        guard !needsValue || !tag.values.isEmpty else {
            throw Problem(.unusable, "The tag '\(tag.key)' needs a value; a flag has an empty one.")
        }
        for value in tag.values where value.utf8.contains(where: { $0 == 0 || $0 == 10 }) {
            let why = "a line break separates values"
            throw Problem(.unusable, "A value of the tag '\(tag.key)' has two lines; \(why).")
        }
    }
}

/// What is left of an extended attribute's name (255 bytes) after `user.tag.`.
private let longestTagKeyBytes = 246

extension Response {
    init(_ problem: Problem) {
        self.init(
            status: problem.status,
            contentType: Problem.contentType,
            body: problem.json()
        )
    }
}
