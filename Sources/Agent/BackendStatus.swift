import Stores
import Volumes
import Wire

extension VolumeStatus.Backend {
    init(_ backend: VolumeSummary.Backend) {
        var state: State =
            switch backend.state {
            case .provisioning: .provisioning
            case .ready: .ready
            case .offline: .offline
            case .error: .error
            }
        // Uploads that failed count as a fault of the backend, though it may answer otherwise.
        if backend.failed > 0, backend.problem == nil { state = .error }
        self.init(
            id: backend.name,
            name: backend.label,
            type: backend.type,
            place: backend.place,
            readOnly: backend.isReadOnly,
            source: backend.isProvisioned ? .provisioned : .configuration,
            state: state,
            error: backend.problem ?? Self.undelivered(backend),
            conditions: backend.capabilities.map { Conditions($0) }
        )
    }

    private static func undelivered(_ backend: VolumeSummary.Backend) -> String? {
        guard backend.failed > 0 else { return nil }
        let files = backend.failed == 1 ? "1 change" : "\(backend.failed) changes"
        return "\(files) could not be delivered, and will be tried again; see the log"
    }
}

extension VolumeStatus.Backend.Conditions {
    init(_ capabilities: Capabilities) {
        let delete: Deletion =
            switch capabilities.conditionalDelete {
            case .no: .no
            case .byTime: .byTime
            case .one: .one
            case .always: .always
            }
        self.init(
            put: capabilities.conditionalPut,
            copy: capabilities.conditionalCopy,
            delete: delete
        )
    }
}
