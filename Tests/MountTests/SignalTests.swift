import Foundation
import Glibc
import TestSupport
import Testing

struct SignalTests {
    /// What is only in a mapping, or in a file that is still open, is delivered all the same.
    @Test(arguments: [SIGTERM, SIGINT])
    func aSignalEndsTheMountWithEverythingDelivered(signal: CInt) throws {
        let mount = try Mount()
        let mapped = try must(open(mount.folder + "/mapped", O_RDWR | O_CREAT, 0o644))
        try must(ftruncate(mapped, 8192))
        let memory = mmap(nil, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0)
        try #require(memory != MAP_FAILED)
        memory!.storeBytes(of: UInt8(ascii: "m"), as: UInt8.self)
        let written = try must(open(mount.folder + "/written", O_WRONLY | O_CREAT, 0o644))
        try must(write(written, "open", 4))
        kill(mount.daemon.processIdentifier, signal)
        #expect(eventually { !mount.daemon.isRunning })
        munmap(memory, 8192)
        close(mapped)
        close(written)
        #expect(mount.daemon.terminationStatus == 0)
        #expect(access(mount.path + "/backends", F_OK) == -1)
        let store = mount.dataDirectory + "/local"
        #expect(try readFile(store + "/mapped").first == "m")
        #expect(try readFile(store + "/written") == "open")
        try mount.start()
        #expect(try readFile(mount.folder + "/written") == "open")
    }
}
