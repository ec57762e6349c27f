import Base
import Metadata
public import Volumes
public import Wire

extension Volume {
    public func flush(_ flush: Flush) throws(Problem) -> Flushing {
        let path = flush.path ?? "/"
        let scope = try about(path) { () throws(Errno) in try workScope(of: path) }
        return { [self] report in
            do throws(Errno) {
                let (outcome, progress) = try self.flush(
                    scope,
                    atMost: flush.timeoutSeconds ?? .infinity
                ) { report(FlushReport(.running, progress: $0)) }
                _ = report(FlushReport(outcome, progress))
            } catch {
                Log.error("flush of \(path): \(error)")
            }
        }
    }
}

extension FlushReport {
    fileprivate init(_ state: State, progress: FlushProgress) {
        self.init(
            state: state,
            objectsDone: Int(progress.doneObjects),
            bytesDone: progress.doneBytes,
            objectsLeft: Int(progress.left.count),
            bytesLeft: progress.left.uploadBytes,
            objectsPerSecond: progress.objectsPerSecond,
            bytesPerSecond: progress.bytesPerSecond,
            secondsLeft: progress.secondsLeft
        )
    }

    fileprivate init(_ outcome: FlushOutcome, _ progress: FlushProgress) {
        switch outcome {
        case .done: self.init(.done, progress: progress)
        case .abandoned: self.init(.ended, progress: progress)
        case .failed(let list):
            self.init(.failed, progress: progress)
            undelivered = list.map { Undelivered(path: $0.path, error: $0.error) }
        case .timedOut(let list):
            self.init(.timedOut, progress: progress)
            undelivered = list.map { Undelivered(path: $0.path, error: $0.error) }
        }
    }
}

extension VolumeStatus.Pending {
    init(_ progress: FlushProgress) {
        self.init()
        uploads = Int(progress.left.uploads)
        copies = Int(progress.left.copies)
        removals = Int(progress.left.removals)
        bytes = progress.left.uploadBytes
        failed = Int(progress.left.failed)
        oldest = progress.left.oldest.map(Moment.init)
        objectsPerSecond = progress.objectsPerSecond
        bytesPerSecond = progress.bytesPerSecond
        secondsLeft = progress.secondsLeft
    }
}
