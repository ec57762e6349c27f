public import Base
import Metadata
import SQLite

extension Volume {
    /// Tells the kernel that something has changed without its doing; never waits.
    ///
    /// It may be called within the transaction that makes the change.
    func notify(_ notice: Notice) { notices.update { $0.add(notice) } }

    func notifyOfName(_ entry: Entry) {
        guard entry.isAttached else { return }
        notify(.name(entry.name, in: UInt64(bitPattern: entry.parent)))
    }

    /// For changes that others than the kernel make through the volume's own calls.
    public func notifyOfName(_ name: Name, in directory: UInt64) {
        notify(.name(name, in: directory))
        notify(.attributes(of: directory))
    }

    public func notifyOfChange(of inode: UInt64) { notify(.attributes(of: inode)) }

    /// Permissions that new files and directories do not get.
    public var usualMask: UInt32 { 0o777 & ~options.directoryMode }

    /// Waits for notices; `nil` after `endNotices`.
    ///
    /// They are for one thread that holds no lock and answers no request: the kernel takes locks of its
    /// own to forget something, and may have to wait for an answer of ours to get them.
    public func nextNotices() -> [Notice]? {
        let batch: [Notice]? = notices.wait { queue -> [Notice]?? in
            if queue.hasEnded { return .some(nil) }
            return queue.take().map { .some($0) }
        }
        // Whoever asks anew shall find what has changed: transactions that were under way are over
        // when this one has had its turn.
        if batch != nil { try? metadata.database.write { (_) throws(Errno) in } }
        return batch
    }

    public func endNotices() { notices.update { $0.end() } }
}
