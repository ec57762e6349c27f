import Base
import Foundation
import Glibc
import TestSupport
import Testing

/// What the kernel remembers, so that it need not ask: seen while the daemon is stopped.
///
/// Without passthrough, with which it would not ask for bytes in any case.
struct KernelCacheTests {
    private let mount: Mount

    init() throws {
        mount = try Mount(settings: "passthrough = no")
        try shell("for i in $(seq 50); do echo $i > f$i; done", in: mount.folder)
        try shell("head -c 3000000 /dev/urandom > big", in: mount.folder)
        try mount.remount()
    }

    @Test func bytesStayWhileTheVersionIsTheSame() throws {
        let path = mount.folder + "/big"
        let bytes = try Data(contentsOf: URL(filePath: path))
        // Each open but for `keep_cache` would have the kernel forget what it has read.
        try withFile(path, O_RDONLY) { file in
            try withFile(path, O_RDONLY) { _ in }
            let isSame = mount.readWhileStopped(file, bytes.count, at: 0) == bytes
            #expect(isSame)
        }
    }

    @Test func namesAttributesAndAbsenceNeedNoSecondQuestion() throws {
        let (here, missing) = (mount.folder + "/big", mount.folder + "/missing")
        // What the kernel was told is good for a while only, which a busy machine may take for this.
        let isRemembered = try eventually(atMost: 60) {
            let size = try status(here).st_size
            #expect(size == 3_000_000 && access(missing, F_OK) == -1)
            return mount.whileStopped {
                (try? status(here).st_size) == 3_000_000 && access(missing, F_OK) == -1
                    && errno == ENOENT
            } == true
        }
        #expect(isRemembered)
    }

    /// One request for many names brings the attributes of each.
    @Test func aListingBringsTheAttributesAlong() throws {
        let folder = mount.folder
        let expected: [Int?] = (1...50).map { $0 < 10 ? 2 : 3 }
        let areKnown = try eventually(atMost: 60) {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(names.count == 51)
            return mount.whileStopped {
                (1...50).map { try? status(folder + "/f\($0)").st_size }
            } == expected
        }
        #expect(areKnown)
    }

    @Test(.enabled(if: geteuid() == 0))
    func itReadsAheadByAMebibyte() throws {
        let device = try status(mount.path).st_dev
        let number = "\(device >> 8 & 0xfff):\(device & 0xff | device >> 12 & 0xfff00)"
        // The daemon asks for it as soon as the mount answers.
        let isWide = try eventually {
            try readFile("/sys/class/bdi/\(number)/read_ahead_kb") == "1024\n"
        }
        #expect(isWide)
    }
}
