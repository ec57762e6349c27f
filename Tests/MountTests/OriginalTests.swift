import Foundation
import Glibc
import TestSupport
import Testing

/// Files of a store that is a directory are read where they lie.
struct OriginalTests {
    private static let bytes = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 2) })

    /// A mount of a directory with one file.
    private struct Attic {
        let directory: TemporaryDirectory
        let mount: Mount

        init(_ more: String = "", passthrough: Bool = true) throws {
            directory = try TemporaryDirectory()
            try OriginalTests.bytes.write(to: URL(filePath: directory.path + "/f"))
            mount = try Mount(
                backend: "attic",
                sections: "[backend attic]\ntype = local\npath = \(directory.path)\n\(more)\n",
                settings: "directory_ttl = 1s\npassthrough = \(passthrough ? "yes" : "no")"
            )
        }
    }

    /// Bytes of disk that the cache takes for files.
    private func cached(_ mount: Mount) throws -> Int {
        let found = try shell("find cache -type f -printf '%b\\n'", in: mount.dataDirectory)
        return found.split(separator: "\n").reduce(0) { $0 + (Int($1) ?? 0) * 512 }
    }

    @Test(arguments: [true, false], ["read_only = yes", ""])
    func readingCopiesNothing(passthrough: Bool, more: String) throws {
        let attic = try Attic(more, passthrough: passthrough)
        let mount = attic.mount
        for _ in 0..<2 {
            let isSame = try Data(contentsOf: URL(filePath: mount.folder + "/f")) == Self.bytes
            #expect(isSame)
        }
        #expect(try cached(mount) == 0)
    }

    @Test(.enabled(if: Passthrough.isPossible))
    func theKernelReadsFilesThatNobodyCanWriteByItself() throws {
        let attic = try Attic("read_only = yes")
        let mount = attic.mount
        let file = try mount.openLent(mount.folder + "/f")
        defer { close(file) }
        let isSame = mount.readWhileStopped(file, Self.bytes.count, at: 0) == Self.bytes
        #expect(isSame)
    }

    @Test func whatIsWrittenIsSeenByWhoReads() throws {
        let attic = try Attic()
        let mount = attic.mount
        try withFile(mount.folder + "/f", O_RDONLY) { reader in
            var buffer = [UInt8](repeating: 0, count: 8)
            try must(pread(reader, &buffer, 8, 1_000_000))
            try withFile(mount.folder + "/f", O_WRONLY) { writer in
                try must(pwrite(writer, "new", 3, 1_000_000))
                try must(pread(reader, &buffer, 3, 1_000_000))
                #expect(buffer[..<3].elementsEqual("new".utf8))
            }
            try must(pread(reader, &buffer, 3, 1_000_000))
            #expect(buffer[..<3].elementsEqual("new".utf8))
        }
        var expected = Self.bytes
        expected.replaceSubrange(1_000_000..<1_000_003, with: "new".utf8)
        let isSame = try Data(contentsOf: URL(filePath: mount.folder + "/f")) == expected
        #expect(isSame)
    }

    @Test func whoHasAFileOpenKeepsTheVersionThatOthersReplace() throws {
        let attic = try Attic(passthrough: false)
        let mount = attic.mount
        let path = attic.directory.path + "/f"
        try withFile(mount.folder + "/f", O_RDONLY) { file in
            try writeFile(path + "2", "another")
            try must(rename(path + "2", path))
            var buffer = [UInt8](repeating: 0, count: 8)
            #expect(pread(file, &buffer, 8, 2_000_000) == 8)
            #expect(buffer.elementsEqual(Self.bytes[2_000_000..<2_000_008]))
        }
        #expect(try eventually { try readFile(mount.folder + "/f") == "another" })
    }
}
