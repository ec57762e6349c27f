import Base
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// Programs at work while the daemon dies, at random or at a named point between two steps.
///
/// After the restart everything that was answered is there, and what was under way happened or did not.
/// In the end the store holds the same tree. `GOSYNC_CRASH_ROUNDS` asks for more than the usual number,
/// `GOSYNC_CRASH_SEED` for others; the seed is the argument, so a failure repeats as far as the
/// scheduler of threads lets it.
@Suite struct CrashTests {
    static let seeds: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["GOSYNC_CRASH_SEED"].flatMap { UInt64($0) } ?? 0
        let count = environment["GOSYNC_CRASH_ROUNDS"].flatMap { UInt64($0) } ?? 20
        return first..<first + count
    }()

    @Test(arguments: seeds)
    func nothingThatWasAnsweredIsLost(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let point = Failpoint.allCases[Int(seed) % Failpoint.allCases.count]
        let settings = Bool.random(using: &random) ? "close = sync" : "close = async"
        let bucket = seed % 3 == 0 ? nil : try Bucket(.radosgw)
        let log = "[log]\nlevel = debug"
        let mount =
            try bucket?.mount(settings: settings, more: log) ?? Mount(settings: settings)
        let workers = (0..<3).map { Worker("w\($0)", mount, seed: seed &* 1000 &+ UInt64($0)) }
        let large = LargeFileWorker("large", mount, seed: seed &* 1000 &+ 3)
        let database = DatabaseWorker(mount)
        try workers.forEach { try $0.begin() }
        try large.begin()
        for crash in 0..<3 {
            // The first crash of a round is at the point, the others at any moment.
            let name =
                crash == 0 ? "\(point.rawValue):\(Int.random(in: 1...6, using: &random))" : ""
            try mount.unmount()
            mount.environment = ["GOSYNC_FAILPOINT": name]
            try mount.start()
            let limit = Double.random(in: 0.05...1.5, using: &random)
            work(workers, large, database, while: mount, atMost: crash == 0 ? 1.5 : limit)
            mount.crash()
            mount.environment = [:]
            try mount.start()
            let place = "seed \(seed), crash \(crash) \(name), \(settings)"
            let complaints = mount.log.split(separator: "\n")
                .filter { $0.contains(" warning ") || $0.contains(" error ") }.suffix(20)
                .joined(separator: "\n")
            for worker in workers { try worker.compare("\(place)\n\(complaints)\n") }
            try large.compare(place)
            try database.compare(place)
        }
        try mount.unmount()
        let trees = workers.map { ($0.name, $0.mirror) } + [(large.name, large.mirror)]
        try compareStore(mount, bucket, trees, "seed \(seed), \(settings)")
    }

    private func work(
        _ workers: [Worker],
        _ large: LargeFileWorker,
        _ database: DatabaseWorker,
        while mount: Mount,
        atMost seconds: Double
    ) {
        let ending = Ending()
        let isOver = { @Sendable in ending.isRaised || !mount.daemon.isRunning }
        let threads = Threads()
        for worker in workers { threads.start { worker.work(until: isOver) } }
        threads.start { large.work(until: isOver) }
        threads.start { database.work(until: isOver) }
        _ = eventually(atMost: seconds) { !mount.daemon.isRunning }
        if mount.daemon.isRunning { kill(mount.daemon.processIdentifier, SIGKILL) }
        ending.raise()
        threads.wait()
    }

    /// What another client finds is what the programs wrote, and nothing lies about half made.
    private func compareStore(
        _ mount: Mount,
        _ bucket: Bucket?,
        _ trees: [(name: String, mirror: String)],
        _ place: String
    ) throws {
        var root = mount.dataDirectory + "/local"
        if let bucket {
            root = mount.scratch.path + "/store"
            try bucket.rclone("copy", "other:", root)
            #expect(try bucket.uploads().isEmpty, "\(place)")
        }
        for (name, mirror) in trees {
            let found = files(root + "/" + name)
            let expected = files(mirror)
            #expect(Set(found.keys) == Set(expected.keys), "\(place)")
            for (path, bytes) in expected where found[path] != bytes {
                Issue.record(
                    """
                    \(place): \(name)/\(path) has \(found[path]?.count ?? -1) bytes in the store, \
                    not these \(bytes.count), or others from \
                    \(zip(found[path] ?? Data(), bytes).prefix { $0 == $1 }.count) on
                    \(mount.history(of: name))
                    """
                )
            }
        }
    }
}

/// Says to several threads that it is over.
private final class Ending: Sendable {
    private let flag = Atomic<Bool>(false)

    var isRaised: Bool { flag.load(ordering: .relaxed) }

    func raise() { flag.store(true, ordering: .relaxed) }
}

/// Runs random operations below a directory of its own, and the same ones on a plain directory.
final class Worker: @unchecked Sendable {
    // @unchecked: one thread at a time uses it.
    let name: String
    let mirror: String
    private let folder: String
    private var random: SplitMix64
    private var underWay: Operation?

    init(_ name: String, _ mount: Mount, seed: UInt64) {
        self.name = name
        folder = mount.folder + "/" + name
        mirror = mount.scratch.path + "/mirror-" + name
        random = SplitMix64(seed: seed)
    }

    func begin() throws {
        try must(mkdir(folder, 0o755))
        try must(mkdir(mirror, 0o755))
    }

    func work(until isOver: () -> Bool) {
        while !isOver() {
            let operation = Operation.random(using: &random)
            let answer = operation.perform(in: folder)
            if Self.cut.contains(where: answer.contains) || answer == "none" {
                // It failed as things do when nobody answers: did it happen?
                if eventually(atMost: 2, isOver) { return underWay = operation }
            }
            let expected = operation.perform(in: mirror)
            if answer != expected {
                Issue.record("\(name): \(operation) answered \(answer), not \(expected)")
                return
            }
        }
    }

    /// Answers of a mount whose daemon is gone: ENOTCONN, ECONNABORTED, EIO, ECANCELED (by io_uring, of what was
    /// just being handed to it), EINTR (the signal that it died, before a request was fetched), or a `close` that
    /// failed.
    private static let cut = ["error 107", "error 103", "error 5", "error 125", "error 4", "-1"]

    /// The tree is what it was before the operation under way, or after it, or somewhere between.
    func compare(_ place: String) throws {
        let found = try tree(folder)
        defer { underWay = nil }
        if try found == tree(mirror) { return }
        guard let underWay else {
            Issue.record("\(place): \(name) differs: \(try difference(found))")
            return
        }
        if case .write(let path, let offset, let count, let byte, let append) = underWay {
            // A write that the kernel hands over in several requests may end after any page.
            let empty = Operation.write(path, offset: 0, count: 0, byte: 0, append: false)
            _ = empty.perform(in: mirror)
            if try found == tree(mirror) { return }
            var state = stat()
            _ = stat(mirror + "/" + path, &state)
            let start = append ? Int(state.st_size) : offset
            for end in stride(from: start / 4096 * 4096 + 4096, to: start + count, by: 4096) {
                let part = Operation.write(
                    path,
                    offset: start,
                    count: end - start,
                    byte: byte,
                    append: false
                )
                _ = part.perform(in: mirror)
                if try found == tree(mirror) { return }
            }
            let whole = Operation.write(
                path,
                offset: start,
                count: count,
                byte: byte,
                append: false
            )
            _ = whole.perform(in: mirror)
        } else {
            _ = underWay.perform(in: mirror)
        }
        if try found == tree(mirror) { return }
        Issue.record("\(place): \(name) differs after \(underWay): \(try difference(found))")
    }

    private func difference(_ found: [String: String]) throws -> String {
        let expected = try tree(mirror)
        let paths = Set(found.keys).union(expected.keys).filter { found[$0] != expected[$0] }
        return paths.sorted().prefix(5)
            .map { "\($0): \(found[$0] ?? "missing"), expected \(expected[$0] ?? "nothing")" }
            .joined(separator: "; ")
    }
}

/// Inserts rows into a SQLite database, one transaction each.
final class DatabaseWorker: @unchecked Sendable {
    // @unchecked: one thread at a time uses it.
    private let folder: String
    private var count = 0
    private var isMade = false

    init(_ mount: Mount) { folder = mount.folder }

    func work(until isOver: () -> Bool) {
        while !isOver() {
            let script =
                "create table if not exists t(a integer primary key, b);"
                + "insert into t(b) values (hex(randomblob(200)));"
            let outcome = try? run("/usr/bin/sqlite3", ["db", script], in: folder, atMost: 60)
            guard let outcome, outcome.status == 0 else { return }
            count += 1
        }
    }

    /// Every row that was committed is there, and one more at the most.
    func compare(_ place: String) throws {
        let outcome = try run(
            "/usr/bin/sqlite3",
            ["db", "pragma integrity_check; select count(*) from t"],
            in: folder,
            atMost: 60
        )
        let lines = outcome.output.split(separator: "\n")
        let found = lines.last.flatMap { Int($0) } ?? -1
        // Not even the table.
        if count == 0, found < 0 { return }
        #expect(
            lines.first == "ok" && (count...count + 1).contains(found),
            "\(place): \(count) rows \(outcome)"
        )
        count = max(count, found)
    }
}

/// The content of every file below a directory; of a link its target, which is its object's content.
func files(_ root: String) -> [String: Data] {
    var found: [String: Data] = [:]
    for path in (try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? [] {
        let whole = root + "/" + path
        // What a crash leaves in a directory is not shown, and goes with its next listing.
        if path.contains(".gosync-tmp-") { continue }
        var state = stat()
        guard lstat(whole, &state) == 0 else { continue }
        switch state.st_mode & S_IFMT {
        case S_IFREG: found[path] = try? Data(contentsOf: URL(filePath: whole))
        case S_IFLNK:
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: whole)
            found[path] = target.map { Data($0.utf8) }
        default: break
        }
    }
    return found
}
