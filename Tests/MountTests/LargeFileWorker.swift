import Foundation
import Glibc
import TestSupport
import Testing

/// Writes, cuts, maps and copies one file that goes up in parts, as fsx does, and the same on a plain copy.
final class LargeFileWorker: @unchecked Sendable {
    // @unchecked: one thread at a time uses it.
    let name: String
    let mirror: String
    private let folder: String
    private var random: SplitMix64
    private var underWay: Step?
    private static let bytes = 10 << 20
    private static let mostBytes = 14 << 20
    private static let pageBytes = 4096

    private enum Step {
        case write(offset: Int, bytes: [UInt8])
        case truncate(Int)
        /// By a mapping, brought to the file before it ends.
        case map(offset: Int, count: Int, byte: UInt8)
        case synchronize
        case copy
    }

    init(_ name: String, _ mount: Mount, seed: UInt64) {
        self.name = name
        folder = mount.folder + "/" + name
        mirror = mount.scratch.path + "/mirror-" + name
        random = SplitMix64(seed: seed)
    }

    func begin() throws {
        try must(mkdir(folder, 0o755))
        try must(mkdir(mirror, 0o755))
        try shell("head -c \(Self.bytes) /dev/urandom > '\(mirror)/large'")
        try shell("cp '\(mirror)/large' '\(folder)/large'")
    }

    func work(until isOver: () -> Bool) {
        while !isOver() {
            let step = next()
            guard perform(step, in: folder) else {
                // With `close = sync` a failure may be the store's; else the daemon is gone.
                underWay = step
                if eventually(atMost: 2, isOver) { return }
                Issue.record("\(name): \(describe(step)) failed with error \(errno)")
                return
            }
            _ = perform(step, in: mirror)
        }
    }

    private func next() -> Step {
        let size = (try? status(mirror + "/large").st_size).map { Int($0) } ?? 0
        let offset = Int.random(in: 0...size, using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<6:
            let count = min(Int.random(in: 1...200_000, using: &random), Self.mostBytes - offset)
            return .write(offset: offset, bytes: bytes(max(0, count)))
        case 6: return .truncate(Int.random(in: size / 2...Self.mostBytes, using: &random))
        case 7, 8:
            let count = min(Int.random(in: 1...50_000, using: &random), size - offset)
            let byte = UInt8.random(in: 0...255, using: &random)
            return count > 0 ? .map(offset: offset, count: count, byte: byte) : .synchronize
        case 9: return .copy
        default: return .synchronize
        }
    }

    private func bytes(_ count: Int) -> [UInt8] {
        let first = UInt8.random(in: 0...255, using: &random)
        return (0..<count).map { first &+ UInt8(truncatingIfNeeded: $0 / 512) }
    }

    private func perform(_ step: Step, in root: String) -> Bool {
        let path = root + "/large"
        switch step {
        case .truncate(let size): return truncate(path, size) == 0
        case .write(let offset, let bytes):
            return withFile(path) { pwrite($0, bytes, bytes.count, offset) == bytes.count }
        case .synchronize: return withFile(path) { fsync($0) == 0 }
        case .map(let offset, let count, let byte):
            // A process of its own: a mapping whose daemon is gone ends it.
            let script = """
                import mmap, sys
                offset, count, byte = (int(word) for word in sys.argv[2:])
                with open(sys.argv[1], "r+b") as file:
                    with mmap.mmap(file.fileno(), 0) as mapped:
                        mapped[offset:offset + count] = bytes([byte]) * count
                        mapped.flush()
                """
            return succeeds(
                "/usr/bin/env",
                ["python3", "-c", script, path, "\(offset)", "\(count)", "\(byte)"]
            )
        case .copy: return succeeds("/bin/cp", ["--reflink=auto", path, root + "/copy"])
        }
    }

    private func succeeds(_ program: String, _ words: [String]) -> Bool {
        (try? run(program, words, atMost: 100))?.status == 0
    }

    private func withFile(_ path: String, _ body: (Int32) -> Bool) -> Bool {
        let file = open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { return false }
        let isDone = body(file)
        return close(file) == 0 && isDone
    }

    private func describe(_ step: Step) -> String {
        switch step {
        case .write(let offset, let bytes): "write of \(bytes.count) at \(offset)"
        case .truncate(let size): "truncation to \(size)"
        case .map(let offset, let count, _): "mapped write of \(count) at \(offset)"
        case .synchronize: "fsync"
        case .copy: "copy"
        }
    }

    /// What was under way happened, or did not, or in part: the plain copy follows.
    func compare(_ place: String) throws {
        defer { underWay = nil }
        if case .copy? = underWay {
            // It was cut off anywhere, or never begun.
            for root in [folder, mirror] { _ = unlink(root + "/copy") }
        }
        for file in ["large", "copy"] {
            let paths = (found: folder + "/" + file, expected: mirror + "/" + file)
            guard access(paths.expected, F_OK) == 0 || access(paths.found, F_OK) == 0 else {
                continue
            }
            let found = try Data(contentsOf: URL(filePath: paths.found))
            var expected = try Data(contentsOf: URL(filePath: paths.expected))
            if found == expected { continue }
            if file == "large", let underWay { adopt(underWay, found, &expected) }
            if found == expected {
                try expected.write(to: URL(filePath: paths.expected))
                continue
            }
            let same = zip(found, expected).prefix { $0 == $1 }.count
            Issue.record(
                """
                \(place): \(name)/\(file) has \(found.count) bytes, expected \(expected.count), and differs \
                from \(same) on; under way: \(underWay.map(describe) ?? "nothing")
                """
            )
        }
    }

    /// Takes over from what was found as much as a step may have done before it was cut off.
    private func adopt(_ step: Step, _ found: Data, _ expected: inout Data) {
        let touched: Range<Int>
        switch step {
        case .truncate(let size) where found.count == size:
            let kept = expected.prefix(size)
            expected = kept + Data(count: size - kept.count)
            return
        case .write(let offset, let bytes): touched = offset..<offset + bytes.count
        case .map(let offset, let count, _): touched = offset..<offset + count
        default: return
        }
        // A write may end after any page, and extend the file as far.
        if found.count > expected.count, found.count <= touched.upperBound {
            expected += Data(count: found.count - expected.count)
        }
        var after = expected
        for place in touched where place < after.count {
            switch step {
            case .write(let offset, let bytes): after[place] = bytes[place - offset]
            case .map(_, _, let byte): after[place] = byte
            default: break
            }
        }
        let pages =
            touched.lowerBound / Self.pageBytes...max(touched.lowerBound, touched.upperBound - 1)
            / Self.pageBytes
        for page in pages {
            let range = (page * Self.pageBytes..<(page + 1) * Self.pageBytes).clamped(
                to: 0..<expected.count
            )
            if range.upperBound <= found.count, found[range] == after[range] {
                expected[range] = after[range]
            }
        }
    }
}
