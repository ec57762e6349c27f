import Base
import Glibc
import Mounting
import Settings

/// The daemon: file system, uploader and control socket.
@main
struct Main {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        if words.contains("-h") || words.contains("--help") { return print(MountUsage.help) }
        if words.contains("--version") { return print("gosync-mount \(Release.version)") }
        let arguments: Arguments
        do throws(UsageError) {
            arguments = try Arguments(words, program: CommandLine.arguments[0])
        } catch {
            complain("\(error.message); see gosync-mount --help")
            exit(2)
        }
        do throws(MountError) {
            try run(arguments)
        } catch {
            if let number = arguments.readyDescriptor {
                ReadinessPipe(number: number).tell(.failed(error.description))
            } else {
                complain(error.description)
            }
            exit(1)
        }
    }

    private static func run(_ arguments: Arguments) throws(MountError) {
        var arguments = arguments
        if arguments.isCheck { return Daemon.check(try load(arguments)) }
        arguments.mountPoint = try MountPoint.check(arguments.mountPoint)
        let configuration = try load(arguments)
        try Daemon.prepare(dataDirectory: configuration.mount.dataDirectory)
        if arguments.isForeground { return try Daemon.run(arguments, configuration) }
        for warning in configuration.warnings { complain(warning) }
        let logPath = Logging.usualFile(configuration)
        let readiness: Readiness
        do throws(Errno) {
            // Named again for the daemon: its directory of work is the same, but its home may matter.
            readiness = try startInBackground(
                Array(CommandLine.arguments.dropFirst()) + ["-f"],
                logPath: logPath
            )
        } catch {
            throw MountError("cannot start in \(configuration.mount.dataDirectory): \(error)")
        }
        if case .failed(let reason) = readiness { throw MountError(reason) }
    }

    private static func load(_ arguments: Arguments) throws(MountError) -> Configuration {
        do throws(SettingsError) {
            return try Configuration.load(explicit: arguments.configuration)
        } catch {
            throw MountError("\(error)")
        }
    }

    private static func complain(_ message: String) {
        var line = "gosync-mount: \(message)\n"
        line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
    }
}
