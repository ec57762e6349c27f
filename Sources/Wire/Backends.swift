/// Body of `POST /v1/backends`, which sets a backend up, and of `PATCH /v1/backend`, which changes one.
///
/// What a change leaves out stays as it is.
public struct BackendSettings: Message {
    public enum Kind: String, Codable, Sendable, CaseIterable { case s3, local }

    /// Its name below `/backends`; only of a new one.
    public var id: String?
    public var type: Kind?
    /// What people call it.
    public var name: String?
    public var endpoint: String?
    public var bucket: String?
    public var prefix: String?
    public var region: String?
    public var accessKey: String?
    public var secretKey: String?
    /// Of the AWS files of the daemon, in place of the two keys.
    public var profile: String?
    public var pathStyle: Bool?
    /// Of a local backend: the directory.
    public var path: String?
    public var readOnly: Bool?
    public var directorySeconds: Double?
    /// Looks at once at everything in it; a new one does, unless this is `false`.
    public var scan: Bool?

    public init() {}
}

extension BackendSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// Without the keys.
    public var description: String { "(settings of \(id ?? "a backend"))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Answer of `GET /v1/backends`.
public struct Backends: Message {
    public var backends: [VolumeStatus.Backend]

    public init(backends: [VolumeStatus.Backend]) { self.backends = backends }
}

/// Answer of `DELETE /v1/backend`: what was taken away, and what was lost with it.
public struct RemovedBackend: Message {
    public var id: String
    /// Changes that its store never got; 0 unless it was forced.
    public var lostChanges: Int
    /// The first hundred of them.
    public var lost: [FlushReport.Undelivered]

    public init(id: String, lostChanges: Int, lost: [FlushReport.Undelivered]) {
        self.id = id
        self.lostChanges = lostChanges
        self.lost = lost
    }
}

/// Body of `POST /v1/secret/rotate`: seal all keys anew.
public struct SecretRotation: Message {
    /// The new secret; without it, one is made, where the old one lies in a file of GoSync's own.
    public var secret: String?

    public init(secret: String? = nil) { self.secret = secret }
}

extension SecretRotation: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "(a secret)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Answer of `POST /v1/secret/rotate`.
public struct RotatedSecret: Message {
    /// How many backends have their keys sealed under the new secret.
    public var backends: Int
    /// What is left to be done by whoever asked; absent if nothing is.
    public var advice: String?

    public init(backends: Int, advice: String?) {
        self.backends = backends
        self.advice = advice
    }
}

/// Body of `POST /v1/scan`: look at everything at and below a directory of a backend.
public struct ScanRequest: Message {
    public var path: String
    /// Only count what there would be to do.
    public var dryRun: Bool?

    public init(path: String, dryRun: Bool? = nil) {
        self.path = path
        self.dryRun = dryRun
    }
}

/// A line of the answer of `POST /v1/scan`; all but the last one are `running`.
public struct ScanReport: Message {
    public enum State: String, Codable, Sendable, CaseIterable {
        case running, done
        /// The store did not answer to the end; it is tried again when it is back.
        case failed
        /// GoSync ends; the scan goes on at its next start.
        case ended
    }

    public var state: State
    public var path: String
    public var dryRun: Bool
    /// It goes on where an earlier run was interrupted; what is counted is of this run.
    public var resumed: Bool
    public var began: Moment
    public var ended: Moment?
    public var objects: Int
    public var objectsPerSecond: Double
    /// Files that others made, replaced and removed.
    public var new: Int
    public var changed: Int
    public var vanished: Int
    /// Why it failed.
    public var error: String?

    public init(
        state: State,
        path: String,
        dryRun: Bool,
        resumed: Bool = false,
        began: Moment,
        ended: Moment? = nil,
        objects: Int = 0,
        objectsPerSecond: Double = 0,
        new: Int = 0,
        changed: Int = 0,
        vanished: Int = 0,
        error: String? = nil
    ) {
        self.state = state
        self.path = path
        self.dryRun = dryRun
        self.resumed = resumed
        self.began = began
        self.ended = ended
        self.objects = objects
        self.objectsPerSecond = objectsPerSecond
        self.new = new
        self.changed = changed
        self.vanished = vanished
        self.error = error
    }
}

/// Answer of `GET /v1/scan`: the scans under way, and the last ones that ended, the newest last.
public struct Scans: Message {
    public var scans: [ScanReport]

    public init(scans: [ScanReport]) { self.scans = scans }
}
