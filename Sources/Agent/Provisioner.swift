import Base
public import Metadata
import SQLite
import Settings
import Stores
public import Volumes
public import Wire

/// Sets backends up, changes and removes them while GoSync runs, and brings them back at its start.
public final class Provisioner: BackendControl {
    private let volume: Volume
    private let metadata: Metadata
    private let keyring: Keyring
    private let usualDirectoryTTLSeconds: Double
    /// One change at a time.
    private let isChanging = Monitor(false)

    /// - Parameter usualDirectoryTTLSeconds: of backends that say nothing of it.
    public init(
        volume: Volume,
        metadata: Metadata,
        keyring: Keyring,
        usualDirectoryTTLSeconds: Double
    ) {
        self.volume = volume
        self.metadata = metadata
        self.keyring = keyring
        self.usualDirectoryTTLSeconds = usualDirectoryTTLSeconds
    }

    /// The backends that were set up in earlier runs; one that cannot be opened is there as well, and says why.
    ///
    /// - Returns: also what the operator should know.
    public static func restore(
        from metadata: Metadata,
        _ keyring: Keyring,
        usualDirectoryTTLSeconds seconds: Double
    ) throws(MetadataError) -> (backends: [BackendDescription], warnings: [String]) {
        let provisions = try metadata.database.read { (rows) throws(MetadataError) in
            rows.provisions()
        }
        var warnings: [String] = []
        let backends = provisions.map { provision in
            let (description, warning) = restore(provision, keyring, seconds)
            // One secret that is wrong is one warning.
            if let warning, !warnings.contains(warning) { warnings.append(warning) }
            return description
        }
        return (backends, warnings)
    }

    private static func restore(
        _ provision: Provision,
        _ keyring: Keyring,
        _ seconds: Double
    ) -> (BackendDescription, warning: String?) {
        let id = provision.name
        var settings = StoredSettings()
        do throws(SettingsError) {
            settings = try StoredSettings(json: provision.settings)
            var keys: StoreKeys?
            var closed: KeyringProblem?
            do throws(KeyringProblem) {
                keys = try provision.sealed.map { sealed throws(KeyringProblem) in
                    try keyring.open(sealed, for: id)
                }
            } catch {
                closed = error
            }
            let backend = try settings.backend(id, keys: keys, usualDirectoryTTLSeconds: seconds)
            let refusal = closed.map { StoreError.denied($0.description) }
            let store = LateStore { () throws(StoreError) in
                if let refusal { throw refusal }
                return try backend.makeStore()
            }
            return (
                backend.description(with: store, label: settings.label, isProvisioned: true),
                closed?.description
            )
        } catch {
            let reason = StoreError.denied(error.message)
            let store = LateStore { () throws(StoreError) in throw reason }
            let description = BackendDescription(
                name: Name(id),
                store: store,
                isReadOnly: true,
                directorySeconds: seconds,
                label: settings.label,
                isProvisioned: true
            )
            return (description, "backend \(id): \(error.message)")
        }
    }

    public func provision(_ new: BackendSettings) throws(Problem) -> VolumeStatus.Backend {
        let id = new.id ?? ""
        return try inTurn { () throws(Problem) in
            if let known = try status(of: id) {
                let advice =
                    known.source == .configuration
                    ? "it stands in the configuration" : "'gosync backend update' changes it"
                throw Problem(
                    .conflict,
                    "\(id): there is a backend of that name already; \(advice)"
                )
            }
            var settings = StoredSettings()
            settings.apply(new)
            let keys = try keys(in: new, id)
            let description = try check(id, settings, keys)
            let sealed = try seal(keys, for: id)
            do throws(Errno) {
                try volume.add(
                    description,
                    settings: settings.json,
                    sealed: sealed,
                    isNew: new.scan ?? true
                )
            } catch {
                throw Problem(error, path: id)
            }
            Log.info("backend \(id): set up, \(description.place)")
            if new.scan ?? true { try scan(id) }
            return try found(id)
        }
    }

    public func updateBackend(
        _ id: String,
        _ change: BackendSettings
    ) throws(Problem) -> VolumeStatus.Backend {
        try inTurn { () throws(Problem) in
            let known = try provision(of: id, to: "changed")
            var settings: StoredSettings
            do throws(SettingsError) {
                settings = try StoredSettings(json: known.settings)
            } catch {
                throw Problem(.failed, "\(id): \(error.message)")
            }
            let before = settings
            settings.apply(change)
            if let type = change.type, before.type != type.rawValue {
                let advice = "remove it, and set up a new one"
                throw Problem(.unusable, "\(id): a backend stays of its type; \(advice)")
            }
            var keys = try keys(in: change, id)
            var sealed = known.sealed
            if keys != nil {
                sealed = try seal(keys, for: id)
            } else if settings.hasProfile {
                sealed = nil
            } else if let known = known.sealed {
                keys = try inKeyring(id) { () throws(KeyringProblem) in
                    try keyring.open(known, for: id)
                }
            }
            let description = try check(id, settings, keys)
            do throws(Errno) {
                try volume.change(description, settings: settings.json, sealed: sealed)
            } catch {
                throw Problem(error, path: id)
            }
            Log.info("backend \(id): changed, \(description.place)")
            if change.scan ?? false { try scan(id) }
            return try found(id)
        }
    }

    public func removeBackend(_ id: String, force: Bool) throws(Problem) -> RemovedBackend {
        try inTurn { () throws(Problem) in
            _ = try provision(of: id, to: "removed")
            do throws(RemovalProblem) {
                let lost = try volume.removeBackend(Name(id), losingUnsent: force)
                Log.info("backend \(id): removed")
                return RemovedBackend(
                    id: id,
                    lostChanges: Int(lost.changes),
                    lost: lost.first.map {
                        FlushReport.Undelivered(path: $0.path, error: $0.error)
                    }
                )
            } catch {
                switch error {
                case .errno(let error): throw Problem(error, path: id)
                case .unsent(let unsent): throw Problem(.conflict, unsent.text(of: id))
                }
            }
        }
    }

    public func rotateSecret(_ rotation: SecretRotation) throws(Problem) -> RotatedSecret {
        try inTurn { () throws(Problem) in
            if let secret = rotation.secret, secret.utf8.count < Self.shortestSecret {
                let rule = "a secret has at least \(Self.shortestSecret) bytes"
                throw Problem(.unusable, "The new secret is too short: \(rule).")
            }
            do throws(KeyringProblem) {
                let (count, advice) = try keyring.rotate(to: rotation.secret)
                Log.info("the keys of \(count) backends are sealed under a new secret")
                return RotatedSecret(backends: count, advice: advice)
            } catch {
                throw Problem(.conflict, error.description)
            }
        }
    }

    private static let shortestSecret = 8

    /// Opens the store and asks it, so that nothing is set up that does not work.
    private func check(
        _ id: String,
        _ settings: StoredSettings,
        _ keys: StoreKeys?
    ) throws(Problem) -> BackendDescription {
        let backend: Configuration.Backend
        do throws(SettingsError) {
            backend = try settings.backend(
                id,
                keys: keys,
                usualDirectoryTTLSeconds: usualDirectoryTTLSeconds
            )
        } catch {
            throw Problem(.unusable, error.message)
        }
        do throws(StoreError) {
            let store = try backend.makeStore()
            try store.check()
            return backend.description(
                with: store,
                label: settings.label,
                isProvisioned: true
            )
        } catch {
            throw Problem(error, backend: id)
        }
    }

    private func keys(in settings: BackendSettings, _ id: String) throws(Problem) -> StoreKeys? {
        switch (settings.accessKey, settings.secretKey) {
        case (nil, nil): return nil
        case (let access?, let secret?):
            let isPlain = (access + secret).unicodeScalars.allSatisfy { $0.value > 0x20 }
            guard isPlain, !access.isEmpty, !secret.isEmpty else {
                throw Problem(
                    .unusable,
                    "\(id): a key is not empty, and has no space or line break"
                )
            }
            return StoreKeys(accessKey: access, secretKey: secret)
        default:
            throw Problem(
                .unusable,
                "\(id): the access key and the secret key go together; give both"
            )
        }
    }

    private func seal(_ keys: StoreKeys?, for id: String) throws(Problem) -> [UInt8]? {
        guard let keys else { return nil }
        return try inKeyring(id) { () throws(KeyringProblem) in try keyring.seal(keys, for: id) }
    }

    private func inKeyring<R>(
        _ id: String,
        _ body: () throws(KeyringProblem) -> R
    ) throws(Problem) -> R {
        do throws(KeyringProblem) {
            return try body()
        } catch {
            throw Problem(.conflict, "\(id): \(error)")
        }
    }

    private func scan(_ id: String) throws(Problem) {
        do throws(Errno) {
            _ = try volume.beginScan(of: "/backends/\(id)", isDry: false)
        } catch {
            throw Problem(error, path: id)
        }
    }

    /// What is stored of a backend, if it is one that can be changed here.
    private func provision(of id: String, to what: String) throws(Problem) -> Provision {
        guard let known = try status(of: id) else { throw Problem(noBackend: id) }
        guard known.source == .provisioned else {
            let advice = "it is \(what) there: edit [backend \(id)] and mount again"
            throw Problem(.conflict, "\(id): this backend stands in the configuration; \(advice)")
        }
        let found: Provision?
        do throws(MetadataError) {
            found = try metadata.database.read { (rows) throws(MetadataError) in
                rows.provisions().first { Name($0.name) == Name(id) }
            }
        } catch {
            throw Problem(.failed, "\(id): \(error)")
        }
        guard let found else { throw Problem(noBackend: id) }
        return found
    }

    private func status(of id: String) throws(Problem) -> VolumeStatus.Backend? {
        try volume.status().backends.first { Name($0.id) == Name(id) }
    }

    private func found(_ id: String) throws(Problem) -> VolumeStatus.Backend {
        guard let found = try status(of: id) else { throw Problem(noBackend: id) }
        return found
    }

    private func inTurn<R>(_ body: () throws(Problem) -> R) throws(Problem) -> R {
        isChanging.wait { isChanging -> Bool? in
            if isChanging { return nil }
            isChanging = true
            return true
        }
        defer { isChanging.update { $0 = false } }
        return try body()
    }
}

extension Unsent {
    /// Why a backend is not removed, and what to do.
    fileprivate func text(of id: String) -> String {
        var lines: [String] = []
        if changes > 0 {
            let what = changes == 1 ? "1 change is" : "\(changes) changes are"
            lines.append("\(id): \(what) not in its store yet:")
            lines += first.prefix(Self.mostShown).map { one in
                "  \(one.path)" + (one.error.map { ": \($0)" } ?? "")
            }
            if changes > Int64(Self.mostShown) {
                lines.append("  and \(changes - Int64(Self.mostShown)) more")
            }
        }
        if !open.isEmpty {
            lines.append("\(id): programs have these files open for writing:")
            lines += open.prefix(Self.mostShown).map { "  \($0)" }
        }
        lines.append("'gosync flush \(id)' delivers them; with --force they are lost.")
        return lines.joined(separator: "\n")
    }

    private static let mostShown = 10
}

extension Problem {
    /// Why a store cannot be set up as a backend.
    fileprivate init(_ error: StoreError, backend id: String) {
        let kind: Kind
        switch error {
        case .denied: kind = .forbidden
        case .unavailable: kind = .unavailable
        case .full: kind = .full
        default: kind = .unusable
        }
        let advice =
            switch error {
            case .denied: "; check the keys, and what they permit"
            case .noBucket: "; make it first, or correct the name"
            case .unavailable: "; check the endpoint, the network, and that the server runs"
            case .malformed: "; check that the endpoint is an S3 server"
            default: ""
            }
        self.init(kind, "\(id): \(error)\(advice)")
    }
}
