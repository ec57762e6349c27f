import Base
import Cache
import Metadata
import SQLite

// Backpressure. What was written and is not in its store uses the cache's disk, and cannot go. Once that
// is all that the cache may use, writers wait for the uploads, before a byte or a row has changed.

extension Volume {
    /// Waits until there is room for a write.
    ///
    /// What is pending is made due, also of files that are open, the writer's own among them: once its
    /// object is in the store, the beginning of a file larger than the cache may go. Must not be called
    /// with a node's `change` token, which the upload of the file needs.
    ///
    /// - Throws: `ENOSPC` where nothing becomes less; `wouldWait` and EINTR as every wait for a store.
    func waitForRoom(_ node: Node) throws(Errno) {
        if cache.makeRoom() { return }
        try node.bytes.bulkhead.admit()
        let begin = Timestamp.now()
        var delivered = deliveredCount
        var since = monotonicSeconds()
        var hastened = -Double.infinity
        while !cache.makeRoom() {
            let now = monotonicSeconds()
            if deliveredCount != delivered {
                delivered = deliveredCount
                since = now
            }
            if now - hastened >= Self.hasteningSeconds {
                hastened = now
                let left = try metadata.database.read { (rows) throws(Errno) in
                    rows.pendingWork(.everything, at: .now(), failedAfter: begin)
                }
                // What fills the cache is being read: it will go, and nobody can say when.
                if left.count == 0 { return }
                let isHopeless = left.failed == left.count
                let limit = isHopeless ? Self.hopelessSeconds : Self.longestUploadSeconds
                guard now - since < limit else { throw .noSpace }
                try hastenUploads()
            }
            try schedule.wait(whileWantedAtMost: Self.lookSeconds) { $0.stopping ? true : nil }
        }
        cache.makeMuchRoom()
    }

    private var deliveredCount: Int64 { delivered.withLock { $0.count } }

    private func hastenUploads() throws(Errno) {
        try metadata.database.write { (rows) throws(Errno) in
            rows.hastenWork(.everything, at: .now(), butFailed: true)
        }
        wakeSchedule()
    }

    private static let lookSeconds = 0.1
    private static let hasteningSeconds = 1.0
    /// How long nothing may be delivered where all that is pending was tried since and failed.
    private static let hopelessSeconds = 20.0
    /// Else a large object may take its time.
    private static let longestUploadSeconds = 600.0
}
