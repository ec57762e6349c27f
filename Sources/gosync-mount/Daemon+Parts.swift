import Agent
import Base
import Cache
import FoundationEssentials
import Metadata
import Mounting
import Queries
import Settings
import Stores
import Volumes

/// What the daemon is made of.
extension Daemon {
    /// What answers requests: the file system, and what changes its backends.
    struct Parts {
        var volume: Volume
        var provisioner: Provisioner
        /// What the operator should know of provisioned backends.
        var warnings: [String]
    }

    static func makeParts(_ configuration: Configuration) throws(MountError) -> Parts {
        let configured = try configuredBackends(configuration)
        let usualSeconds = configuration.mount.directoryTTLSeconds
        let metadata: Metadata
        let keyring: Keyring
        let provisioned: [BackendDescription]
        let warnings: [String]
        do throws(MetadataError) {
            metadata = try Metadata(path: configuration.metadata.path)
            keyring = Keyring(metadata: metadata, source: secretSource(configuration))
            let restored = try Provisioner.restore(
                from: metadata,
                keyring,
                usualDirectoryTTLSeconds: usualSeconds
            )
            provisioned = restored.backends
            warnings = restored.warnings
        } catch {
            throw MountError("\(configuration.metadata.path): \(error)")
        }
        try refuse(provisioned, definedBy: configuration)
        for warning in warnings { Log.warning(warning) }
        let volume = try makeVolume(configuration, metadata, configured + provisioned)
        let provisioner = Provisioner(
            volume: volume,
            metadata: metadata,
            keyring: keyring,
            usualDirectoryTTLSeconds: usualSeconds
        )
        return Parts(volume: volume, provisioner: provisioner, warnings: warnings)
    }

    private static func configuredBackends(
        _ configuration: Configuration
    ) throws(MountError) -> [BackendDescription] {
        var backends: [BackendDescription] = []
        for backend in configuration.backends {
            do throws(StoreError) {
                let store = try backend.makeStore()
                try store.check()
                backends.append(backend.description(with: store))
            } catch {
                let place = backend.line.map { ":\($0)" } ?? ""
                let file = configuration.path.map { "\($0)\(place): " } ?? ""
                throw MountError("\(file)backend \(backend.id): \(error)")
            }
        }
        return backends
    }

    private static func makeVolume(
        _ configuration: Configuration,
        _ metadata: Metadata,
        _ backends: [BackendDescription]
    ) throws(MountError) -> Volume {
        let user = currentUser()
        var options = VolumeOptions(
            owner: configuration.mount.owner ?? user.owner,
            group: configuration.mount.group ?? user.group
        )
        options.fileMode = 0o666 & ~configuration.mount.umask
        options.directoryMode = 0o777 & ~configuration.mount.umask
        options.waitsForStore = configuration.mount.close == .sync
        options.uploadAfterSeconds = configuration.mount.uploadAfterSeconds
        options.synchronizesToStore = configuration.mount.durability == .remote
        options.pathRules = try pathRules(of: configuration)
        do throws(Errno) {
            let cache = try BlockCache(
                directory: configuration.cache.directory,
                sizeBytes: configuration.cache.sizeBytes,
                minFreeBytes: configuration.cache.minFreeBytes,
                memoryBytes: configuration.cache.memoryBytes
                    ?? min(256 << 20, physicalMemoryBytes() / 10),
                database: metadata.database
            )
            return try Volume(
                metadata: metadata,
                cache: cache,
                backends: backends,
                options: options
            )
        } catch {
            throw MountError("cannot start from \(configuration.mount.dataDirectory): \(error)")
        }
    }

    private static func pathRules(
        of configuration: Configuration
    ) throws(MountError) -> [PathRule] {
        var rules: [PathRule] = []
        for tagger in configuration.taggers {
            do throws(PathRule.Mistake) {
                rules.append(try PathRule(tagger.rule.text, backend: tagger.backend))
            } catch {
                throw MountError("\(configuration.mistake(error, in: tagger))")
            }
        }
        return rules
    }

    private static func secretSource(_ configuration: Configuration) -> SecretSource {
        SecretSource(
            configured: configuration.encrypt.secret?.revealed,
            dataDirectory: configuration.mount.dataDirectory,
            environment: ProcessInfo.processInfo.environment
        )
    }

    /// An ID stands for one store, or nobody could tell where what was written goes.
    private static func refuse(
        _ restored: [BackendDescription],
        definedBy configuration: Configuration
    ) throws(MountError) {
        for backend in configuration.backends
        where restored.contains(where: { $0.name == Name(backend.id) }) {
            let file = configuration.path ?? "the built-in configuration"
            let place = backend.line.map { "\(file):\($0)" } ?? file
            let advice =
                "give this one another name, or take it out, and remove the other by 'gosync backend remove \(backend.id)'"
            throw MountError(
                "\(place): a backend '\(backend.id)' was also set up by 'gosync provision'; \(advice)"
            )
        }
    }
}
