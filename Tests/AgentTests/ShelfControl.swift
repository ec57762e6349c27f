import Agent
import Base
import Synchronization
import Volumes
import Wire

/// A volume of a few files in memory, for tests of what lies in front of one.
final class ShelfControl: Control {
    struct State {
        var tags: [String: [Tag]] = ["/backends/a/x": [], "/backends/a/new\nline": []]
        var filters: [String: Filter] = [:]
        var contents: [String: [UInt8]] = [:]
    }

    let state = Mutex(State())
    static let moment = Moment(Timestamp(seconds: 0))

    func status() throws(Problem) -> VolumeStatus {
        VolumeStatus(
            backends: [.init(id: "a", type: "local", place: "/a", readOnly: false, error: nil)],
            cache: .init(usedBytes: 1, sizeBytes: 2),
            pendingUploads: 0,
            pendingBytes: 0,
            files: state.withLock { $0.tags.count },
            tags: 0,
            filters: 0
        )
    }

    func metrics() throws(Problem) -> Metrics {
        var metrics = Metrics()
        metrics.add("files", .gauge, "Files there are.", state.withLock { $0.tags.count })
        return metrics
    }

    func checkBackends(_ id: String?) throws(Problem) -> Checks {
        Checks(checks: [Check("backend a", .ok, "answers in 1 ms")])
    }

    func cacheState() throws(Problem) -> CacheState {
        CacheState(usedBytes: 1, sizeBytes: 2, unsentBytes: 0, pinned: [])
    }

    func clearCache() throws(Problem) -> ClearedCache { ClearedCache(freedBytes: 1) }

    func changePins(_ change: PinChange) throws(Problem) -> ChangedFiles { ChangedFiles(files: 1) }

    func events(after seq: Int64?) throws(Problem) -> EventSource {
        EventSource(start: seq ?? 0, mark: { 0 }) { _ throws(Problem) in [] }
    }

    func flush(_ flush: Flush) throws(Problem) -> Flushing {
        if let path = flush.path { _ = try tags(of: path) }
        return { report in
            for left in (0...2).reversed() {
                let state = left == 0 ? FlushReport.State.done : .running
                let line = FlushReport(
                    state: state,
                    objectsDone: 2 - left,
                    bytesDone: 0,
                    objectsLeft: left,
                    bytesLeft: 0
                )
                guard report(line) else { return }
            }
        }
    }

    func list(_ path: String, after: String?, limit: Int) throws(Problem) -> Listing {
        guard path == "/backends/a" else { throw Problem(.noEntry, path: path) }
        let entries = (0..<limit).map { number in
            Entry(
                name: "\(after ?? "")\(number)",
                kind: .file,
                inode: 1,
                sizeBytes: 0,
                mode: 0o644,
                owner: 0,
                group: 0,
                modified: Self.moment
            )
        }
        return Listing(path: path, entries: entries, next: after == nil ? "2" : nil)
    }

    func tags(of path: String) throws(Problem) -> [Tag] {
        guard let tags = state.withLock({ $0.tags[path] }) else {
            throw Problem(.noEntry, path: path)
        }
        return tags
    }

    func changeTags(_ change: TagChange) throws(Problem) -> [Tag] {
        _ = try tags(of: change.path)
        return state.withLock { state in
            state.tags[change.path] = change.set + change.add
            return change.set + change.add
        }
    }

    func changeTags(
        _ change: BulkTagChange,
        telling: Telling
    ) throws(Problem) -> ChangedFiles {
        let files = change.paths ?? []
        for (index, path) in files.enumerated() {
            telling(index, files.count)
            _ = try tags(of: path)
        }
        return ChangedFiles(files: files.count)
    }

    func tagAutomatically(_ request: AutoTag, telling: Telling) throws(Problem) -> ChangedFiles {
        ChangedFiles(files: 0, proposed: request.dryRun == true ? [] : nil)
    }

    func tagKeys() throws(Problem) -> TagUse { TagUse(counts: []) }

    func tagValues(_ key: String) throws(Problem) -> TagUse { TagUse(counts: []) }

    func renameTag(_ rename: TagRename, telling: Telling) throws(Problem) -> ChangedFiles {
        ChangedFiles(files: 0)
    }

    func exportTags(after: String?, limit: Int) throws(Problem) -> TaggedFiles {
        TaggedFiles(files: [])
    }

    func importTags(_ files: TaggedFiles) throws(Problem) -> ImportedTags {
        ImportedTags(files: files.files.count, missing: [])
    }

    func explain(_ query: String) throws(Problem) -> QueryPlan {
        QueryPlan(query: query, tree: query, sql: "", plan: [], rows: 0, warnings: [])
    }

    func search(_ query: String, after: String?, limit: Int) throws(Problem) -> Matches {
        let path = "/backends/a/\(query)"
        return Matches(files: [Match(path: path, sizeBytes: 1, modified: Self.moment)])
    }

    func filters() throws(Problem) -> [Filter] {
        state.withLock { $0.filters.values.sorted { $0.path < $1.path } }
    }

    func filter(at path: String) throws(Problem) -> Filter {
        guard let filter = state.withLock({ $0.filters[path] }) else {
            throw Problem(.noEntry, path: path)
        }
        return filter
    }

    func createFilter(_ filter: Filter) throws(Problem) -> Filter {
        let isNew = state.withLock { state in
            defer { state.filters[filter.path] = state.filters[filter.path] ?? filter }
            return state.filters[filter.path] == nil
        }
        guard isNew else { throw Problem(.exists, path: filter.path) }
        return filter
    }

    func updateFilter(at path: String, _ change: FilterDraft) throws(Problem) -> Filter {
        var filter = try filter(at: path)
        filter.query = change.query ?? filter.query
        filter.names = change.names ?? filter.names
        state.withLock { $0.filters[path] = filter }
        return filter
    }

    func deleteFilter(at path: String) throws(Problem) -> Filter {
        let filter = try filter(at: path)
        state.withLock { $0.filters[path] = nil }
        return filter
    }

    func testFilter(_ query: String, limit: Int) throws(Problem) -> FilterTest {
        FilterTest(query: query, count: limit, files: [])
    }
}
