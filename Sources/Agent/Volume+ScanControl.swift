import Base
public import Volumes
public import Wire

extension Volume {
    public func scan(_ request: ScanRequest) throws(Problem) -> Scanning {
        let isDry = request.dryRun ?? false
        let number: Int
        do throws(Errno) {
            number = try beginScan(of: request.path, isDry: isDry)
        } catch {
            guard error == .invalid else { throw Problem(error, path: request.path) }
            let advice = "a scan looks at a backend, or at a directory in one"
            throw Problem(.unusable, "\(request.path): \(advice)")
        }
        return { [self] report in watchScan(number) { report(ScanReport($0)) } }
    }

    public func scans() throws(Problem) -> Scans {
        Scans(scans: scanProgress().map(ScanReport.init))
    }
}

extension ScanReport {
    fileprivate init(_ progress: ScanProgress) {
        let state: State =
            switch progress.state {
            case .running: .running
            case .done: .done
            case .failed: .failed
            case .ended: .ended
            }
        self.init(
            state: state,
            path: progress.path,
            dryRun: progress.isDry,
            resumed: progress.isResumed,
            began: Moment(progress.began),
            ended: progress.ended.map(Moment.init),
            objects: progress.objects,
            objectsPerSecond: progress.objectsPerSecond,
            new: progress.new,
            changed: progress.changed,
            vanished: progress.vanished,
            error: progress.problem
        )
    }
}
