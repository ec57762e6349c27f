import Foundation
import Glibc
import TestSupport
import Testing

/// Every promise, on the mount and on a plain local directory: what fails on both is a wrong test.
struct PromiseTests {
    @Test(arguments: Promise.all)
    func holdsOnAPlainDirectory(promise: Promise) throws {
        let directory = try TemporaryDirectory()
        try promise.check(directory.path)
    }

    @Test(arguments: Promise.all)
    func holdsOnTheMount(promise: Promise) throws {
        let mount = try Mount()
        let directory = mount.folder + "/d"
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: false
        )
        try promise.check(directory)
    }

    @Test func allHoldWhereTheKernelReadsNothingByItself() throws {
        let mount = try Mount(settings: "passthrough = no")
        for (number, promise) in Promise.all.enumerated() {
            let directory = mount.folder + "/p\(number)"
            try must(mkdir(directory, 0o755))
            do {
                try promise.check(directory)
            } catch {
                Issue.record("\(promise): \(error)")
            }
        }
    }
}
