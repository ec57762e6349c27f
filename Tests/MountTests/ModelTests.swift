import Foundation
import Glibc
import TestSupport
import Testing

/// Random operations on the mount and on a plain directory.
///
/// After each, both answer alike, and in the end, after a restart, both hold the same tree. The seed is
/// the argument, so a failure repeats.
struct ModelTests {
    @Test(arguments: 0..<6 as Range<UInt64>)
    func theMountIsAPlainDirectory(seed: UInt64) throws {
        let mount = try Mount(settings: "passthrough = \(seed % 3 == 0 ? "no" : "yes")")
        try compare(mount, seed: seed, operations: 250) {
            if seed % 2 == 0 {
                try mount.remount()
            } else {
                mount.crash()
                try mount.start()
            }
        }
    }
}

/// Runs the same random operations on a mount's folder and on a plain directory beside it.
///
/// - Parameter interrupt: is called a few times on the way: to restart the mount, say.
func compare(
    _ mount: Mount,
    seed: UInt64,
    operations: Int,
    interrupt: () throws -> Void
) throws {
    var random = SplitMix64(seed: seed)
    let plain = mount.scratch.path + "/model"
    try FileManager.default.createDirectory(atPath: plain, withIntermediateDirectories: false)
    for step in 1...operations {
        let operation = Operation.random(using: &random)
        let expected = operation.perform(in: plain)
        let found = operation.perform(in: mount.folder)
        try #require(found == expected, "seed \(seed), step \(step): \(operation)")
        if step % (operations / 4) == 0 {
            try interrupt()
            try #require(try tree(mount.folder) == tree(plain), "seed \(seed), step \(step)")
        }
    }
}

/// Every path below a directory with what it is: type, mode, size, and content or target.
func tree(_ root: String) throws -> [String: String] {
    var found: [String: String] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: root) {
        let whole = root + "/" + path
        let state = try status(whole)
        let type = state.st_mode & S_IFMT
        let mode = String(state.st_mode & 0o7777, radix: 8)
        switch type {
        case S_IFREG:
            let bytes = try Data(contentsOf: URL(filePath: whole))
            found[path] = "file \(mode) \(bytes.count) \(digest(bytes))"
        case S_IFLNK:
            found[path] =
                "link " + (try FileManager.default.destinationOfSymbolicLink(atPath: whole))
        default: found[path] = "directory \(mode) \(state.st_nlink)"
        }
    }
    return found
}

/// One step: on the same names in either directory, with an answer that must be the same.
enum Operation: Sendable {
    case write(String, offset: Int, count: Int, byte: UInt8, append: Bool)
    case truncate(String, Int)
    case read(String)
    case remove(String)
    case makeDirectory(String)
    case removeDirectory(String)
    case rename(String, String, UInt32)
    case link(String, String)
    case hardLink(String, String)
    case list(String)
    case chmod(String, mode_t)
    case time(String, Int)
    case status(String)

    private static func path(using random: inout SplitMix64) -> String {
        let names = ["a", "b", "c", "d.txt", "é", "e f"]
        let depth = Int.random(in: 1...3, using: &random)
        return (0..<depth).map { _ in names.randomElement(using: &random)! }.joined(separator: "/")
    }

    static func random(using random: inout SplitMix64) -> Operation {
        let path = path(using: &random)
        switch Int.random(in: 0..<17, using: &random) {
        case 0..<4:
            return .write(
                path,
                offset: Int.random(in: 0...1, using: &random)
                    * Int.random(in: 0...400_000, using: &random),
                count: Int.random(in: 0...100_000, using: &random),
                byte: UInt8.random(in: 0...255, using: &random),
                append: Bool.random(using: &random)
            )
        case 4: return .truncate(path, Int.random(in: 0...300_000, using: &random))
        case 5: return .read(path)
        case 6: return .remove(path)
        case 7, 8: return .makeDirectory(path)
        case 9: return .removeDirectory(path)
        case 10, 11:
            let flags = Int.random(in: 0...7, using: &random)
            return .rename(path, Self.path(using: &random), flags <= 2 ? UInt32(flags) : 0)
        case 12: return .link("target of \(path)", path)
        case 13: return .list(path)
        case 15: return .hardLink(path, Self.path(using: &random))
        case 14: return .chmod(path, [0o600, 0o755, 0o640].randomElement(using: &random)!)
        default: return Bool.random(using: &random) ? .time(path, 1_000_000) : .status(path)
        }
    }

    func perform(in root: String) -> String {
        let answer = { (result: Int32) in result == -1 ? "error \(errno)" : "done" }
        switch self {
        case .write(let path, let offset, let count, let byte, let append):
            let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : 0)
            let file = open(root + "/" + path, flags, 0o644)
            guard file >= 0 else { return "error \(errno)" }
            let bytes = [UInt8](repeating: byte, count: count)
            let written = pwrite(file, bytes, count, offset)
            return "\(written) \(close(file))"
        case .truncate(let path, let size): return answer(Glibc.truncate(root + "/" + path, size))
        case .read(let path):
            let file = open(root + "/" + path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return "error \(errno)" }
            defer { close(file) }
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = Glibc.read(file, &bytes, bytes.count)
            return count < 0 ? "error \(errno)" : "\(digest(Data(bytes[..<count])))"
        case .remove(let path): return answer(unlink(root + "/" + path))
        case .makeDirectory(let path): return answer(mkdir(root + "/" + path, 0o755))
        case .removeDirectory(let path): return answer(rmdir(root + "/" + path))
        case .rename(let path, let other, let flags):
            return answer(renameat2(root + "/" + path, root + "/" + other, flags))
        case .hardLink(let path, let other):
            return answer(Glibc.link(root + "/" + path, root + "/" + other))
        case .link(let target, let path): return answer(symlink(target, root + "/" + path))
        case .list(let path):
            let found = try? FileManager.default.contentsOfDirectory(atPath: root + "/" + path)
            return found.map { $0.sorted().joined(separator: "\n") } ?? "none"
        case .chmod(let path, let mode): return answer(Glibc.chmod(root + "/" + path, mode))
        case .time(let path, let seconds):
            let times = [
                timespec(tv_sec: seconds, tv_nsec: 5), timespec(tv_sec: seconds, tv_nsec: 5),
            ]
            return answer(utimensat(AT_FDCWD, root + "/" + path, times, AT_SYMLINK_NOFOLLOW))
        case .status(let path):
            var found = stat()
            guard lstat(root + "/" + path, &found) == 0 else { return "error \(errno)" }
            let size = found.st_mode & S_IFMT == S_IFDIR ? 0 : found.st_size
            return "\(found.st_mode) \(size) \(found.st_nlink)"
        }
    }
}

/// Of all bytes: a `Data` hashes its first 80 only.
private func digest(_ bytes: Data) -> Int {
    var hasher = Hasher()
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    return hasher.finalize()
}
