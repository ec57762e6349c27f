import Base
public import Volumes
public import Wire

extension Volume {
    public func cacheState() throws(Problem) -> CacheState {
        try about("the cache") { () throws(Errno) in
            let summary = try summary()
            return CacheState(
                usedBytes: summary.cacheBytes,
                sizeBytes: summary.cacheSizeBytes,
                unsentBytes: summary.pendingBytes,
                pinned: try pinnedPaths()
            )
        }
    }

    public func clearCache() throws(Problem) -> ClearedCache {
        try about("the cache") { () throws(Errno) in ClearedCache(freedBytes: try clearCache()) }
    }

    public func changePins(_ change: PinChange) throws(Problem) -> ChangedFiles {
        do throws(VolumeProblem) {
            return ChangedFiles(files: try setPinned(change.pinned, below: change.path))
        } catch {
            guard error == .errno(.noSpace) else { throw Problem(error, path: change.path) }
            let rule = "pinned files may be as large as three quarters of the cache together"
            throw Problem(.full, "\(change.path): \(rule); set a larger [cache] size")
        }
    }
}
