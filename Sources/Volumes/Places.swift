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
        /// How many read each place.
        var readers: [ObjectPlace: Int] = [:]
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

    /// Whether somebody brings the store in line with an entry now.
    func isFollowed(_ entry: Int64) -> Bool { held.withLock { $0.entries.contains(entry) } }

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
    ///
    /// - Parameter sources: other places, whose objects nobody changes meanwhile either, but several may read.
    func withPlaces<R, E>(
        _ places: Set<ObjectPlace>,
        reading sources: Set<ObjectPlace> = [],
        _ body: () throws(E) -> R
    ) throws(E) -> R {
        let sources = sources.subtracting(places)
        held.wait { held -> Bool? in
            guard held.places.isDisjoint(with: places), held.places.isDisjoint(with: sources),
                places.allSatisfy({ held.readers[$0] == nil })
            else { return nil }
            held.places.formUnion(places)
            for source in sources { held.readers[source, default: 0] += 1 }
            return true
        }
        defer {
            held.update { held in
                held.places.subtract(places)
                for source in sources {
                    let others = held.readers[source].map { $0 - 1 } ?? 0
                    held.readers[source] = others > 0 ? others : nil
                }
                held.changes += 1
            }
        }
        return try body()
    }
}
