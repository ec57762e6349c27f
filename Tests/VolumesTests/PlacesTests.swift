import Base
import Metadata
import TestSupport
import Testing

@testable import Volumes

/// Who may be at an object's place beside whom.
struct PlacesTests {
    private let locks = PlaceLocks()
    private let source: Set = [ObjectPlace(backend: 1, key: "source")]

    private func target(_ key: Key) -> Set<ObjectPlace> { [ObjectPlace(backend: 1, key: key)] }

    @Test func severalCopyFromOnePlace() {
        locks.withPlaces(target("a"), reading: source) {
            #expect(isFree { locks.withPlaces(target("b"), reading: source) {} })
        }
    }

    @Test func nobodyChangesWhatIsCopiedFrom() {
        locks.withPlaces(target("a"), reading: source) {
            locks.withPlaces(target("b"), reading: source) {}
            #expect(!isFree { locks.withPlaces(source) {} })
        }
        #expect(isFree { locks.withPlaces(source) {} })
    }

    @Test func nobodyCopiesFromWhatIsChanged() {
        locks.withPlaces(source) {
            #expect(!isFree { locks.withPlaces(target("a"), reading: source) {} })
        }
        // Copied onto itself.
        locks.withPlaces(source, reading: source) {}
        #expect(isFree { locks.withPlaces(target("a"), reading: source) {} })
    }

    /// Whether a thread gets what it asks for while ours has what it has; it waits on if not.
    private func isFree(_ take: @escaping @Sendable () -> Void) -> Bool {
        let isDone = Monitor(false)
        Threads().start {
            take()
            isDone.update { $0 = true }
        }
        return eventually(atMost: 0.3) { isDone.withLock { $0 } }
    }
}
