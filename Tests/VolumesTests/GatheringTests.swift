import Base
import Stores
import TestSupport
import Testing

@testable import Volumes

/// What is removed in a row goes to the store together.
struct GatheringTests {
    @Test func aRowOfRemovalsTakesFewRequests() throws {
        let scratch = try TemporaryDirectory()
        let store = MemoryStore(pageKeys: 1000)
        let names = (0..<300).map { Name("f\($0)") }
        for name in names { store.set(Key(name.text), [1]) }
        let volume = try Volume(over: store, in: scratch.path, waitsForStore: false)
        defer { volume.stop(deliveringAtMost: 0) }
        let root = try volume.storeRoot
        try volume.openDirectory(root)
        let start = monotonicSeconds()
        for name in names { try volume.unlink(name, in: root) }
        let windows = (monotonicSeconds() - start) / Volume.gatheringSeconds + 2
        #expect(eventually { store.keys.isEmpty })
        #expect(Double(store.takeAsked().filter { $0 == "DELETE" }.count) <= windows)
    }

    @Test(arguments: [0, 1, 399_999_999, 1_800_000_000_123_456_789] as [Int64])
    func eachWaitsForOneWindowAtLeastAndTwoAtMost(_ nanoseconds: Int64) {
        let now = Timestamp(nanoseconds: nanoseconds)
        let wait = Volume.gathered(at: now).secondsSince(now)
        #expect(wait > Volume.gatheringSeconds && wait <= 2 * Volume.gatheringSeconds)
    }
}
