import Foundation
import Glibc

/// What a program printed and how it ended.
public struct Outcome: Sendable {
    public var status: Int32
    public var output: String
    public var complaint: String
}

/// Runs a program to its end.
///
/// - Parameter seconds: after which it is killed, and counts as failed.
@discardableResult
public func run(
    _ program: String,
    _ arguments: [String],
    environment: [String: String] = [:],
    in directory: String? = nil,
    atMost seconds: Double = 120
) throws -> Outcome {
    // Not Foundation's Process: it takes a program for running while anything that it has left behind
    // is, such as a server.
    let scratch = try TemporaryDirectory()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    for (number, name) in [(1, "out"), (2, "err")] as [(CInt, String)] {
        let path = scratch.path + "/" + name
        posix_spawn_file_actions_addopen(&actions, number, path, O_WRONLY | O_CREAT, 0o600)
    }
    // The threads of tests block signals, and a server that inherits that cannot be stopped.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var blocked = sigset_t()
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let start = directory.map { ["/usr/bin/env", "-C", $0, program] } ?? [program]
    var words: [UnsafeMutablePointer<CChar>?] = (start + arguments).map { strdup($0) } + [nil]
    var settings: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
    defer { for pointer in words + settings { free(pointer) } }
    var process = pid_t()
    let code = posix_spawn(&process, start[0], &actions, &attributes, &words, &settings)
    guard code == 0 else { throw CallFailure(code: code) }

    var state: CInt = 0
    let end = Date(timeIntervalSinceNow: seconds)
    while waitpid(process, &state, WNOHANG) == 0 {
        if Date() >= end { kill(process, SIGKILL) }
        usleep(2000)
    }
    let texts = ["out", "err"].map { name in
        let bytes = try? Data(contentsOf: URL(filePath: scratch.path + "/" + name))
        return String(decoding: bytes ?? Data(), as: UTF8.self)
    }
    // As shells have it: 128 and the signal's number.
    let status = state & 0x7f == 0 ? state >> 8 & 0xff : 128 + state & 0x7f
    return Outcome(status: status, output: texts[0], complaint: texts[1])
}

/// Runs a program at a terminal of its own; what it prints and what it complains of are one there.
public func runAtTerminal(
    _ program: String,
    _ arguments: [String],
    environment: [String: String] = [:]
) throws -> Outcome {
    let script =
        "import os, pty, sys; "
        + "sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    return try run(
        "/usr/bin/env",
        ["python3", "-c", script, program] + arguments,
        environment: environment
    )
}

/// Runs a script with `sh -e`, and throws with what it said if it fails.
@discardableResult
public func shell(
    _ script: String,
    environment: [String: String] = [:],
    in directory: String? = nil,
    atMost seconds: Double = 120
) throws -> String {
    let outcome = try run(
        "/bin/sh",
        ["-euc", script],
        environment: environment,
        in: directory,
        atMost: seconds
    )
    guard outcome.status == 0 else { throw ScriptFailure(script: script, outcome: outcome) }
    return outcome.output
}

public struct ScriptFailure: Error, CustomStringConvertible {
    let script: String
    let outcome: Outcome

    public var description: String {
        "exit \(outcome.status) of: \(script)\n\(outcome.output.suffix(2000))\(outcome.complaint.suffix(2000))"
    }
}

/// Where the programs under test were built.
public var buildDirectory: String {
    Bundle.main.executableURL!.deletingLastPathComponent().path
}

/// Waits until something holds, and says whether it came to that.
public func eventually(atMost seconds: Double = 20, _ body: () throws -> Bool) rethrows -> Bool {
    let end = Date(timeIntervalSinceNow: seconds)
    repeat {
        if try body() { return true }
        usleep(20_000)
    } while Date() < end
    return false
}
