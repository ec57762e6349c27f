import Base
import Metadata
import Queries
import SQLite
import TestSupport
import Testing

/// The rule of names in a flat view, to the letter.
struct ViewsTests {
    private let present = Present.utc(Timestamp(seconds: 1_715_000_000))

    private func names(
        _ library: Library,
        _ query: String = "tag:in",
        _ names: Filter.Names = .collide
    ) throws -> [String] {
        var filter = Filter(file: 9, query: query)
        filter.names = names
        return try library.read { connection throws(MetadataError) in
            let members = try connection.members(of: filter, after: 0, limit: 100, at: present)
            for member in members {
                let found = try connection.member(named: member.name, of: filter, at: present)
                #expect(found == member.file, "\(member.name) resolves")
            }
            return members.map(\.name.text)
        }
    }

    private func lookup(_ library: Library, _ name: String) throws -> FileID? {
        let filter = Filter(file: 9, query: "tag:in")
        return try library.read { connection throws(MetadataError) in
            try connection.member(named: Name(name), of: filter, at: present)
        }
    }

    /// The marks are SHA-256("local\0/one") and so on, computed by other means.
    @Test func namesThatCollideAllCarryAMark() throws {
        let library = try Library()
        let first = try library.add("/one/a.jpg", tags: [FileTag("in")])
        let second = try library.add("/two/a.jpg", tags: [FileTag("in")])
        try library.add("/two/b.jpg", tags: [FileTag("in")])
        try library.add("/three/b.jpg")
        try library.add("/a.jpg", backend: "remote", tags: [FileTag("in")])
        #expect(
            try names(library) == [
                "a [vtca06].jpg", "a [w5tw08].jpg", "b.jpg", "a [q2bkhg].jpg",
            ]
        )
        #expect(try lookup(library, "a.jpg") == nil)
        #expect(try lookup(library, "a [vtca06].jpg") == first)
        #expect(try lookup(library, "a [w5tw08].jpg") == second)
        #expect(try lookup(library, "a [000000].jpg") == nil)
    }

    @Test func aMarkedNameResolvesWhereNothingCollides() throws {
        let library = try Library()
        let file = try library.add("/one/a.jpg", tags: [FileTag("in")])
        #expect(try names(library) == ["a.jpg"])
        #expect(try lookup(library, "a [vtca06].jpg") == file)
        #expect(try lookup(library, "a.jpg") == file)
        #expect(try lookup(library, "b.jpg") == nil)
    }

    @Test func everyNameIsMarkedOnRequest() throws {
        let library = try Library()
        try library.add("/one/a.jpg", tags: [FileTag("in")])
        try library.add("/one/b", tags: [FileTag("in")])
        #expect(try names(library, "tag:in", .always) == ["a [vtca06].jpg", "b [vtca06]"])
    }

    @Test(arguments: [
        ("a", "a [vtca06]"),
        ("a.", "a. [vtca06]"),
        (".a", ".a [vtca06]"),
        ("a.tar.gz", "a.tar [vtca06].gz"),
        ("Film.mkv", "Film [vtca06].mkv"),
        ("Film.en.srt", "Film [vtca06].en.srt"),
        ("Film.pt-BR.forced.srt", "Film [vtca06].pt-BR.forced.srt"),
        ("Film.2024.srt", "Film.2024 [vtca06].srt"),
        ("a [b].c", "a [b] [vtca06].c"),
        ("é.txt", "é [vtca06].txt"),
    ])
    func theMarkStandsBeforeTheExtension(name: String, marked: String) throws {
        let library = try Library()
        try library.add("/one/" + name, tags: [FileTag("in")])
        try library.add("/two/" + name, tags: [FileTag("in")])
        #expect(try names(library)[0].utf8.elementsEqual(marked.utf8))
    }

    @Test func longNamesAreCutBetweenCharacters() throws {
        let library = try Library()
        let name = String(repeating: "é", count: 125) + ".jpg"
        try library.add("/one/" + name, tags: [FileTag("in")])
        try library.add("/two/" + name, tags: [FileTag("in")])
        let marked = String(repeating: "é", count: 121) + " [vtca06].jpg"
        #expect(try names(library)[0] == marked)
        #expect(marked.utf8.count <= 255)
    }

    /// Two files cut to one name in one directory: the second half of the mark tells them apart.
    @Test func marksGrowOnAClash() throws {
        let library = try Library()
        let name = String(repeating: "x", count: 250)
        for end in ["1", "2"] { try library.add("/one/" + name + end, tags: [FileTag("in")]) }
        let shown = try names(library, "tag:in", .always)
        #expect(Set(shown).count == 2)
        #expect(shown.allSatisfy { $0.utf8.count == 255 })
    }

    @Test func aFileCalledLikeAnothersMarkedNameGivesWay() throws {
        let library = try Library()
        try library.add("/one/a.jpg", tags: [FileTag("in")])
        try library.add("/two/a.jpg", tags: [FileTag("in")])
        try library.add("/two/a [vtca06].jpg", tags: [FileTag("in")])
        #expect(
            try names(library) == ["a [vtca06].jpg", "a [w5tw08].jpg", "a [vtca06] [w5tw08].jpg"]
        )
    }

    @Test func aFileWithTwoNamesIsShownOnce() throws {
        let library = try Library()
        let file = try library.add("/one/a.jpg", tags: [FileTag("in")])
        try library.write { connection throws(MetadataError) in
            let (number, root) = connection.addBackend("local")
            connection.link(file, "/two/b.jpg", backend: number, root: root)
        }
        #expect(try names(library) == ["a.jpg"])
        #expect(try lookup(library, "b.jpg") == nil)
    }

    @Test func aFrequentNameIsFoundThroughTheFilter() throws {
        let library = try Library()
        for number in 0..<200 { try library.add("/\(number)/index.html") }
        let only = try library.add("/here/index.html", tags: [FileTag("in")])
        #expect(try names(library) == ["index.html"])
        #expect(try lookup(library, "index.html") == only)
        #expect(Set(try names(library, "name:index.html")).count == 100)
    }

    @Test func theFingerprintMovesWithMembershipOnly() throws {
        let library = try Library()
        let first = try library.add("/one/a.jpg", tags: [FileTag("in")])
        let second = try library.add("/one/b.jpg")
        func fingerprint() throws -> [UInt8] {
            try library.read { connection throws(MetadataError) in
                try connection.fingerprint(of: Filter(file: 9, query: "tag:in"), at: present)
            }
        }
        func change(_ body: (Connection) throws(MetadataError) -> Void) throws -> Bool {
            let before = try fingerprint()
            try library.write(body)
            return try fingerprint() != before
        }
        #expect(try !change { connection in try? connection.addTag(FileTag("x"), to: first) })
        #expect(try change { connection in try? connection.addTag(FileTag("in"), to: second) })
        #expect(try change { connection in connection.removeTag(FileTag("in"), of: second) })
        #expect(
            try change { connection in
                connection.run("UPDATE entry SET name = 'c.jpg' WHERE name = 'a.jpg'")
            }
        )
    }

    @Test func aFilterThatCannotBeReadIsAnErrorAndNeverEmpty() throws {
        let library = try Library()
        for query in ["nonsense", "filter:nowhere", ""] {
            #expect(throws: MetadataError.self) { try names(library, query) }
        }
    }
}
