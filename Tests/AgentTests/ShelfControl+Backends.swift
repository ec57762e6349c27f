import Agent
import Synchronization
import Wire

/// Backends that are only noted.
extension ShelfControl: BackendControl {
    func provision(_ settings: BackendSettings) throws(Problem) -> VolumeStatus.Backend {
        let id = settings.id ?? ""
        guard id != "a" else { throw Problem(.conflict, "a: there is one") }
        return .init(id: id, type: "s3", place: "", readOnly: false, error: nil)
    }

    func updateBackend(
        _ id: String,
        _ change: BackendSettings
    ) throws(Problem) -> VolumeStatus.Backend {
        .init(id: id, name: change.name, type: "s3", place: "", readOnly: false, error: nil)
    }

    func removeBackend(_ id: String, force: Bool) throws(Problem) -> RemovedBackend {
        RemovedBackend(id: id, lostChanges: force ? 1 : 0, lost: [])
    }

    func rotateSecret(_ rotation: SecretRotation) throws(Problem) -> RotatedSecret {
        RotatedSecret(backends: 1, advice: rotation.secret)
    }

    func scan(_ request: ScanRequest) throws(Problem) -> Scanning {
        let path = request.path
        return { report in
            for state in [ScanReport.State.running, .done] {
                let line = ScanReport(
                    state: state,
                    path: path,
                    dryRun: request.dryRun ?? false,
                    began: Self.moment
                )
                guard report(line) else { return }
            }
        }
    }

    func scans() throws(Problem) -> Scans { Scans(scans: []) }
}
