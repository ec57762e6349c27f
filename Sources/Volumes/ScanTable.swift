public import Base
import Metadata

/// How a look at everything in a store is going, or how it ended.
public struct ScanProgress: Equatable, Sendable {
    public enum State: String, Sendable {
        case running, done
        /// The store did not answer to the end; what it has told counts.
        case failed
        /// GoSync ends; the scan goes on at its next start.
        case ended
    }

    public var number: Int
    /// The directory of which all below is looked at.
    public var path: String
    /// Only counts what there would be to do.
    public var isDry: Bool
    /// It goes on where an earlier run was interrupted.
    public var isResumed: Bool
    public var state = State.running
    public var began: Timestamp
    public var ended: Timestamp?
    public var objects = 0
    public var new = 0
    public var changed = 0
    public var vanished = 0
    public var objectsPerSecond = 0.0
    /// Why it failed.
    public var problem: String?
}

/// The scans under way, and the last ones that ended: a plain value.
struct ScanTable {
    struct Job: Equatable {
        var backend: Int64
        var directory: FileID
        var isDry: Bool
        var began: Timestamp
        var position: Key?
        var isWanted = true
    }

    private(set) var progress: [ScanProgress] = []
    private var jobs: [Int: Job] = [:]
    private var last = 0

    private static let endedLimit = 32

    /// The number of the scan that looks at the same already.
    func running(_ directory: FileID, isDry: Bool) -> Int? {
        jobs.first { $1.directory == directory && $1.isDry == isDry }?.key
    }

    mutating func begin(_ job: Job, path: String, isResumed: Bool) -> Int {
        last += 1
        jobs[last] = job
        progress.append(
            ScanProgress(
                number: last,
                path: path,
                isDry: job.isDry,
                isResumed: isResumed,
                began: .now()
            )
        )
        return last
    }

    func job(_ number: Int) -> Job? { jobs[number] }

    func progress(of number: Int) -> ScanProgress? { progress.first { $0.number == number } }

    /// Notes what was found besides.
    mutating func add(_ number: Int, objects: Int, _ counts: MergeCounts, at now: Timestamp) {
        guard let index = progress.firstIndex(where: { $0.number == number }) else { return }
        progress[index].objects += objects
        progress[index].new += counts.new
        progress[index].changed += counts.changed
        progress[index].vanished += counts.vanished
        let seconds = now.secondsSince(progress[index].began)
        progress[index].objectsPerSecond =
            seconds > 0 ? Double(progress[index].objects) / seconds : 0
    }

    /// Nobody wants to know any more.
    mutating func abandon(_ number: Int) { jobs[number]?.isWanted = false }

    mutating func end(_ number: Int, _ state: ScanProgress.State, problem: String?) {
        jobs[number] = nil
        guard let index = progress.firstIndex(where: { $0.number == number }) else { return }
        progress[index].state = state
        progress[index].problem = problem
        progress[index].ended = .now()
        let ended = progress.filter { $0.state != .running }
        guard ended.count > Self.endedLimit, let oldest = ended.first else { return }
        progress.removeAll { $0.number == oldest.number }
    }
}
