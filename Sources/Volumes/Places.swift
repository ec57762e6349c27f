import Base
import Metadata

/// Where an object lies.
struct ObjectPlace: Hashable, Comparable, Sendable {
    var backend: Int64
    var key: Key

    static func < (one: ObjectPlace, other: ObjectPlace) -> Bool {
        one.backend != other.backend ? one.backend < other.backend : one.key < other.key
    }
}

/// Sees to it that one thread at a time changes the objects of a place, or follows an entry.
final class PlaceLocks: Sendable {
    private struct Held {
        var places: Set<ObjectPlace> = []
        var entries: Set<Int64> = []
        /// How often something was given back.
        var changes = 0
    }

    private let held = Monitor(Held())

    /// Moves whenever somebody gives back what he had, and may have changed there.
    ///
    /// Who finds it where it was before he looked at something, and has that to himself now, need not
    /// look again.
    var changes: Int { held.withLock { $0.changes } }

    /// Runs `body` with the entries to itself; taken all at once, and before any place.
    func withEntries<R, E>(_ entries: Set<Int64>, _ body: () throws(E) -> R) throws(E) -> R {
        held.wait { held -> Bool? in
            guard held.entries.isDisjoint(with: entries) else { return nil }
            held.entries.formUnion(entries)
            return true
        }
        defer {
            held.update {
                $0.entries.subtract(entries)
                $0.changes += 1
            }
        }
        return try body()
    }

    /// Runs `body` with all the places to itself; taken all at once, so nobody waits in a circle.
    func withPlaces<R, E>(_ places: Set<ObjectPlace>, _ body: () throws(E) -> R) throws(E) -> R {
        held.wait { held -> Bool? in
            guard held.places.isDisjoint(with: places) else { return nil }
            held.places.formUnion(places)
            return true
        }
        defer {
            held.update {
                $0.places.subtract(places)
                $0.changes += 1
            }
        }
        return try body()
    }
}
