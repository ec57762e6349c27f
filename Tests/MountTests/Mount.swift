import Foundation
import Glibc
import TestSupport

/// A mount served by the real program in another process, so that a bug can be killed.
///
/// `folder` is the root of its first backend. Torn down when the owner lets go of it.
final class Mount: @unchecked Sendable {
    // @unchecked: a test uses its mount from one thread at a time, or only its paths.
    let scratch: TemporaryDirectory
    let path: String
    let configuration: String
    private(set) var daemon: Process

    var dataDirectory: String { scratch.path + "/data" }
    var folder: String { path + "/backends/" + backend }
    var log: String {
        (try? String(contentsOfFile: scratch.path + "/log", encoding: .utf8)) ?? ""
    }
    /// What a log at level debug tells of the requests below a directory, and of all else that happened.
    func history(of directory: String) -> String {
        log.split(separator: "\n")
            .filter { !$0.contains(" debug ") || $0.contains(" \(directory)/") }
            .suffix(300).joined(separator: "\n")
    }

    private let backend: String
    /// What the daemon finds in its environment besides ours, from its next start on.
    var environment: [String: String] = [:]

    /// - Parameters:
    ///   - backend: the id of the backend that `folder` is in.
    ///   - sections: of the configuration, after `[mount]` with its data directory.
    ///   - settings: more lines of `[mount]`.
    init(backend: String = "local", sections: String = "", settings: String = "") throws {
        scratch = try TemporaryDirectory()
        self.backend = backend
        path = scratch.path + "/mnt"
        configuration = scratch.path + "/mount.conf"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let text = """
            [mount]
            data_dir = \(scratch.path)/data
            \(Self.hasty(settings))
            \(sections)

            """
        try text.write(toFile: configuration, atomically: true, encoding: .utf8)
        chmod(configuration, 0o600)
        daemon = Process()
        try start()
    }

    /// Whether requests come by io_uring; `GOSYNC_TEST_IO_URING=yes` lets all tests run so.
    private static let usualRings =
        ProcessInfo.processInfo.environment["GOSYNC_TEST_IO_URING"] ?? "no"

    /// Unless a test says otherwise, stores follow at once: most look at them next.
    private static func hasty(_ settings: String) -> String {
        let close = settings.contains("close = ") ? "" : "close = sync\n"
        let rings = settings.contains("io_uring = ") ? "" : "io_uring = \(usualRings)\n"
        return close + rings + (settings.contains("upload_after = ") ? "" : "upload_after = 0s\n")
            + settings
    }

    deinit {
        if daemon.isRunning {
            umount2(path, CInt(MNT_DETACH))
            if !eventually(atMost: 20, { !daemon.isRunning }) {
                kill(daemon.processIdentifier, SIGKILL)
            }
        }
        umount2(path, CInt(MNT_FORCE))
        umount2(path, CInt(MNT_DETACH))
    }

    /// Starts the daemon, and waits until the mount answers.
    func start() throws {
        let text = try String(contentsOfFile: configuration, encoding: .utf8)
        guard text.contains("io_uring = yes") else { return try startDaemon() }
        try Rings.withSwitchPutBack { try startDaemon() }
    }

    private func startDaemon() throws {
        daemon = Process()
        daemon.executableURL = URL(filePath: buildDirectory + "/gosync-mount")
        daemon.arguments = [path, "-c", configuration, "-f"]
        daemon.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let logPath = scratch.path + "/log"
        if !FileManager.default.fileExists(atPath: logPath) {
            _ = FileManager.default.createFile(atPath: logPath, contents: nil)
        }
        let log = try FileHandle(forWritingTo: URL(filePath: logPath))
        try log.seekToEnd()
        daemon.standardError = log
        daemon.standardInput = FileHandle.nullDevice
        daemon.standardOutput = FileHandle.nullDevice
        try daemon.run()
        let isUp = eventually(atMost: 60) {
            !daemon.isRunning
                || access(dataDirectory + "/gosync.sock", F_OK) == 0
                    && access(path + "/backends", F_OK) == 0
        }
        guard isUp, daemon.isRunning else {
            throw MountFailure(description: "the daemon did not come up: \(self.log.suffix(1000))")
        }
    }

    /// Unmounts as a person would, and waits for the daemon to have delivered everything and ended.
    func unmount() throws {
        try beginUnmount()
        guard eventually(atMost: 120, { !daemon.isRunning }) else {
            throw MountFailure(description: "the daemon did not end: \(log.suffix(1000))")
        }
    }

    /// Unmounts as a person would, and leaves the daemon to what it does then.
    func beginUnmount() throws {
        // A process that another test has just made may hold a descriptor for a moment.
        let isGone = eventually(atMost: 5) { (try? shell("fusermount3 -u '\(path)'")) != nil }
        guard isGone else { throw MountFailure(description: "\(path) is busy") }
    }

    /// Unmounts and mounts again with the same data.
    func remount() throws {
        try unmount()
        try start()
    }

    /// Kills the daemon, as a crash does, and takes the dead mount away.
    func crash() {
        if daemon.isRunning { kill(daemon.processIdentifier, SIGKILL) }
        daemon.waitUntilExit()
        umount2(path, CInt(MNT_DETACH))
    }

    /// Runs the command line tool against this daemon.
    func gosync(_ arguments: String...) throws -> Outcome { try gosync(words: arguments) }

    func gosync(words: [String], in directory: String? = nil) throws -> Outcome {
        try run(
            buildDirectory + "/gosync",
            words,
            environment: ["GOSYNC_SOCKET": dataDirectory + "/gosync.sock"],
            in: directory,
            atMost: 60
        )
    }
}

struct MountFailure: Error, CustomStringConvertible {
    let description: String
}
