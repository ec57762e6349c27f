import Agent
import Base
import Cache
import Glibc
import Metadata
import Mounting
import Settings
import Stores
import Volumes
import WebServer
import Wire

/// Builds the objects, and runs them until a signal or an unmount.
enum Daemon {
    static func run(_ arguments: Arguments, _ configuration: Configuration) throws(MountError) {
        blockEndingSignals()
        raiseDescriptorLimit()
        let log = try Logging.start(arguments, configuration)
        defer { log?.stop() }
        forbidCoreDumps()
        for warning in configuration.warnings { Log.warning(warning) }
        let lock = try claim(configuration.mount.dataDirectory)
        let traces = configuration.telemetry.otlpEndpoint.map { TraceExporter(endpoint: $0) }
        defer { traces?.stop() }
        let parts = try makeParts(configuration)
        let volume = parts.volume
        do throws(MountError) {
            try configureFilters(configuration, of: volume)
        } catch {
            volume.stop(deliveringAtMost: 0)
            throw error
        }
        if arguments.isUnmounted {
            try runWithoutMount(parts, arguments, configuration)
        } else {
            try runMounted(parts, arguments, configuration)
        }
        _ = consume lock
    }

    private static func runMounted(
        _ parts: Parts,
        _ arguments: Arguments,
        _ configuration: Configuration
    ) throws(MountError) {
        let volume = parts.volume
        let session: Session
        do throws(MountError) {
            var options = arguments.options
            if configuration.mount.allowOther || getuid() == 0, !options.contains("allow_other") {
                options.append("allow_other")
            }
            session = try Session(
                mounting: volume,
                at: arguments.mountPoint,
                options: options,
                isPassingThrough: configuration.mount.passthrough,
                usesRings: usesRings(configuration.mount.ioUring)
            )
        } catch {
            volume.stop(deliveringAtMost: 0)
            throw error
        }
        let opening = Monitor(Opening())
        let helpers = Workers("control", limit: 2)
        let end = { @Sendable in
            // It asks the mount, which must still answer it.
            opening.withLock { $0.watchdog }?.stop()
            session.end()
        }
        let signals = EndingSignals {
            helpers.run(end)
        } again: {
            volume.leave()
        }
        helpers.run {
            do throws(MountError) {
                let socket = try open(parts, session, arguments, configuration)
                opening.update { $0.socket = socket }
                announce("mounted on \(arguments.mountPoint)", arguments)
                let watchdog = Watchdog(
                    path: session.mountPoint,
                    socket: socket,
                    everySeconds: ServiceManager.watchdogSeconds
                )
                opening.update { $0.watchdog = watchdog }
            } catch {
                opening.update { $0.failure = error }
                end()
            }
        }
        session.run()
        helpers.stop()
        let (socket, watchdog, failure) = opening.withLock { ($0.socket, $0.watchdog, $0.failure) }
        watchdog?.stop()
        stop(volume, socket, configuration)
        signals.stop()
        if let failure { throw failure }
    }

    /// Whether calls come by io_uring, for which the kernel's switch has to be on.
    private static func usesRings(_ setting: Configuration.IOUring) -> Bool {
        guard setting != .no else { return false }
        // The switch may not be there before the device was used.
        if let device = try? FileDescriptor(opening: "/dev/fuse", flags: O_RDWR) {
            _ = consume device
        }
        do throws(Errno) {
            if try IOUringSwitch.isOn() { return true }
            guard setting == .yes else { return false }
            try IOUringSwitch.turnOn()
            return true
        } catch {
            guard setting == .yes else { return false }
            let advice =
                error == .noEntry
                ? "it needs Linux 6.14" : "\(error); as root: echo Y > \(IOUringSwitch.path)"
            Log.warning(
                "io_uring cannot be switched on (\(advice)): requests are read from /dev/fuse"
            )
            return false
        }
    }

    /// Answers on the control socket only, until a signal.
    private static func runWithoutMount(
        _ parts: Parts,
        _ arguments: Arguments,
        _ configuration: Configuration
    ) throws(MountError) {
        let volume = parts.volume
        // There is no kernel to be told anything.
        volume.endNotices()
        let isEnding = Monitor(false)
        let signals = EndingSignals {
            isEnding.update { $0 = true }
        } again: {
            volume.leave()
        }
        do throws(MountError) {
            let socket = try listen(parts, mountPoints: [], configuration)
            announce("running without a mount", arguments)
            isEnding.wait { $0 ? true : nil }
            volume.close()
            stop(volume, socket, configuration)
            signals.stop()
        } catch {
            volume.stop(deliveringAtMost: 0)
            signals.stop()
            throw error
        }
    }

    /// Ends everything, with what is left to be delivered.
    private static func stop(
        _ volume: Volume,
        _ socket: ControlSocket?,
        _ configuration: Configuration
    ) {
        ServiceManager.tell("STOPPING=1")
        let flushes = configuration.mount.unmount == .flush
        volume.stop(deliveringAtMost: flushes ? configuration.mount.unmountLimitSeconds : 0) {
            socket?.stop()
        }
    }

    /// What came of opening the control socket, which happens while the kernel is being answered.
    private struct Opening {
        var socket: ControlSocket?
        var watchdog: Watchdog?
        var failure: MountError?
    }

    /// Waits until the mount answers, then answers on the control socket as well.
    private static func open(
        _ parts: Parts,
        _ session: Session,
        _ arguments: Arguments,
        _ configuration: Configuration
    ) throws(MountError) -> ControlSocket {
        var status = stat()
        guard stat(arguments.mountPoint + "/backends", &status) == 0 else {
            throw MountError("\(arguments.mountPoint) does not answer: \(Errno.current)")
        }
        session.widenReadAhead()
        return try listen(parts, mountPoints: [arguments.mountPoint], configuration)
    }

    private static func listen(
        _ parts: Parts,
        mountPoints: [String],
        _ configuration: Configuration
    ) throws(MountError) -> ControlSocket {
        let daemon = Status.Daemon(
            version: Release.version,
            pid: getpid(),
            started: Moment(.now()),
            configuration: configuration.path.map { (try? realPath($0)) ?? $0 },
            dataDirectory: configuration.mount.dataDirectory,
            mountPoints: mountPoints,
            warnings: configuration.warnings + parts.warnings
        )
        let port = try port(configuration)
        do throws(ServerError) {
            return try ControlSocket(
                path: configuration.socketPath,
                port: port,
                daemon: daemon,
                control: parts.volume,
                backends: parts.provisioner
            )
        } catch {
            throw MountError("no control socket: \(error)")
        }
    }

    /// Where the control API is to be had by TCP, if the configuration wants that.
    private static func port(_ configuration: Configuration) throws(MountError) -> LocalPort? {
        guard let listen = configuration.control.listen else { return nil }
        let path = configuration.tokenPath
        do throws(Errno) {
            let token = try ControlToken(at: path)
            return LocalPort(address: listen.address, number: listen.port, token: token.text)
        } catch {
            let problem =
                switch error {
                case .accessDenied: "others may read it; chmod 600, or remove it to get a new one"
                case .invalid: "it holds no token; remove it to get a new one"
                default: "\(error)"
                }
            throw MountError("\(path): \(problem)")
        }
    }

    /// Tells whoever waits for it that everything answers.
    private static func announce(_ what: String, _ arguments: Arguments) {
        Log.info(what)
        ServiceManager.tell("READY=1")
        guard let number = arguments.readyDescriptor else { return }
        ReadinessPipe(number: number).tell(.ready)
    }

    /// Makes the filters of the configuration what it says; a mistake in one is told with its line.
    private static func configureFilters(
        _ configuration: Configuration,
        of volume: Volume
    ) throws(MountError) {
        let filters = configuration.filters.map { filter in
            FilterDescription(
                path: filter.path,
                query: filter.query.text,
                layout: filter.layout == .tree ? .tree : .flat,
                names: filter.names == .always ? .always : .collide,
                folds: filter.casing == .fold,
                asserts: filter.asserts,
                untags: filter.unlink == .untag,
                isConfigured: true
            )
        }
        do throws(ConfiguredFilterProblem) {
            try volume.configureFilters(filters)
        } catch {
            guard let path = error.path else {
                throw MountError("the filters cannot be stored: \(error.problem)")
            }
            let line = configuration.filters.first { Name($0.path) == Name(path) }?.query.line
            let message = "filter \(path): \(error.problem)"
            let place = SettingsError(path: configuration.path, line: line, message: message)
            throw MountError("\(place)")
        }
    }

    /// The data directory holds what programs may not show to other users: names, tags and bytes.
    static func prepare(dataDirectory: String) throws(MountError) {
        do throws(Errno) {
            try makeDirectory(dataDirectory)
            try closeDirectory(dataDirectory)
        } catch {
            guard error == .notPermitted else { throw MountError("\(dataDirectory): \(error)") }
            let advice = "GoSync needs one of its own: set data_dir"
            throw MountError("\(dataDirectory): other users share this directory; \(advice)")
        }
    }

    /// One daemon has a data directory to itself.
    private static func claim(_ directory: String) throws(MountError) -> LockFile {
        do throws(Errno) {
            return try LockFile(at: directory + "/lock")
        } catch {
            guard error == .tryAgain else { throw MountError("\(directory): \(error)") }
            throw MountError(
                "\(directory): another gosync-mount uses this data directory; unmount that first, or set another data_dir"
            )
        }
    }

    /// Prints how the backends are, without a mount.
    static func check(_ configuration: Configuration) {
        let checks = configuration.backends.map { backend in
            // To open it would make it.
            if case .local(let path) = backend.place, FileStatus(ofFileAt: path) == nil {
                let isOwn = path.utf8.starts(with: configuration.mount.dataDirectory.utf8)
                let finding = "\(path) is not there yet; gosync-mount makes it"
                let advice = isOwn ? nil : "if it lies on another disk, mount that first"
                return Check(
                    "backend \(backend.id)",
                    isOwn ? .ok : .warning,
                    finding,
                    advice: advice
                )
            }
            do throws(StoreError) {
                let store = try backend.makeStore()
                defer { store.close() }
                return Check(backend: backend.id, store)
            } catch {
                return Check("backend \(backend.id)", .failure, "\(error)")
            }
        }
        print(String(decoding: Checks(checks: checks).json(), as: UTF8.self))
    }
}
