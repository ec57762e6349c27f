import Base
import Foundation
import Glibc
import TestSupport
import Testing

/// What reads of a file that is not in the cache ask of the store.
struct ColdReadTests {
    private let proxy: S3Proxy
    private let mount: Mount
    private let size = 24_000_000
    private let names = ["f0", "f1", "f2"]

    init() throws {
        let server = try S3Server.shared(.radosgw)
        var bucket = try Bucket(on: server)
        let scratch = try TemporaryDirectory()
        for name in names {
            try shell("head -c \(size) /dev/urandom > \(name)", in: scratch.path)
        }
        try bucket.rclone("copy", scratch.path, "other:/d")
        proxy = try S3Proxy(before: server)
        bucket.endpoint = proxy.url
        mount = try bucket.mount(settings: "directory_ttl = 60s")
        // The directory is known from now on.
        let found = try FileManager.default.contentsOfDirectory(atPath: mount.folder + "/d")
        #expect(found.sorted() == names)
    }

    /// Whether one of the files costs what it should: a busy machine may have a request sent again, but
    /// not for each of them.
    private func isFrugal(_ body: (String) throws -> Bool) rethrows -> Bool {
        try names.contains { try body(mount.folder + "/d/" + $0) }
    }

    @Test func eightReadersDownloadAnObjectOnce() throws {
        let isOnce = try isFrugal { path in
            _ = proxy.takeCounts()
            let digests = Monitor<Set<String>>([])
            let readers = Threads()
            for _ in 0..<8 {
                readers.start {
                    let sum = try? shell("sha256sum < '\(path)'")
                    digests.update { _ = $0.insert(sum ?? "failed") }
                }
            }
            readers.wait()
            let received = proxy.takeCounts().received
            let digest = try shell("sha256sum < '\(path)'")
            #expect(digests.withLock { $0 } == [digest])
            return received <= size * 102 / 100
        }
        #expect(isOnce)
    }

    @Test func randomReadsFetchAChunkEach() throws {
        let count = 20
        let isLittle = try isFrugal { path in
            try withFile(path, O_RDONLY) { file in
                _ = proxy.takeCounts()
                for place in 0..<count {
                    var bytes = [UInt8](repeating: 0, count: 4096)
                    let offset = (place * 7 % count + 1) * 1_000_000
                    try must(pread(file, &bytes, 4096, offset))
                }
            }
            // Two, where the kernel's page lies across the border.
            return proxy.takeCounts().received <= (count + 1) * 128 << 10
        }
        #expect(isLittle)
    }

    @Test func statOpenAndAByteAreOneRequest() throws {
        let isOne = try isFrugal { path in
            let before = proxy.requests.count
            let found = try status(path).st_size
            #expect(found == size)
            try withFile(path, O_RDONLY) { file in
                var byte: UInt8 = 0
                try must(pread(file, &byte, 1, 0))
            }
            return proxy.requests.count == before + 1
        }
        #expect(isOne)
    }
}
