import Base
import Foundation
import Glibc
import TestSupport
import Testing

/// What reads of a file that is not in the cache ask of the store.
struct ColdReadTests {
    private let bucket: Bucket
    private let proxy: S3Proxy
    private let mount: Mount
    private let size = 24_000_000
    private var path: String { mount.folder + "/d/f" }

    init() throws {
        let server = try S3Server.shared(.radosgw)
        var bucket = try Bucket(on: server)
        let scratch = try TemporaryDirectory()
        try shell("head -c \(size) /dev/urandom > f", in: scratch.path)
        try bucket.rclone("copyto", scratch.path + "/f", "other:/d/f")
        proxy = try S3Proxy(before: server)
        bucket.endpoint = proxy.url
        self.bucket = bucket
        mount = try bucket.mount(settings: "directory_ttl = 60s")
        // The directory is known from now on.
        #expect(try FileManager.default.contentsOfDirectory(atPath: mount.folder + "/d") == ["f"])
        _ = proxy.takeCounts()
    }

    @Test func eightReadersDownloadAnObjectOnce() throws {
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
        #expect(received <= size * 102 / 100)
    }

    @Test func randomReadsFetchAChunkEach() throws {
        let count = 20
        try withFile(path, O_RDONLY) { file in
            _ = proxy.takeCounts()
            for place in 0..<count {
                var bytes = [UInt8](repeating: 0, count: 4096)
                let offset = (place * 7 % count + 1) * 1_000_000
                let found = try must(pread(file, &bytes, 4096, offset))
                #expect(found == 4096)
            }
        }
        // Two, where the kernel's page lies across the border.
        #expect(proxy.takeCounts().received <= (count + 1) * 128 << 10)
    }

    @Test func statOpenAndAByteAreOneRequest() throws {
        let before = proxy.requests.count
        #expect(try status(path).st_size == size)
        try withFile(path, O_RDONLY) { file in
            var byte: UInt8 = 0
            let found = try must(pread(file, &byte, 1, 0))
            #expect(found == 1)
        }
        #expect(proxy.requests.count == before + 1)
    }
}
