import Glibc
import Synchronization

/// A file that lines are appended to, and that gives way to a new one when it is large or old.
///
/// The old one gets the time as a suffix. On a thread of its own it is compressed, and those go that are
/// too many or too old; a line is never held up by that. What a file system does not take is lost, and
/// nobody waits for it.
public final class LogFile: LogSink {
    public struct Rotation: Equatable, Sendable {
        /// A file is closed before it grows beyond this.
        public var sizeBytes: Int64 = 10 << 20
        /// A file holds lines of one such period, counted from 1970 in UTC; `nil` for any.
        public var periodSeconds: Double?
        /// Old files that are kept, besides the one that is written to.
        public var backups = 5
        /// Old files go after this; `nil` for never.
        public var keptSeconds: Double?
        public var compresses = true

        public init() {}
    }

    private struct State: ~Copyable {
        var file: FileDescriptor
        var sizeBytes: Int64
        /// Of the last line.
        var time: Timestamp
    }

    public let path: String
    private let format: LogFormat
    private let rotation: Rotation
    private let state: Mutex<State>
    private let tidier = Workers("log", limit: 1)
    private let isTidying = Atomic<Bool>(false)

    /// Opens the file, and closes it to other users.
    public init(path: String, format: LogFormat, rotation: Rotation) throws(Errno) {
        self.path = path
        self.format = format
        self.rotation = rotation
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeDirectory(String(path[..<slash]))
        }
        state = Mutex(try Self.open(path))
        tidy()
    }

    /// Waits until old files have been compressed and removed; afterwards they stay as they are.
    public func stop() {
        tidier.stop()
    }

    public func write(_ line: LogLine) {
        let text = Array(line.written(as: format).utf8)
        let isRotated = state.withLock { state in
            let isRotated = isDue(state, line.time, text.count) && rotate(&state, line.time)
            let written = text.withUnsafeBytes {
                Glibc.write(state.file.rawValue, $0.baseAddress, $0.count)
            }
            state.sizeBytes += Int64(max(0, written))
            state.time = line.time
            return isRotated
        }
        if isRotated { tidy() }
    }

    private func isDue(_ state: borrowing State, _ now: Timestamp, _ count: Int) -> Bool {
        guard state.sizeBytes > 0 else { return false }
        if state.sizeBytes + Int64(count) > rotation.sizeBytes { return true }
        guard let period = rotation.periodSeconds else { return false }
        let number = { (time: Timestamp) in (Double(time.seconds) / period).rounded(.down) }
        return number(state.time) != number(now)
    }

    /// Renames the file and begins a new one; where that fails, the old one goes on.
    private func rotate(_ state: inout State, _ now: Timestamp) -> Bool {
        guard rename(path, OldLogFiles.freePath(for: path, at: now)) == 0,
            let next = try? Self.open(path)
        else { return false }
        // What the runtime says of a crash follows, where standard error is this file.
        if Self.isSameFile(state.file.rawValue, 2) { dup2(next.file.rawValue, 2) }
        state = next
        return true
    }

    private static func open(_ path: String) throws(Errno) -> State {
        let file = try FileDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_APPEND)
        let status = try file.status()
        return State(file: file, sizeBytes: status.sizeBytes, time: status.modified)
    }

    private static func isSameFile(_ one: CInt, _ other: CInt) -> Bool {
        var first = stat()
        var second = stat()
        guard fstat(one, &first) == 0, fstat(other, &second) == 0 else { return false }
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }

    private func tidy() {
        guard !isTidying.exchange(true, ordering: .relaxed) else { return }
        tidier.run { [self] in
            // Before the look: a file that comes after it begins another.
            isTidying.store(false, ordering: .relaxed)
            OldLogFiles.tidy(path, rotation)
        }
    }
}
