import Base
import Foundation
import Glibc
import TestSupport

// What shows while the daemon is stopped: the kernel answers it by itself.

extension Mount {
    /// What `body` returns within a time in which the daemon does nothing; `nil` if it needs the daemon.
    ///
    /// It runs on a thread of its own, and has ended when this returns.
    func whileStopped<R: Sendable>(
        within seconds: Double = 10,
        _ body: @escaping @Sendable () -> R
    ) -> R? {
        let result = Monitor<R?>(nil)
        stopDaemon()
        Thread.detachNewThread {
            let found = body()
            result.update { $0 = found }
        }
        let found = result.wait(atMost: seconds) { $0 }
        kill(daemon.processIdentifier, SIGCONT)
        result.wait { $0 }
        return found
    }

    /// What of an open file can be read within a time in which the daemon does nothing.
    ///
    /// Where that is to be nothing, the kernel must not have seen these bytes since the mount began.
    func readWhileStopped(
        _ file: CInt,
        _ count: Int,
        at offset: Int,
        within seconds: Double = 10
    ) -> Data? {
        whileStopped(within: seconds) {
            var buffer = [UInt8](repeating: 0, count: count)
            let found = pread(file, &buffer, count, offset)
            return Data(buffer[..<max(0, found)])
        }
    }

    /// Returns once every thread has stopped: until then, one may still answer.
    private func stopDaemon() {
        kill(daemon.processIdentifier, SIGSTOP)
        let tasks = "/proc/\(daemon.processIdentifier)/task"
        _ = eventually {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
            return names.allSatisfy { name in
                let text = try? String(contentsOfFile: "\(tasks)/\(name)/stat", encoding: .utf8)
                return text.map { $0.contains(") T ") } ?? true
            }
        }
    }
}
