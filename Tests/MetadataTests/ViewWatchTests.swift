import Base
import Glibc
import SQLite
import TestSupport
import Testing

@testable import Metadata
@testable import Queries

/// A view's mtime moves if, and only if, a listing of it would be another.
struct ViewWatchTests {
    private static let queries = [
        "*", "untagged", "tag:colour=red", "tag:rating>=4 AND NOT tag:flag",
        "path under '/pictures'",
        "name:*.jpg", "size>1000", "xattr:note exists", "tagcount>2",
        "backend:local AND type=image",
        "tag:colour=red OR dir=/docs", "tag:colour=red ORDER BY mtime DESC LIMIT 3",
        "* ORDER BY name LIMIT 5", "filter:f2 AND size<1000",
    ]

    @Test(arguments: 0..<4 as Range<UInt64>)
    func timesMoveWithWhatIsShown(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let library = try Library()
        _ = try library.addRandomFiles(40, using: &random)
        var filters: [Filter] = []
        for (number, query) in Self.queries.enumerated() {
            var filter = Filter(file: try library.makeView(Name("f\(number)")), query: query)
            if number % 5 == 4 { filter.names = .always }
            if number % 7 == 6 { filter.layout = .tree }
            filters.append(filter)
            try library.write { rows throws(MetadataError) in _ = try rows.store(filter) }
        }
        for step in 0..<60 {
            let before = try filters.map { try library.look(at: $0) }
            // One settling may be for several changes, which may undo each other.
            let times = step % 3 == 0 ? Int.random(in: 2...6, using: &random) : 1
            let what = try library.changeSomething(times: times, using: &random)
            for (filter, old) in zip(filters, before) {
                let new = try library.look(at: filter)
                let hasChanged = new.shown != old.shown
                #expect(
                    (new.modified != old.modified) == hasChanged,
                    "step \(step), \(what): \(filter.query) \(hasChanged ? "changed" : "did not")"
                )
            }
        }
    }

    @Test func aChangedQueryMovesTheTimeIfItSelectsOthers() throws {
        let library = try Library()
        try library.add("/a", tags: [FileTag("k", "1")])
        var filter = Filter(file: try library.makeView("f"), query: "tag:k")
        try library.write { rows throws(MetadataError) in _ = try rows.store(filter) }
        let first = try library.look(at: filter).modified
        filter.query = "tag:k=1"
        try library.write { rows throws(MetadataError) in _ = try rows.store(filter) }
        #expect(try library.look(at: filter).modified == first)
        filter.query = "tag:k=2"
        try library.write { rows throws(MetadataError) in _ = try rows.store(filter) }
        #expect(try library.look(at: filter).modified != first)
    }

    /// A transaction that fails after it was settled leaves nothing behind.
    @Test func whatIsRolledBackMovesNothing() throws {
        let library = try Library()
        let file = try library.add("/a", tags: [FileTag("k", "1")])
        let filter = Filter(file: try library.makeView("f"), query: "tag:k=1")
        try library.write { rows throws(MetadataError) in _ = try rows.store(filter) }
        let before = try library.look(at: filter)
        _ = try? library.write { rows throws(MetadataError) in
            rows.removeTag(key: "k", of: file)
            throw MetadataError.newerSchema(0)
        }
        try library.write { rows throws(MetadataError) in rows.touchChange(of: file, at: .now()) }
        #expect(try library.look(at: filter) == before)
    }

    /// Time passes over `mtime>now-1h` and `tag:due<now` as they are looked at.
    @Test(arguments: ["mtime>now-1h", "age<1h", "tag:due<now-1h"])
    func timeItselfMovesAView(query: String) throws {
        let library = try Library()
        let hour = Timestamp.now().seconds - 3600
        let file = try library.add("/a")
        try library.write { rows throws(MetadataError) in
            // A second from now it is an hour old.
            rows.run(
                "UPDATE file SET mtime = ? WHERE id = ?",
                .integer((hour + 1) * 1_000_000_000),
                .integer(file)
            )
            try? rows.addTag(FileTag("due", wallClock(hour + 1)), to: file)
        }
        let filter = Filter(file: try library.makeView("f"), query: query)
        try library.write { rows throws(MetadataError) in _ = try rows.store(filter) }
        let first = try library.look(at: filter)
        var last = first
        for _ in 0..<400 where last.shown == first.shown {
            usleep(10_000)
            last = try library.look(at: filter)
        }
        #expect(last.shown != first.shown)
        #expect(try library.look(at: filter).modified != first.modified)
        let settled = try library.look(at: filter)
        usleep(20_000)
        #expect(try library.look(at: filter) == settled)
    }
}

/// A date as a tag has it, without a zone.
private func wallClock(_ seconds: Int64) -> String {
    var time = time_t(seconds)
    var parts = tm()
    localtime_r(&time, &parts)
    let pad = { (number: CInt) in number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)-\(pad(parts.tm_mon + 1))-\(pad(parts.tm_mday))"
        + "T\(pad(parts.tm_hour)):\(pad(parts.tm_min)):\(pad(parts.tm_sec))"
}

struct Look: Equatable {
    var shown: [UInt8]
    var modified: Timestamp
}

extension Library {
    func makeView(_ name: Name) throws -> FileID {
        try write { rows throws(MetadataError) in
            let directory = rows.addFile(mode: 0o040755, backend: 0)
            _ = rows.insert(Entry(parent: .filters, name: name, file: directory, backend: 0))
            return directory
        }
    }

    /// What a view shows, and its mtime.
    func look(at filter: Filter) throws -> Look {
        try metadata.views.settle(filter.file, in: metadata.database)
        return try read { rows throws(MetadataError) in
            Look(
                shown: try rows.fingerprint(of: filter, at: .local()),
                modified: rows.file(filter.file)?.modified ?? Timestamp(nanoseconds: 0)
            )
        }
    }

    /// Changes of the kinds that happen to a library, settled together; returns what they were.
    func changeSomething(times: Int, using random: inout SplitMix64) throws -> String {
        let files = try fileIDs()
        let one = files.randomElement(using: &random) ?? 0
        let changes = (0..<times).map { _ in
            // Often of the same file.
            let isSame = Int.random(in: 0..<3, using: &random) > 0
            let file = isSame ? one : files.randomElement(using: &random) ?? 0
            return Change(of: file, using: &random)
        }
        return try write { rows throws(MetadataError) in
            changes.map { $0.apply(rows) }.joined(separator: ", ")
        }
    }

    private func fileIDs() throws -> [FileID] {
        try read { rows throws(MetadataError) in
            var files: [FileID] = []
            rows.each("SELECT id FROM file WHERE (mode & 61440) = 32768") {
                files.append($0.integer(0))
                return true
            }
            return files
        }
    }
}

/// One change, with all that is chosen about it.
private struct Change {
    let kind: Int
    let file: FileID
    let key: String
    let value: String
    let number: Int64
    let unique: UInt64
    let model: ModelFile

    init(of file: FileID, using random: inout SplitMix64) {
        self.file = file
        kind = Int.random(in: 0..<12, using: &random)
        value = RandomQuery.values.randomElement(using: &random)!
        key = RandomQuery.keys.randomElement(using: &random)!
        number = Int64.random(in: 0...2000, using: &random)
        unique = random.next()
        model = ModelFile.random(using: &random, at: 1_715_000_000)
    }

    func apply(_ rows: Connection) -> String {
        switch kind {
        case 0, 1, 2:
            try? rows.setTag(key, to: [value], of: file)
            return "\(key)=\(value) on \(file)"
        case 3:
            rows.removeTag(key: key, of: file)
            return "\(key) off \(file)"
        case 4:
            guard var row = rows.file(file) else { return "nothing" }
            row.size = number
            row.modified = Timestamp(seconds: 1_700_000_000 + number)
            rows.update(row)
            return "size \(number) of \(file)"
        case 5:
            try? rows.setExtendedAttribute("user.note", of: file, to: Array(value.utf8))
            return "note on \(file)"
        case 6:
            var model = model
            model.places = [ModelFile.Place(directory: "/docs", name: "\(unique).jpg")]
            _ = rows.add(model)
            return "a new file"
        case 7, 8:
            guard var entry = rows.entries(of: file).first else { return "nothing" }
            entry.name = Name("\(unique)\(entry.name.text.suffix(6))")
            rows.update(entry)
            return "\(file) renamed"
        case 9:
            guard var entry = rows.entries(of: file).first else { return "nothing" }
            entry.parent = -entry.id
            rows.update(entry)
            return "\(file) removed"
        case 10:
            let (_, root) = rows.addBackend("local")
            guard var entry = rows.entry(named: "docs", in: root) else { return "nothing" }
            entry.name = Name("\(unique)")
            rows.update(entry)
            return "a directory renamed"
        default:
            if let entry = rows.entry(named: "remote", in: .backends) {
                rows.deleteEntry(entry.id)
            } else {
                _ = rows.addBackend("remote")
            }
            return "a backend came or went"
        }
    }
}
