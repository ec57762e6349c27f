import Base
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// Two mounts of one bucket, whose programs write, replace and remove the same files at the same time.
///
/// Whatever the order: what a program wrote is in the bucket in the end, under its name or beside it, unless
/// somebody who had read it replaced or removed it. Runs where `GOSYNC_INTERLEAVINGS` asks for a number of
/// rounds; `GOSYNC_INTERLEAVING_SEED` asks for others.
@Suite(.serialized) struct InterleavingTests {
    private static let roundsAtOnce = 25

    static let seeds: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["GOSYNC_INTERLEAVING_SEED"].flatMap { UInt64($0) } ?? 0
        return first..<first + UInt64((askedRounds + roundsAtOnce - 1) / roundsAtOnce)
    }()

    @Test(.enabled(if: askedRounds > 0), arguments: seeds)
    func noUpdateIsLostInSilence(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let bucket = try Bucket(.radosgw)
        let scratch = try TemporaryDirectory()
        let rounds = (0..<Self.roundsAtOnce).map { Round("r\($0)") }
        try shell(
            """
            for round in \(rounds.map(\.name).joined(separator: " ")); do
              mkdir "$round"
              for name in a b; do printf %s "<$round first $name>" > "$round/$name"; done
            done
            """,
            in: scratch.path
        )
        try bucket.rclone("copy", scratch.path, "other:/")
        let settings = { (isSync: Bool) in
            "directory_ttl = 1s\nclose = \(isSync ? "sync" : "async")"
        }
        let mounts = try (0..<2).map { _ in
            try bucket.mount(
                settings: settings(Bool.random(using: &random)),
                more: "[log]\nlevel = debug"
            )
        }
        let threads = Threads()
        for round in rounds {
            for (number, mount) in mounts.enumerated() {
                let seed = random.next()
                threads.start { round.work("m\(number)", mount.folder, seed: seed) }
            }
        }
        threads.wait()
        for mount in mounts { try mount.unmount() }

        let store = scratch.path + "/store"
        try bucket.rclone("copy", "other:", store)
        let found = files(store)
        for round in rounds {
            let contents = found.filter { $0.key.hasPrefix(round.name + "/") }
                .mapValues { String(decoding: $0, as: UTF8.self) }
            let lost = round.lost(among: contents.values.joined())
            if lost.isEmpty { continue }
            let logs = mounts.map { $0.history(of: round.name) }
            Issue.record(
                """
                seed \(seed), \(round.name): \(lost.sorted()) lost; there are \(contents)
                \(round.story.joined(separator: "\n"))
                \(logs.joined(separator: "\n"))
                """
            )
        }
        #expect(try bucket.uploads().isEmpty)
    }
}

private let askedRounds =
    ProcessInfo.processInfo.environment["GOSYNC_INTERLEAVINGS"].flatMap { Int($0) } ?? 0

/// What two programs do to the two files of a directory, and what they may rely on.
private final class Round: Sendable {
    private struct State {
        /// What was written, each with a number of its own.
        var written: Set<String>
        /// What was read of what somebody has replaced or removed, or may have.
        var replaced = ""
        var story: [String] = []
    }

    let name: String
    private let state: Mutex<State>
    private static let steps = 8
    /// Between two steps, in microseconds: nothing, a moment, more than a listing is taken for true.
    private static let pauses: [UInt32] = [0, 0, 10_000, 100_000, 300_000, 1_200_000]

    init(_ name: String) {
        self.name = name
        state = Mutex(State(written: ["<\(name) first a>", "<\(name) first b>"]))
    }

    var story: [String] { state.withLock { $0.story } }

    /// What should be there and is not.
    func lost(among all: String) -> [String] {
        state.withLock { state in
            state.written.filter { !all.contains($0) && !state.replaced.contains($0) }
        }
    }

    func work(_ who: String, _ folder: String, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for step in 0..<Self.steps {
            usleep(Self.pauses.randomElement(using: &random) ?? 0)
            let path = "\(folder)/\(name)/\(Bool.random(using: &random) ? "a" : "b")"
            let text = "<\(name) \(who) \(step)>"
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1: replace(path, by: text)
            case 2: append(text, to: path)
            case 3: make(path, text)
            case 4: renameOver(path, text, who)
            default: remove(path)
            }
        }
    }

    /// Other content by the very file that was read.
    private func replace(_ path: String, by text: String) {
        let file = open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { return }
        let old = content(of: file)
        let isDone = old != nil && ftruncate(file, 0) == 0 && write(text, to: file, at: 0)
        let isClosed = close(file) == 0
        note("replace", path, text, replacing: old ?? "", isDone && isClosed)
    }

    private func append(_ text: String, to path: String) {
        let file = open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { return }
        let old = content(of: file)
        let isDone = old.map { write(text, to: file, at: $0.utf8.count) } ?? false
        let isClosed = close(file) == 0
        note("append", path, text, replacing: "", isDone && isClosed)
    }

    private func make(_ path: String, _ text: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { return }
        let isDone = write(text, to: file, at: 0)
        let isClosed = close(file) == 0
        note("make", path, text, replacing: "", isDone && isClosed)
    }

    private func renameOver(_ path: String, _ text: String, _ who: String) {
        let temporary = path + ".new-" + who
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { return }
        let isDone = write(text, to: file, at: 0)
        let isClosed = close(file) == 0
        let (old, isRenamed) = taking(path) { rename(temporary, path) == 0 }
        // Where it failed, the text may still lie under the other name.
        note("rename over", path, text, replacing: old, isDone && isClosed && isRenamed)
    }

    private func remove(_ path: String) {
        let (old, isDone) = taking(path) { unlink(path) == 0 }
        note("remove", path, "", replacing: old, isDone)
    }

    /// Does something that takes the name from a file, and returns what that had, as far as one can know.
    ///
    /// Another than was read may have got the name in between, when the mount learned of it. Then the one
    /// that was read has lost its name to that, and cannot be written to; one that was removed here can.
    private func taking(_ path: String, _ body: () -> Bool) -> (old: String, isDone: Bool) {
        let file = open(path, O_RDWR | O_CLOEXEC)
        defer { if file >= 0 { close(file) } }
        let old = file >= 0 ? content(of: file) : nil
        let isDone = body()
        var now = stat()
        let isKnown =
            file >= 0 && fstat(file, &now) == 0 && now.st_nlink == 0 && old != nil
            && write("x", to: file, at: 0)
        return (isKnown ? old ?? "" : everything(at: path), isDone)
    }

    /// All that could have been at a path.
    private func everything(at path: String) -> String {
        state.withLock { $0.written.joined() }
    }

    private func content(of file: Int32) -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = pread(file, &bytes, bytes.count, 0)
        return count >= 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    private func write(_ text: String, to file: Int32, at offset: Int) -> Bool {
        pwrite(file, text, text.utf8.count, offset) == text.utf8.count
    }

    /// - Parameter isDone: what failed may have happened, so nobody can rely on either.
    private func note(
        _ what: String,
        _ path: String,
        _ text: String,
        replacing old: String,
        _ isDone: Bool
    ) {
        state.withLock { state in
            let file = path.split(separator: "/").suffix(1).joined()
            state.story.append("\(what) \(file) \(text) for \(old): \(isDone ? "done" : "failed")")
            if isDone, !text.isEmpty { state.written.insert(text) }
            state.replaced += old
        }
    }
}
