import Base
import Metadata
import SQLite
import TestSupport
import Testing

/// Whoever writes remembers the names of directories: paths must be what they are all the same.
struct PathTests {
    @Test(arguments: 0..<10 as Range<UInt64>)
    func aPathIsWhatTheNamesSay(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let library = try Library()
        let backend: FileID = 2000
        var directories: [FileID] = []
        var entries: [FileID: Entry] = [:]
        try library.write { (rows) throws(MetadataError) in
            for number in 0..<8 as Range<Int64> {
                let id = backend + number
                let parent =
                    number == 0 ? FileID.backends : directories.randomElement(using: &random)!
                var entry = Entry(parent: parent, name: Name("d\(number)"), file: id, backend: 7)
                entry.id = rows.insert(entry)
                entries[id] = entry
                directories.append(id)
            }
        }
        for step in 0..<40 {
            let moved = directories[1...].randomElement(using: &random)!
            let target = directories.randomElement(using: &random)!
            let isRefused = Int.random(in: 0..<4, using: &random) == 0
            var paths: [String?] = []
            do {
                try library.write { (rows) throws(MetadataError) in
                    for id in directories { _ = (rows.path(of: id), rows.components(of: id)) }
                    guard moved != target, !rows.ancestors(of: target).contains(moved) else {
                        return
                    }
                    var entry = entries[moved]!
                    entry.parent = target
                    entry.name = Name("m\(step)")
                    rows.update(entry)
                    paths = directories.map { rows.path(of: $0) }
                    if isRefused { throw MetadataError.newerSchema(9) }
                    entries[moved] = entry
                }
            } catch MetadataError.newerSchema {}
            for write in [true, false] {
                let body = { (rows: Connection) throws(MetadataError) in
                    directories.map { (rows.path(of: $0), rows.components(of: $0)) }
                }
                let found = try write ? library.write(body) : library.read(body)
                #expect(found.map(\.0) == directories.map { Self.path(of: $0, entries) })
                let expected = found.map {
                    $0.0?.split(separator: "/").dropFirst(2).map(String.init)
                }
                #expect(found.map(\.1) == expected)
                if !isRefused, !paths.isEmpty { #expect(found.map(\.0) == paths) }
            }
        }
    }

    private static func path(of file: FileID, _ entries: [FileID: Entry]) -> String {
        guard let entry = entries[file] else { return "/backends" }
        return path(of: entry.parent, entries) + "/" + entry.name.text
    }
}
