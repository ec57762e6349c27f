import Base
import FoundationEssentials
import Settings
import Wire

extension Commands {
    static let doctor = Command(
        name: "doctor",
        summary: "Looks for what keeps GoSync from working, and says what to do about it",
        details: """
            It checks FUSE, the kernel, the configuration, the data directory, and every backend: through
            the GoSync that runs, or else with gosync-mount --check.
            """,
        options: [.json],
        examples: ["doctor", "doctor -c /etc/gosync/mount.conf"],
        run: { invocation in
            let explicit = invocation.options["config"]
            var checks = Machine.checks()
            var configuration: Configuration?
            do throws(SettingsError) {
                let found = try Configuration.load(explicit: explicit)
                configuration = found
                checks += Machine.checks(of: found)
            } catch {
                let advice = "'gosync config validate' tells as well; mount.conf(5) has every key"
                checks.append(Check("configuration", .failure, "\(error)", advice: advice))
            }
            checks += try backends(invocation, configuration)
            try show(Checks(checks: checks), invocation)
        }
    )

    /// The daemon has the keys and the connections; without one, a process of its own asks.
    private static func backends(
        _ invocation: Invocation,
        _ configuration: Configuration?
    ) throws -> [Check] {
        let daemon = try? Daemon(invocation)
        do {
            if let daemon {
                let status: Status = try daemon.get(.status)
                let found: Checks = try daemon.get(.backendCheck)
                let finding =
                    "runs as process \(status.daemon.pid), version \(status.daemon.version)"
                return [Check("daemon", .ok, finding)] + found.checks
            }
        } catch let failure as Failure where failure.code == .noDaemon {
            // That is found out below.
        }
        let finding = "GoSync is not running"
        let idle = Check("daemon", .ok, finding, advice: "start it with 'gosync-mount MOUNTPOINT'")
        guard configuration != nil else { return [idle] }
        return [idle] + checksWithoutDaemon(explicit: invocation.options["config"])
    }

    private static func checksWithoutDaemon(explicit: String?) -> [Check] {
        let program = MountProgram.path
        let arguments = ["--check"] + (explicit.map { ["-c", $0] } ?? [])
        let failed = { (why: String) in
            [
                Check(
                    "backends",
                    .failure,
                    "\(program) --check \(why)",
                    advice: "install gosync-mount"
                )
            ]
        }
        do throws(Errno) {
            let (status, text) = try output(of: program, arguments)
            guard status == 0, let checks = try? Checks(json: text) else {
                return failed("ended with exit code \(status)")
            }
            return checks.checks
        } catch {
            return failed("does not start: \(error)")
        }
    }
}
