import Base
import Mounting
import Settings

/// Where the daemon's lines go.
enum Logging {
    /// Returns the file that they go to, if they do; it is to be stopped at the end.
    static func start(
        _ arguments: Arguments,
        _ configuration: Configuration
    ) throws(MountError) -> LogFile? {
        let log = configuration.log
        Log.levels = arguments.logLevels ?? log.levels
        let isBackground = arguments.readyDescriptor != nil
        if let path = log.file ?? (isBackground ? usualFile(configuration) : nil) {
            let file = try open(path, log)
            Log.start(file)
            return file
        }
        let usesJournal = log.output == .automatic && JournalSink.isStandardError
        if log.output == .journal || usesJournal {
            do throws(Errno) {
                Log.start(try JournalSink())
                return nil
            } catch {
                guard log.output == .automatic else {
                    throw MountError("[log] output = journal: there is none: \(error)")
                }
            }
        }
        Log.start(StandardErrorSink(format: log.format))
        return nil
    }

    /// Where standard error goes in the background, as well.
    static func usualFile(_ configuration: Configuration) -> String {
        configuration.mount.dataDirectory + "/gosync.log"
    }

    private static func open(
        _ path: String,
        _ log: Configuration.Logging
    ) throws(MountError) -> LogFile {
        do throws(Errno) {
            return try LogFile(path: path, format: log.format, rotation: log.rotation)
        } catch {
            throw MountError("\(path): the log cannot be written: \(error)")
        }
    }
}
