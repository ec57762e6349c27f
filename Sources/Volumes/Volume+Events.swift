public import Base
public import Metadata
import SQLite
import Synchronization

extension Volume {
    /// A page of the change log: what follows a change, in order.
    public func changes(after seq: Int64, limit: Int) throws(Errno) -> [Change] {
        try metadata.database.read { (rows) throws(Errno) in
            rows.changes(after: seq, limit: limit)
        }
    }

    /// The numbers of the oldest and the newest change that the log has; 0 where it has none.
    public func changeBounds() throws(Errno) -> (oldest: Int64, newest: Int64) {
        try metadata.database.read { (rows) throws(Errno) in rows.changeBounds() }
    }

    /// Moves whenever the log may have grown, and costs nothing to look at.
    public var changeMark: Int { metadata.database.changeCount }

    /// How long a change stays in the log.
    private static let changeSeconds: Double = 365 * 24 * 3600
    /// How many changes the log keeps at most: some 200 MB.
    private static let mostChanges: Int64 = 1_000_000
    /// How many go in one step.
    private static let changesAtOnce = 1000
    private static let forgettingPauseSeconds: Double = 60

    /// Forgets a few of the oldest changes, now and then; called when there is nothing else to do.
    func forgetChanges() {
        let now = monotonicSeconds()
        guard schedule.withLock({ $0.admitForgetting(at: now, every: Self.forgettingPauseSeconds) })
        else { return }
        let old = Timestamp.now().adding(seconds: -Self.changeSeconds)
        do throws(Errno) {
            var count = Self.changesAtOnce
            while count == Self.changesAtOnce, !schedule.withLock({ $0.stopping }) {
                count = try metadata.database.write { (rows) throws(Errno) in
                    rows.forgetChanges(
                        before: old,
                        keeping: Self.mostChanges,
                        limit: Self.changesAtOnce
                    )
                }
            }
        } catch {
            Log.error("the change log cannot be shortened: \(error)")
        }
    }
}
