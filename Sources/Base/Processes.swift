import CLinux
import Glibc

/// How a program that this one has started told that it is ready, or not.
public enum Readiness: Equatable, Sendable {
    case ready
    /// The reason, in one line.
    case failed(String)
}

/// The end of a pipe on which a background program tells the one that started it how it went.
public struct ReadinessPipe: ~Copyable {
    private let descriptor: FileDescriptor

    /// - Parameter number: of the descriptor, as it was handed over.
    public init(number: CInt) { descriptor = FileDescriptor(owning: number) }

    public consuming func tell(_ readiness: Readiness) {
        let text: String
        switch readiness {
        case .ready: text = "ready"
        case .failed(let reason): text = reason
        }
        var line = text
        _ = line.withUTF8 { Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count) }
    }
}

/// Starts this very program anew in a session of its own, and waits until it tells how it went.
///
/// - Parameters:
///   - arguments: without the program's name; `--ready-fd N` is added.
///   - logPath: where its standard error goes, at the end of what is there.
public func startInBackground(_ arguments: [String], logPath: String) throws(Errno) -> Readiness {
    var ends: [CInt] = [0, 0]
    try retrying { pipe(&ends) }
    let reading = FileDescriptor(owning: ends[0])
    let writing = FileDescriptor(owning: ends[1])
    let own = reading.rawValue
    try retrying { fcntl(own, F_SETFD, FD_CLOEXEC) }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    // Nothing else is handed on: whoever waits for the end of a pipe would wait for that of the daemon.
    let ready: CInt = 3
    posix_spawn_file_actions_adddup2(&actions, writing.rawValue, ready)
    gosync_spawn_close_from(&actions, ready + 1)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // POSIX_SPAWN_SETSID, which Glibc's module does not show: the terminal's signals stay away.
    posix_spawnattr_setflags(&attributes, 0x80)

    let program = "/proc/self/exe"
    let words = [CommandLine.arguments[0]] + arguments + ["--ready-fd", "\(ready)"]
    var pointers: [UnsafeMutablePointer<CChar>?] = words.map { (word: String) in strdup(word) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    var process = pid_t()
    let code = posix_spawn(&process, program, &actions, &attributes, pointers, environ)
    guard code == 0 else { throw Errno(code) }
    close(writing.release())

    var told: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = try retrying { Glibc.read(own, &buffer, buffer.count) }
        if count == 0 { break }
        told += buffer[..<count]
    }
    let text = String(decoding: told, as: UTF8.self)
    if text == "ready" { return .ready }
    return .failed(text.isEmpty ? "the daemon ended without a word; see \(logPath)" : text)
}

/// Blocks the signals that end a daemon, for this thread and those it starts.
public func blockEndingSignals() {
    var signals = endingSignals()
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
}

/// Waits for the signals blocked by `blockEndingSignals`, on a thread of its own, until it is stopped.
public final class EndingSignals: Sendable {
    private let waiter = Workers("signals", limit: 1)
    private let isStopping = Monitor(false)

    /// - Parameters:
    ///   - first: called at the first signal; must not wait, because another may come.
    ///   - again: called at each further one.
    public init(
        first: @escaping @Sendable () -> Void,
        again: @escaping @Sendable () -> Void
    ) {
        waiter.run { [isStopping] in
            var act = first
            while true {
                var signals = endingSignals()
                var number: CInt = 0
                sigwait(&signals, &number)
                if isStopping.withLock({ $0 }) { return }
                act()
                act = again
            }
        }
    }

    /// Ends the waiting: must be called once, before this is let go of.
    public func stop() {
        isStopping.update { $0 = true }
        kill(getpid(), SIGTERM)
        waiter.stop()
    }
}

private func endingSignals() -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, number) }
    return signals
}

/// Keeps keys in this process's memory out of core files.
public func forbidCoreDumps() { gosync_forbid_core_dumps() }

/// Keeps a word of this process's command line from being shown by `ps` from now on.
public func hideArgument(_ text: String) { _ = gosync_hide_argument(text) }

public func currentUser() -> (owner: UInt32, group: UInt32) { (getuid(), getgid()) }

/// The absolute path of a file, with every symbolic link followed.
public func realPath(_ path: String) throws(Errno) -> String {
    guard let found = realpath(path, nil) else { throw .current }
    defer { free(found) }
    return String(cString: found)
}

/// Becomes another program; returns only if that fails.
public func become(_ program: String, _ arguments: [String]) -> Errno {
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { (word: String) in
        strdup(word)
    }
    words.append(nil)
    defer { for word in words { free(word) } }
    execvp(program, words)
    return .current
}

/// Runs a program to its end, and returns its exit code and what it printed.
///
/// - Parameter withComplaints: what it says on standard error is part of that; else it goes where ours does.
public func output(
    of program: String,
    _ arguments: [String],
    withComplaints: Bool = false
) throws(Errno) -> (status: Int32, text: [UInt8]) {
    var ends: [CInt] = [0, 0]
    try retrying { pipe(&ends) }
    let reading = FileDescriptor(owning: ends[0])
    let writing = FileDescriptor(owning: ends[1])
    for end in ends { try retrying { fcntl(end, F_SETFD, FD_CLOEXEC) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, writing.rawValue, 1)
    if withComplaints { posix_spawn_file_actions_adddup2(&actions, writing.rawValue, 2) }
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { (word: String) in
        strdup(word)
    }
    words.append(nil)
    defer { for word in words { free(word) } }
    var process = pid_t()
    let code = posix_spawnp(&process, program, &actions, nil, words, environ)
    guard code == 0 else { throw Errno(code) }
    close(writing.release())
    let text = try reading.contents(limitBytes: 1 << 20)
    var state: CInt = 0
    try retrying { waitpid(process, &state, 0) }
    return (state & 0x7f == 0 ? state >> 8 & 0xff : 128 + state & 0x7f, text)
}
