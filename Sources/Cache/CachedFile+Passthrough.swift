public import Base

// Lending a cache file to someone who then reads it without asking: the kernel, for passthrough.

extension CachedFile {
    /// Whether every byte is here, the object's own, and was compared with its checksum by this process.
    ///
    /// A small rest is compared now; a larger one is for ordinary reads to compare. The file must be
    /// pinned, or the answer may be out of date at once.
    ///
    /// - Parameter size: of the file; one that was changed here since differs from its object.
    public func isSound(size: Int64) throws(Errno) -> Bool {
        guard size > 0, table.withLock({ $0.base }) == size else { return false }
        // Without this answer, nobody could say later when the loan is over.
        guard descriptor.isOpenElsewhere != nil else { return false }
        if isKnownSound { return true }
        // Cheap to ask, and mostly the answer: a file that lacks something has a hole.
        guard try descriptor.firstHole() >= size else { return false }
        try load(0..<size)
        guard let rest = table.withLock({ $0.unverified(atMost: Self.inlineChunks) }) else {
            return false
        }
        for chunk in rest {
            guard verify(chunk) else { return false }
        }
        noteSound()
        return true
    }

    /// Remembers beyond the last close what was compared while the file was open.
    public func noteSoundness() {
        if table.withLock({ $0.unverified(atMost: 0) }) != nil { noteSound() }
    }

    private var isKnownSound: Bool { cache.isKnownSound(number, try? descriptor.status()) }

    private func noteSound() { cache.noteSound(number, try? descriptor.status()) }

    /// Keeps the bytes where they are until `unpin`: none is evicted.
    public func pin() {
        table.wait { table -> Bool? in
            if table.frozen || table.evictions > 0 { return nil }
            table.pins += 1
            return true
        }
    }

    public func unpin() { table.update { $0.pins -= 1 } }

    /// Whether holes may be punched into the file; asked once an eviction has begun.
    ///
    /// A program may have mapped it by way of the kernel and closed it since. Only the file system
    /// knows of that.
    var isPunchable: Bool {
        guard table.withLock({ $0.pins }) == 0, descriptor.isOpenElsewhere != true else {
            return false
        }
        cache.forgetSound(number)
        return true
    }

    /// What is compared when a file is opened: 16 MiB, some milliseconds.
    private static let inlineChunks = 128
}

extension ChunkTable {
    /// The chunks that this process has not compared; `nil` if they are more than `limit`, or one is
    /// not here or not the object's.
    func unverified(atMost limit: Int) -> [Int]? {
        let last = Self.extents(of: 0..<base).upperBound
        guard last > 0, extents.count >= last else { return nil }
        var rest: [Int] = []
        for number in 0..<last {
            let first = number * ChunkSize.chunksPerExtent
            let count = min(Self.chunks(of: 0..<base).upperBound - first, ChunkSize.chunksPerExtent)
            let all = UInt32.max >> UInt32(ChunkSize.chunksPerExtent - count)
            guard let extent = extents[number], extent.valid & all == all, extent.dirty & all == 0
            else { return nil }
            let missing = all & ~extent.verified
            guard rest.count + missing.nonzeroBitCount <= limit else { return nil }
            rest += (0..<count).filter { missing & (1 << UInt32($0)) != 0 }.map { first + $0 }
        }
        return rest
    }
}

extension BlockCache {
    /// What tells that a file which was compared is still the same.
    struct SoundFile: Equatable {
        let sizeBytes: Int64
        let modified: Timestamp

        init(_ status: FileStatus) {
            sizeBytes = status.sizeBytes
            modified = status.modified
        }
    }

    func isKnownSound(_ number: Int64, _ status: FileStatus?) -> Bool {
        guard let status else { return false }
        return sound.withLock { $0[number] == SoundFile(status) }
    }

    func noteSound(_ number: Int64, _ status: FileStatus?) {
        guard let status else { return }
        sound.withLock { sound in
            // Forgetting costs a comparison.
            if sound.count >= Self.soundLimit { sound = [:] }
            sound[number] = SoundFile(status)
        }
    }

    func forgetSound(_ number: Int64) { sound.withLock { $0[number] = nil } }

    private static let soundLimit = 1 << 16
}
