import Base
import Queries

/// A filter as it is watched: what it selects, and by what that may change.
struct WatchedView {
    var filter: Filter
    /// For no particular moment; `nil` where the filter can't be evaluated.
    var query: PreparedQuery?
    var dependencies = Dependencies()
    /// Whether the query refers to other filters, whose change is its own.
    var refersToOthers = false

    /// Which members there are depends on all of them.
    var isLimited: Bool { query?.order?.limit != nil }

    func shows(asMuchAs other: WatchedView) -> Bool {
        filter.query.utf8.elementsEqual(other.filter.query.utf8)
            && filter.layout == other.filter.layout && filter.names == other.filter.names
            && filter.folds == other.filter.folds && dependencies == other.dependencies
            && query?.selects(asMuchAs: other.query) ?? (other.query == nil)
    }
}

/// Which filters a change can affect: a plain value.
struct ViewIndex {
    private(set) var views: [FileID: WatchedView] = [:]
    private var byKey: [String: [FileID]] = [:]
    private var byValue: [Dependencies.TagValue: [FileID]] = [:]
    /// By any of the keys they speak of.
    private var interested: [String: Set<FileID>] = [:]
    private var byCount: [FileID] = []
    private var byAttribute: [FileID] = []
    private var byRow: [FileID] = []
    /// Those that files without tags and attributes may be members of.
    private var openToUntagged: [FileID] = []
    private(set) var needsPaths = false

    var needsAttributes: Bool { !byAttribute.isEmpty }

    init(_ list: [WatchedView]) {
        for view in list {
            let id = view.filter.file
            views[id] = view
            for key in view.dependencies.keys { byKey[key, default: []].append(id) }
            for value in view.dependencies.values { byValue[value, default: []].append(id) }
            for key in view.dependencies.keys { interested[key, default: []].insert(id) }
            for value in view.dependencies.values {
                interested[value.key, default: []].insert(id)
            }
            if view.dependencies.countsTags { byCount.append(id) }
            if view.dependencies.hasAttributes { byAttribute.append(id) }
            if view.dependencies.hasRow { byRow.append(id) }
            if view.dependencies.mayHoldUntagged { openToUntagged.append(id) }
            if view.dependencies.hasPaths || view.filter.layout == .tree { needsPaths = true }
        }
    }

    /// Whether a change of this kind can matter to any filter.
    func isConcerned(by kinds: ChangeKinds) -> Bool {
        if kinds.contains(.names), !views.isEmpty { return true }
        if kinds.contains(.row), !byRow.isEmpty { return true }
        if kinds.contains(.attributes), !byAttribute.isEmpty { return true }
        return kinds.contains(.tags) && !(byKey.isEmpty && byValue.isEmpty && byCount.isEmpty)
    }

    /// Whether tags under some keys matter to any filter but these.
    func isInterested(in keys: [String], besides known: Set<FileID>) -> Bool {
        !known.isSuperset(of: byCount)
            || keys.contains { key in interested[key].map { !known.isSuperset(of: $0) } ?? false }
    }

    /// The filters that may have gained or lost a file, or show it under another name.
    func candidates(_ kinds: ChangeKinds, before: FileFacts, after: FileFacts) -> Set<FileID> {
        var candidates: Set<FileID> = []
        if kinds.contains(.names) {
            let isPlain = [before, after].allSatisfy { $0.tags.isEmpty && $0.attributes.isEmpty }
            if !isPlain { return Set(views.keys) }
            candidates.formUnion(openToUntagged)
        }
        if kinds.contains(.row) { candidates.formUnion(byRow) }
        if kinds.contains(.attributes) { candidates.formUnion(byAttribute) }
        if kinds.contains(.tags) {
            let old = Set(before.tags.map { Dependencies.TagValue($0.key, $0.value.raw) })
            let new = Set(after.tags.map { Dependencies.TagValue($0.key, $0.value.raw) })
            for tag in old.symmetricDifference(new) {
                candidates.formUnion(byKey[tag.key] ?? [])
                candidates.formUnion(byValue[tag] ?? [])
            }
            if before.tags.count != after.tags.count { candidates.formUnion(byCount) }
        }
        return candidates
    }
}
