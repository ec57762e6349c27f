import Base
import Glibc
import Wire

/// The daemon's program.
enum MountProgram {
    /// The one beside this program, else whichever the shell would find.
    static var path: String {
        let beside = (try? realPath("/proc/self/exe")).map { path in
            path.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/gosync-mount"
        }
        return beside.flatMap { FileStatus(ofFileAt: $0) == nil ? nil : $0 } ?? "gosync-mount"
    }

    /// Goes on as that program, which tells whoever called how it went; for a program it is waited for, and
    /// what it started is told as JSON.
    static func start(_ arguments: [String], _ invocation: Invocation) throws {
        guard invocation.isJSON, !invocation.has("foreground") else {
            throw cannotStart(Base.become(path, arguments))
        }
        let (status, text): (Int32, [UInt8])
        do throws(Errno) {
            (status, text) = try output(of: path, arguments, withComplaints: true)
        } catch {
            throw cannotStart(error)
        }
        let prefix = "gosync-mount: "
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        let message = lines.map { $0.hasPrefix(prefix) ? $0.dropFirst(prefix.count) : $0 }
            .joined(separator: "\n")
        guard status == 0 else { throw Failure(status == 2 ? .usage : .failed, message) }
        if !message.isEmpty { Output.remark(message) }
        let running: Status = try Daemon(invocation).get(.status)
        Output.json(running.daemon)
    }

    private static func cannotStart(_ error: Errno) -> Failure {
        Failure(.failed, "\(path) does not start: \(error); install gosync-mount")
    }
}

extension Commands {
    static let agent = Command(
        name: "agent",
        summary: "Starts GoSync without a mount: it answers gosync and delivers what is pending",
        details: """
            Files, tags and filters are there for gosync and for whoever asks the control socket; SIGTERM ends
            it. A data directory has one GoSync: to mount, end the agent first.
            """,
        options: [foreground, startedJSON],
        examples: ["agent", "agent -f -c /etc/gosync/mount.conf"],
        run: { invocation in
            try MountProgram.start(["--no-mount"] + shared(invocation), invocation)
        }
    )

    static let mount = Command(
        name: "mount",
        summary: "Mounts GoSync on a directory, and returns once it answers",
        details: "It is gosync-mount by another name; see gosync-mount(8).",
        arguments: [
            Command.Argument(
                name: "MOUNTPOINT",
                help: "an empty directory of this machine",
                words: .localFiles
            )
        ],
        options: [
            foreground,
            Command.Option(
                name: "options",
                letter: "o",
                value: "OPTION[,…]",
                help: "mount options: ro, allow_other, noexec, …"
            ),
            startedJSON,
        ],
        examples: ["mount ~/gosync", "mount /mnt/gosync -o allow_other"],
        run: { invocation in
            var words = invocation.arguments + shared(invocation)
            if let options = invocation.options["options"] { words += ["-o", options] }
            try MountProgram.start(words, invocation)
        }
    )

    static let unmount = Command(
        name: "unmount",
        summary: "Unmounts GoSync, and waits until it has delivered what was written",
        details: """
            How long the stores are waited for is said by 'unmount' and 'unmount_limit' of mount.conf. What
            they have not got by then goes on at the next start.
            """,
        arguments: [
            Command.Argument(
                name: "MOUNTPOINT",
                count: .optional,
                help: "without it, wherever the GoSync that runs is mounted",
                words: .localFiles
            )
        ],
        options: [.json],
        examples: ["unmount", "unmount ~/gosync"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            let status: Status? = try? daemon.get(.status)
            let mounted = status?.daemon.mountPoints ?? []
            let named = invocation.arguments.first.map(wholePath)
            let all = named.map { [$0] } ?? mounted
            guard !all.isEmpty else {
                guard let status else { throw daemon.isNotRunning }
                let advice = "'kill \(status.daemon.pid)' ends it"
                throw Failure(.failed, "GoSync runs without a mount; \(advice)")
            }
            for path in all { try detach(path) }
            let isLast = Set(mounted).isSubset(of: all)
            if let status, isLast { waitForEnd(of: status.daemon.pid) }
            guard invocation.isJSON else { return }
            Output.json(UnmountReport(mountPoints: all, ended: status != nil && isLast))
        }
    )

    private static let foreground = Command.Option(
        name: "foreground",
        letter: "f",
        help: "stay in the foreground, and log to standard error"
    )

    private static let startedJSON = Command.Option(
        name: "json",
        help: "print JSON about what runs then; not with -f, which tells in its log"
    )

    private static func shared(_ invocation: Invocation) -> [String] {
        (invocation.options["config"].map { ["-c", $0] } ?? [])
            + (invocation.has("foreground") ? ["-f"] : [])
    }

    /// As the daemon names it; a mount that does not answer any more keeps the name it was given.
    private static func wholePath(_ path: String) -> String { (try? realPath(path)) ?? path }

    private static func detach(_ path: String) throws(Failure) {
        let status: Int32
        do throws(Errno) {
            status = try output(of: "fusermount3", ["-u", path]).status
        } catch {
            throw Failure(.failed, "fusermount3 does not start: \(error); install fuse3")
        }
        guard status == 0 else {
            let advice = "is a program still in it? 'fuser -vm \(path)' tells"
            throw Failure(.failed, "\(path) was not unmounted; \(advice)")
        }
    }

    private static func waitForEnd(of process: Int32) {
        let start = monotonicSeconds()
        var hasTold = false
        while isRunning(process) {
            if !hasTold, monotonicSeconds() - start > tellingSeconds {
                hasTold = true
                Output.error("waiting for the stores to have everything; ^C leaves that to GoSync")
            }
            usleep(pauseMicroseconds)
        }
    }

    private static let tellingSeconds = 1.0
    private static let pauseMicroseconds: UInt32 = 20_000

    /// A process that has ended and was not asked for yet counts as ended.
    private static func isRunning(_ process: Int32) -> Bool {
        guard let file = try? FileDescriptor(opening: "/proc/\(process)/stat", flags: 0),
            let bytes = try? file.contents(limitBytes: 4096)
        else { return false }
        let state = String(decoding: bytes, as: UTF8.self).split(separator: ")").last?
            .split(separator: " ").first
        return state != "Z" && state != "X"
    }
}
