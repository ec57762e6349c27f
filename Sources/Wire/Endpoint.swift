/// The resources of the control API; `docs/api.md` describes each.
///
/// Paths of files and filters travel as query items or in bodies, never as part of the URL's own
/// path, where `//` and `..` would mean something else to programs on the way.
public enum Endpoint: String, CaseIterable, Sendable {
    /// For monitoring systems, which look for it here.
    case metrics = "/metrics"
    case version = "/v1/version"
    case status = "/v1/status"
    case backendCheck = "/v1/backends/check"
    case cache = "/v1/cache"
    case cacheClear = "/v1/cache/clear"
    case cachePin = "/v1/cache/pin"
    case events = "/v1/events"
    case flush = "/v1/flush"
    case list = "/v1/list"
    case file = "/v1/file"
    case directory = "/v1/directory"
    case content = "/v1/content"
    case tags = "/v1/tags"
    case bulkTags = "/v1/tags/bulk"
    case tagKeys = "/v1/tags/keys"
    case tagValues = "/v1/tags/values"
    case tagRename = "/v1/tags/rename"
    case tagAuto = "/v1/tags/auto"
    case tagExport = "/v1/tags/export"
    case tagImport = "/v1/tags/import"
    case search = "/v1/search"
    case filters = "/v1/filters"
    case filter = "/v1/filter"
    case filterTest = "/v1/filters/test"
    case filterExplain = "/v1/filters/explain"

    /// The most entries, files or matches of one answer; more are fetched page by page.
    public static let largestPage = 1000
}
