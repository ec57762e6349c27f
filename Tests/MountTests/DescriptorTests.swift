import Foundation
import Glibc
import TestSupport
import Testing

/// What files cost the daemon of descriptors, of which a process may have only so many.
struct DescriptorTests {
    private static let files = 600
    private static let limit = 1000
    /// What the daemon may need besides: up to 64 threads with three each, connections, the database.
    private static let others = 350

    @Test func filesThatAreCachedCostNoneAndTooManyOpenOnesAreRefused() throws {
        let server = try S3Server(.rclone)
        let bucket = try Bucket(on: server)
        let scratch = try TemporaryDirectory()
        for number in 0..<Self.files {
            try writeFile(scratch.path + "/f\(number)", "text \(number)")
        }
        try shell("head -c 3000000 /dev/zero > large", in: scratch.path)
        try bucket.rclone("copy", scratch.path, "other:/")
        let mount = try bucket.mount(settings: "directory_ttl = 1h")
        let daemon = mount.daemon.processIdentifier
        // As on a system that allows little. Half of it is not for programs.
        try shell("prlimit --pid \(daemon) --nofile=\(Self.limit):\(Self.limit)")
        let large = try open(mount.folder + "/large")
        defer { close(large) }
        for number in 0..<Self.files {
            #expect(try readFile(mount.folder + "/f\(number)") == "text \(number)")
        }
        // The kernel lets go of files in its own time.
        #expect(eventually { Self.descriptors(of: daemon) < Self.others })

        var held: [CInt] = []
        defer { for file in held { close(file) } }
        while held.count < Self.files, let file = try? open(mount.folder + "/f\(held.count)") {
            held.append(file)
        }
        #expect(50..<Self.files ~= held.count)
        #expect(throws: POSIXError(.ENFILE)) { try open(mount.folder + "/f\(Self.files - 1)") }
        // A file that cannot be opened is not made either.
        let new = mount.folder + "/new"
        #expect(throws: POSIXError(.ENFILE)) { try open(new, O_WRONLY | O_CREAT) }
        #expect(access(new, F_OK) != 0 && errno == ENOENT)
        #expect(Self.descriptors(of: daemon) < Self.limit)
        // What is open is read from the store, and what needs no open file goes on.
        var bytes = [UInt8](repeating: 1, count: 4096)
        #expect(pread(large, &bytes, 4096, 2_000_000) == 4096)
        #expect(bytes.allSatisfy { $0 == 0 })
        let names = try FileManager.default.contentsOfDirectory(atPath: mount.folder)
        #expect(names.count == Self.files + 1)
        #expect(access(mount.folder + "/f\(Self.files - 1)", F_OK) == 0)
        #expect(try mount.gosync("status").status == 0)

        for file in held { close(file) }
        held = []
        #expect(
            eventually {
                (try? readFile(mount.folder + "/f\(Self.files - 1)")) == "text \(Self.files - 1)"
            }
        )
        try writeFile(new, "new")
        #expect(try readFile(new) == "new")
        #expect(eventually { Self.descriptors(of: daemon) < Self.others })
    }

    private func open(_ path: String, _ flags: CInt = O_RDONLY) throws -> CInt {
        let file = Glibc.open(path, flags | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        return file
    }

    private static func descriptors(of process: pid_t) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count) ?? .max
    }
}
