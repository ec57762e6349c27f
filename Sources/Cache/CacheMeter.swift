public import Base

/// What was read through a cache, and what of it had to be fetched.
public final class CacheMeter: Sendable {
    /// Reads of which every byte was here.
    public let hits = Counter()
    /// Reads that had to wait for bytes.
    public let misses = Counter()
    public let readBytes = Counter()
    public let fetchedBytes = Counter()

    init() {}
}
