public import Volumes
public import Wire

/// Waits for the stores, and reports how far they are about once a second.
///
/// The last report tells how it ended, and is the only one that is not `running`. It gives up once
/// `report` answers `false`.
public typealias Flushing = @Sendable (_ report: (FlushReport) -> Bool) -> Void

/// What can be asked of a running GoSync: the calls behind the control socket.
///
/// Paths are absolute in the file system shown, such as `/backends/selfhosted/a.txt`. A problem says
/// what happened to which path, and what to do. Methods may block, and are called from several
/// threads at once.
public protocol Control: FileControl {
    func status() throws(Problem) -> VolumeStatus

    /// Numbers for a monitoring system.
    func metrics() throws(Problem) -> Metrics

    /// Asks one backend, or all, whether they are as they should be.
    func checkBackends(_ id: String?) throws(Problem) -> Checks

    func cacheState() throws(Problem) -> CacheState

    /// Removes what could be fetched again and nobody uses, and tells how much that was.
    func clearCache() throws(Problem) -> ClearedCache

    /// Pins the file at a path or those below it, or lets go of them.
    func changePins(_ change: PinChange) throws(Problem) -> ChangedFiles

    /// The change log after a change; without one, what happens from now on.
    func events(after seq: Int64?) throws(Problem) -> EventSource

    /// Gets ready to wait until the stores have what is pending.
    func flush(_ flush: Flush) throws(Problem) -> Flushing

    /// A page of a directory's entries, or the entry of a file; `limit` is from 1 to
    /// `Endpoint.largestPage`.
    func list(_ path: String, after: String?, limit: Int) throws(Problem) -> Listing

    /// By key, the values in order.
    func tags(of path: String) throws(Problem) -> [Tag]

    /// Changes all at once or nothing, and returns the tags as they are then.
    func changeTags(_ change: TagChange) throws(Problem) -> [Tag]

    /// Changes the tags of many files, all or none.
    func changeTags(
        _ change: BulkTagChange,
        telling: Telling
    ) throws(Problem) -> ChangedFiles

    /// The keys in use.
    func tagKeys() throws(Problem) -> TagUse

    /// The values in use under a key, the most frequent first.
    func tagValues(_ key: String) throws(Problem) -> TagUse

    func renameTag(_ rename: TagRename, telling: Telling) throws(Problem) -> ChangedFiles

    /// Tags files by what something tells of them, all or none.
    func tagAutomatically(_ request: AutoTag, telling: Telling) throws(Problem) -> ChangedFiles

    /// A page of all files with tags or attributes.
    func exportTags(after: String?, limit: Int) throws(Problem) -> TaggedFiles

    /// Adds what an export has, and tells which files are not there.
    func importTags(_ files: TaggedFiles) throws(Problem) -> ImportedTags

    /// How a query is gone about.
    func explain(_ query: String) throws(Problem) -> QueryPlan

    /// A page of the files that match, in an order that stays.
    func search(_ query: String, after: String?, limit: Int) throws(Problem) -> Matches

    /// By path.
    func filters() throws(Problem) -> [Filter]

    func filter(at path: String) throws(Problem) -> Filter

    /// Stores a new filter, and makes the directories above it.
    func createFilter(_ filter: Filter) throws(Problem) -> Filter

    /// Changes what the draft holds; a filter of the configuration is a conflict.
    func updateFilter(at path: String, _ change: FilterDraft) throws(Problem) -> Filter

    /// Removes a filter, and returns what it was; a filter of the configuration is a conflict.
    func deleteFilter(at path: String) throws(Problem) -> Filter

    /// Counts what a query matches, and returns the first `limit` of it.
    func testFilter(_ query: String, limit: Int) throws(Problem) -> FilterTest
}
