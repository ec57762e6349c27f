public import Base
public import Metadata
import SQLite

/// How far the stores have caught up with what was pending when somebody began to wait.
public struct FlushProgress: Equatable, Sendable {
    public var left: PendingWork
    public var doneObjects: Int64
    public var doneBytes: Int64
    public var objectsPerSecond: Double
    public var bytesPerSecond: Double
    /// How long the rest may take; `nil` while nothing moves, or some of it fails.
    public var secondsLeft: Double?
}

/// How waiting for the stores ended.
public enum FlushOutcome: Equatable, Sendable {
    case done
    /// All that is left was tried and failed; it is tried again later.
    case failed([Undelivered])
    case timedOut([Undelivered])
    /// Nobody waits any more, or the volume ends.
    case abandoned
}

/// Something that its store has not got.
public struct Undelivered: Equatable, Sendable {
    /// Absolute in the volume; of what was removed, where it lay.
    public var path: String
    /// Why, if it was tried.
    public var error: String?
}

extension Volume {
    /// Where what `path` names has to get to.
    public func workScope(of path: String) throws(Errno) -> WorkScope {
        let found = FileID(bitPattern: try resolve(path).inode)
        if found == .root || found == .backends { return .everything }
        if let backend = backends.values.first(where: { $0.root == found }) {
            return .backend(backend.number)
        }
        let file = try file(found)
        guard file.isDirectory else { return .file(file.id) }
        guard file.backend != 0 else { throw .invalid }
        let place = try place(of: file)
        return .directory(file.id, backend: file.backend, prefix: place.prefix)
    }

    /// Waits until the stores have what is pending now, and makes it due whatever it was waiting for.
    ///
    /// What becomes pending later is not waited for. It ends early where all that is left was tried
    /// since and failed.
    ///
    /// - Parameters:
    ///   - seconds: wait no longer.
    ///   - evenLater: also for what becomes pending meanwhile: nobody writes any more.
    ///   - orReachable: what failed is waited for as well until its store can be reached.
    ///   - tell: called about once a second, and at the beginning; `false` ends the waiting.
    public func flush(
        _ scope: WorkScope,
        atMost seconds: Double = .infinity,
        evenLater: Bool = false,
        orReachable isPatient: Bool = false,
        tell: (FlushProgress) -> Bool
    ) throws(Errno) -> (FlushOutcome, FlushProgress) {
        saveOpenFiles()
        let begin = Timestamp.now()
        let moment = evenLater ? Timestamp(nanoseconds: .max) : begin
        let first = monotonicSeconds()
        try metadata.database.write { (rows) throws(Errno) in rows.hastenWork(scope, at: begin) }
        wakeSchedule()
        var all: PendingWork?
        var lastTold = -Double.infinity
        while true {
            let start = monotonicSeconds()
            let left = try pending(scope, at: moment, failedAfter: begin)
            let now = progress(from: all ?? left, to: left)
            all = all ?? left
            if left.count == 0 { return (.done, now) }
            let hasTime = start < first + Self.secondChanceSeconds
            if left.failed == left.count, !hasTime, !isPatient || !isAnyOutOfReach {
                return (.failed(try undelivered(scope, at: moment)), now)
            }
            if start >= first + seconds {
                return (.timedOut(try undelivered(scope, at: moment)), now)
            }
            if start - lastTold >= Self.tellingSeconds {
                lastTold = start
                guard tell(now) else { return (.abandoned, now) }
            }
            // To look at a million changes takes a while, and is to stay a small part of the work.
            let cost = monotonicSeconds() - start
            let pause = min(
                max(Self.shortestPauseSeconds, 10 * cost),
                max(0.01, first + seconds - start)
            )
            let isStopping = schedule.wait(atMost: pause) { $0.stopping ? true : nil }
            if isStopping ?? leavesRest { return (.abandoned, now) }
        }
    }

    /// What failed once may be done at the next try, such as after a conflict.
    private static let secondChanceSeconds: Double = 4
    private static let tellingSeconds: Double = 1
    private static let shortestPauseSeconds: Double = 0.05
    /// So many are named, of those that did not arrive.
    private static let mostNamed = 100

    func noteDelivery(ofObjects objects: Int, bytes: Int64) {
        delivered.withLock {
            $0.add(objects: Int64(objects), bytes: bytes, at: monotonicSeconds())
        }
    }

    /// Has the time counted that a delivery takes, or a try of one.
    func countingTime<R, E>(_ body: () throws(E) -> R) throws(E) -> R {
        delivered.withLock { $0.begin(at: monotonicSeconds()) }
        defer { delivered.withLock { $0.end(at: monotonicSeconds()) } }
        return try body()
    }

    /// What is pending, and how fast it becomes less.
    public func pendingProgress() throws(Errno) -> FlushProgress {
        let left = try metadata.database.read { (rows) throws(Errno) in
            rows.pendingWork(.everything, at: .now())
        }
        return progress(from: left, to: left)
    }

    private func pending(
        _ scope: WorkScope,
        at moment: Timestamp,
        failedAfter tried: Timestamp
    ) throws(Errno) -> PendingWork {
        try metadata.database.read { (rows) throws(Errno) in
            rows.pendingWork(scope, at: moment, failedAfter: tried)
        }
    }

    private func progress(from all: PendingWork, to left: PendingWork) -> FlushProgress {
        let rate = delivered.withLock { $0.rate(at: monotonicSeconds()) }
        // What a store does not take, or that does not answer, tells nobody how long it will take.
        let canTell = left.failed == 0 && !isAnyOutOfReach
        return FlushProgress(
            left: left,
            doneObjects: max(0, all.count - left.count),
            doneBytes: max(0, all.uploadBytes - left.uploadBytes),
            objectsPerSecond: rate.objectsPerSecond,
            bytesPerSecond: rate.bytesPerSecond,
            secondsLeft: canTell
                ? rate.seconds(forObjects: left.count, bytes: left.uploadBytes) : nil
        )
    }

    private var isAnyOutOfReach: Bool { backends.values.contains { $0.isOutOfReach } }

    func undelivered(
        _ scope: WorkScope,
        at moment: Timestamp
    ) throws(Errno) -> [Undelivered] {
        try metadata.database.read { (rows) throws(Errno) in
            rows.undoneWork(scope, at: moment, limit: Self.mostNamed).map { undone in
                Undelivered(path: place(of: undone, rows), error: undone.error)
            }
        }
    }

    private func place(of undone: UndoneWork, _ rows: Connection) -> String {
        if let file = undone.file, let path = rows.path(of: file) { return path }
        let backend = backends[undone.backend]?.name.text ?? "?"
        return "/backends/\(backend)/\(undone.key?.text ?? "")"
    }
}
