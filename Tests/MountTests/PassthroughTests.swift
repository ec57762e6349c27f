import Base
import Foundation
import Glibc
import TestSupport
import Testing

/// Files that the kernel reads by itself.
///
/// That it does shows while the daemon is stopped: whoever asks the daemon waits, and a reader with
/// passthrough does not notice.
///
/// All of this needs root, and a kernel with passthrough; elsewhere the mount reads as it always did.
@Suite(.enabled(if: Passthrough.isPossible))
struct PassthroughTests {
    private let mount: Mount
    private let path: String
    private let bytes = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })

    init() throws {
        mount = try Mount(settings: "close = sync")
        path = mount.folder + "/f"
        try bytes.write(to: URL(filePath: path))
    }

    private func pread(_ file: CInt, _ count: Int, at offset: Int) throws -> Data {
        var buffer = [UInt8](repeating: 0, count: count)
        let found = try must(Glibc.pread(file, &buffer, count, offset))
        return Data(buffer[..<found])
    }

    @Test func aCleanFileIsReadWithoutTheDaemon() throws {
        let file = try mount.openLent(path)
        defer { close(file) }
        let isSame = mount.readWhileStopped(file, bytes.count, at: 0) == bytes
        #expect(isSame)
    }

    @Test func itIsReadThroughTheDaemonWhereThatIsWished() throws {
        let mount = try Mount(settings: "passthrough = no")
        try writeFile(mount.folder + "/f", "text")
        try mount.remount()
        try withFile(mount.folder + "/f", O_RDONLY) { file in
            #expect(mount.readWhileStopped(file, 4, at: 0, within: 0.5) == nil)
        }
        #expect(try readFile(mount.folder + "/f") == "text")
    }

    @Test func writersAndReadersSeeTheSame() throws {
        let reader = try mount.openLent(path)
        defer { close(reader) }
        for flags in [O_WRONLY, O_RDWR, O_WRONLY | O_APPEND] {
            try withFile(path, flags) { file in
                let text = "text \(flags)"
                let place = flags & O_APPEND == 0 ? 131_000 : Int(try status(path).st_size)
                try must(pwrite(file, text, text.utf8.count, place))
                #expect(try pread(reader, text.utf8.count, at: place) == Data(text.utf8))
                if flags == O_RDWR {
                    #expect(try pread(file, text.utf8.count, at: place) == Data(text.utf8))
                }
                var found = stat()
                try must(fstat(reader, &found))
                #expect(found.st_size == (try status(path)).st_size)
            }
        }
        try must(truncate(path, 10))
        #expect(try pread(reader, 100, at: 0) == bytes[..<10])
        try writeFile(path, "anew")
        #expect(try pread(reader, 100, at: 0) == Data("anew".utf8))
        #expect(try readFile(mount.dataDirectory + "/local/f") == "anew")
    }

    @Test func aFileThatIsBeingWrittenIsReadThroughTheDaemon() throws {
        try mount.remount()
        let writer = try must(open(path, O_RDWR))
        let reader = try must(open(path, O_RDONLY))
        defer { close(reader) }
        try must(pwrite(writer, "new", 3, 5))
        #expect(try pread(reader, 3, at: 5) == Data("new".utf8))
        #expect(mount.readWhileStopped(reader, 100, at: 2_000_000, within: 0.5) == nil)
        try must(close(writer))
    }

    @Test func namesAndLinksOfAnOpenFileMayChange() throws {
        let reader = try mount.openLent(path)
        defer { close(reader) }
        try must(rename(path, path + "2"))
        #expect(try pread(reader, 100, at: 1000) == bytes[1000..<1100])
        try must(unlink(path + "2"))
        #expect(mount.readWhileStopped(reader, 100, at: 1000) == bytes[1000..<1100])
        try writeFile(path, "another")
        #expect(try readFile(path) == "another")
        #expect(try pread(reader, 100, at: 1000) == bytes[1000..<1100])
    }

    @Test func manyReadersShareOneLoan() throws {
        let first = try mount.openLent(path)
        let files = [first] + (try (1..<50).map { _ in try must(open(path, O_RDONLY)) })
        for (number, file) in files.enumerated() where number % 7 == 0 {
            let start = number * 50_000
            let found = mount.readWhileStopped(file, 1000, at: start)
            #expect(found == bytes[start..<start + 1000])
        }
        for file in files { close(file) }
    }

    @Test func mappedBytesStayWhereTheyAreUnderPressure() throws {
        let mount = try Mount(
            sections: "[cache]\nsize = 16MiB",
            settings: "close = sync"
        )
        let path = mount.folder + "/f"
        try bytes.write(to: URL(filePath: path))
        let open = try mount.openLent(path)
        defer { close(open) }
        let mapped = try withFile(path, O_RDONLY) { file in
            mmap(nil, bytes.count, PROT_READ, MAP_PRIVATE, file, 0)
        }
        defer { munmap(mapped, bytes.count) }
        // The file is open in one place only by now, and in the next step nowhere: mapped it stays.
        for step in 0..<8 {
            let other = Data(repeating: UInt8(step), count: 5_000_000)
            try other.write(to: URL(filePath: mount.folder + "/\(step)"))
            let isSame = try Data(contentsOf: URL(filePath: mount.folder + "/\(step)")) == other
            #expect(isSame)
        }
        let view = UnsafeRawBufferPointer(start: mapped, count: bytes.count)
        let isMapped = view.elementsEqual(bytes)
        #expect(isMapped)
        let isRead = try pread(open, bytes.count, at: 0) == bytes
        #expect(isRead)
    }
}

/// Damage and changes by others, on a bucket: its files are read from the cache.
@Suite(.enabled(if: Passthrough.isPossible))
struct PassthroughOfBucketTests {
    @Test func damageIsFoundBeforeTheKernelReadsByItself() throws {
        let bucket = try Bucket(.radosgw)
        let text = String(repeating: "sound ", count: 100_000)
        try bucket.put(text, at: "f")
        let mount = try bucket.mount(settings: "directory_ttl = 60s")
        #expect(try readFile(mount.folder + "/f") == text)
        try mount.unmount()
        // A cache file has the size of its object.
        let found = try shell("find cache -type f -size +400k", in: mount.dataDirectory)
        let path = found.trimmingCharacters(in: .whitespacesAndNewlines)
        try withFile(mount.dataDirectory + "/" + path, O_WRONLY) { file in
            try must(pwrite(file, "x", 1, 300_000))
        }
        try mount.start()
        try withFile(mount.folder + "/f", O_RDONLY) { file in
            #expect(mount.readWhileStopped(file, 100, at: 300_000, within: 0.5) == nil)
        }
        #expect(try readFile(mount.folder + "/f") == text)
        // What was fetched anew is sound.
        close(try mount.openLent(mount.folder + "/f"))
    }

    @Test func whoHasAFileOpenKeepsTheVersionThatOthersReplace() throws {
        let bucket = try Bucket(.radosgw)
        try bucket.put("first", at: "f")
        let mount = try bucket.mount()
        #expect(try readFile(mount.folder + "/f") == "first")
        let file = try mount.openLent(mount.folder + "/f")
        defer { close(file) }
        try bucket.put("second", at: "f")
        #expect(try eventually { try readFile(mount.folder + "/f") == "second" })
        #expect(mount.readWhileStopped(file, 100, at: 0) == Data("first".utf8))
    }

    @Test func oneByteOfALargeFileDoesNotMakeItSound() throws {
        let bucket = try Bucket(.radosgw)
        let text = String(repeating: "0123456789abcdef", count: 200_000)
        try bucket.put(text, at: "f")
        let mount = try bucket.mount()
        try withFile(mount.folder + "/f", O_RDONLY) { file in
            var byte: UInt8 = 0
            try must(Glibc.pread(file, &byte, 1, 3_000_000))
            #expect(mount.readWhileStopped(file, 100, at: 1_500_000, within: 0.5) == nil)
        }
        #expect(try readFile(mount.folder + "/f") == text)
        close(try mount.openLent(mount.folder + "/f"))
    }
}

enum Passthrough {
    /// Linux 6.9, and root.
    static let isPossible: Bool = {
        var name = utsname()
        uname(&name)
        let release = withUnsafeBytes(of: &name.release) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return geteuid() == 0 && !numbers.lexicographicallyPrecedes([6, 9])
    }()
}

extension Mount {
    /// Opens a file that the kernel will read by itself.
    ///
    /// While a handle of before has not come back, it does not: the kernel sends those in its own time.
    func openLent(_ path: String) throws -> CInt {
        var file: CInt = -1
        let isLent = try eventually {
            file = try must(open(path, O_RDONLY))
            var found = stat()
            try must(fstat(file, &found))
            let last = Int(found.st_size) - 1
            // Pages that the kernel has kept need no daemon either.
            posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
            if readWhileStopped(file, 1, at: last, within: 1) != nil { return true }
            close(file)
            return false
        }
        try #require(isLent, "\(path) is read by way of the daemon")
        return file
    }
}

/// Programs that map a file for writing which others read by way of the kernel alone.
@Suite(.enabled(if: Passthrough.isPossible))
struct MappedWritingTests {
    private let mount: Mount
    private let path: String
    private let reader: CInt

    init() throws {
        mount = try Mount(settings: "close = sync")
        path = mount.folder + "/f"
        try Data(repeating: 7, count: 1_000_000).write(to: URL(filePath: path))
        reader = try mount.openLent(path)
    }

    /// What a program that reads the store's directory finds, once there is nothing to send.
    private func stored(_ offset: Int) throws -> UInt8? {
        let state = String(decoding: try attribute(path, "user.gosync.state"), as: UTF8.self)
        guard state == "clean" else { return nil }
        return try Data(contentsOf: URL(filePath: mount.dataDirectory + "/local/f"))[offset]
    }

    private func mapped(_ body: (UnsafeMutablePointer<UInt8>, CInt) throws -> Void) throws {
        let file = try must(open(path, O_RDWR))
        let map = mmap(nil, 1_000_000, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        defer { munmap(map, 1_000_000) }
        try #require(map != MAP_FAILED)
        try body(map!.assumingMemoryBound(to: UInt8.self), file)
    }

    @Test func whatIsWrittenToAMappingIsInTheStoreAfterClose() throws {
        try mapped { bytes, file in
            bytes[500_000] = 8
            var byte: UInt8 = 0
            try must(pread(reader, &byte, 1, 500_000))
            #expect(byte == 8)
            try must(close(file))
            let found = try Data(contentsOf: URL(filePath: mount.dataDirectory + "/local/f"))
            #expect(found[500_000] == 8)
        }
        close(reader)
        #expect(try eventually { try stored(500_000) == 8 })
    }

    @Test func soIsWhatIsWrittenToItLater() throws {
        try mapped { bytes, file in
            bytes[10] = 8
            try must(close(file))
            close(reader)
            #expect(try eventually { try stored(10) == 8 })
            bytes[600_000] = 9
            #expect(try eventually { try stored(600_000) == 9 })
        }
        #expect(try readFile(path).utf8.count == 1_000_000)
    }

    @Test func aCrashLosesNothingOfIt() throws {
        try mapped { bytes, file in
            bytes[700_000] = 8
            mount.crash()
            close(file)
            close(reader)
        }
        try mount.start()
        #expect(try eventually { try stored(700_000) == 8 })
        #expect(try Data(contentsOf: URL(filePath: path))[700_000] == 8)
    }
}
