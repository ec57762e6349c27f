public import Base
import Cache
import Metadata
import SQLite

extension Volume {
    /// Pins files, or lets go of them, and returns how many regular files they are.
    ///
    /// - Throws: `ENOSPC` if all pinned files together would leave the cache too little.
    public func setPinned(_ isPinned: Bool, below path: String) throws(VolumeProblem) -> Int {
        let files = try files(.paths([path], recursive: true)) ?? []
        let limit = cache.sizeBytes / 4 * 3
        return try metadata.database.write { (rows) throws(VolumeProblem) in
            let regular = files.filter { rows.file($0)?.kind == .regular }
            for file in regular where !isPinned { cache.unpin(file, in: rows) }
            guard isPinned else { return regular.count }
            let all = Set(cache.pinnedFiles).union(regular)
            let total = all.reduce(0) { $0 + (rows.file($1)?.size ?? 0) }
            guard total <= limit else { throw .errno(.noSpace) }
            for file in regular { cache.pin(file, in: rows) }
            return regular.count
        }
    }

    /// The paths of pinned files, as far as they have one.
    public func pinnedPaths() throws(Errno) -> [String] {
        let files = cache.pinnedFiles
        return try metadata.database.read { (rows) throws(Errno) in
            files.compactMap { rows.path(of: $0) }.sorted { Name($0) < Name($1) }
        }
    }

    public func clearCache() throws(Errno) -> Int64 { try cache.clear() }

    /// A new version takes over what was said of the old one: tags, attributes, and that it is pinned.
    func carry(from old: FileID, to new: FileID, _ rows: Connection) {
        rows.carryTags(from: old, to: new)
        cache.carryPin(from: old, to: new, in: rows)
    }
}
