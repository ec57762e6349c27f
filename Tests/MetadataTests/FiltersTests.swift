import Base
import Metadata
import Queries
import SQLite
import TestSupport
import Testing

struct FiltersTests {
    private let present = Present.utc(Timestamp(seconds: 1_715_000_000))

    /// A directory below `/filters`.
    private func makeDirectory(_ path: String, _ library: Library) throws -> FileID {
        try library.write { connection throws(MetadataError) in
            var parent = FileID.filters
            for component in path.split(separator: "/") {
                if let known = connection.entry(named: Name(String(component)), in: parent) {
                    parent = known.file
                    continue
                }
                let directory = connection.addFile(mode: 0o040755, backend: 0)
                let name = Name(String(component))
                _ = connection.insert(
                    Entry(parent: parent, name: name, file: directory, backend: 0)
                )
                parent = directory
            }
            return parent
        }
    }

    private func store(_ query: String, at path: String, in library: Library) throws -> [String] {
        let directory = try makeDirectory(path, library)
        return try library.write { connection throws(MetadataError) in
            try connection.store(Filter(file: directory, query: query))
        }
    }

    @Test func areKeptAsTheyWereStored() throws {
        let library = try Library()
        var filter = Filter(file: try makeDirectory("photos/red", library), query: "tag:colour=red")
        filter.layout = .tree
        filter.names = .always
        filter.isConfigured = true
        filter.members = [1, 2]
        try library.write { connection throws(MetadataError) in
            try connection.store(filter)
            #expect(connection.filter(of: filter.file) == filter)
            #expect(connection.filter(at: "/photos/red/") == filter)
            #expect(connection.filter(at: "photos") == nil)
            #expect(connection.filters() == [filter])
            filter.query = "*"
            try connection.store(filter)
            connection.setMembers([3], of: filter.file)
            filter.members = [3]
            #expect(connection.filters() == [filter])
            connection.deleteFilter(of: filter.file)
            #expect(connection.filters() == [])
        }
    }

    @Test func storingWarnsOfWhatMayBeAMistake() throws {
        let library = try Library()
        let warnings = try store("tag:nothing AND backend=nowhere", at: "a", in: library)
        #expect(
            warnings == [
                "no file has the tag \"nothing\"", "there is no backend \"nowhere\"",
            ]
        )
    }

    @Test(arguments: ["tag:", "filter:missing", "filter:a", "filter:b AND *"])
    func aBrokenQueryIsNotStored(query: String) throws {
        let library = try Library()
        _ = try store("*", at: "a", in: library)
        _ = try store("filter:a", at: "b", in: library)
        #expect(throws: MetadataError.self) { try store(query, at: "a", in: library) }
        let kept = try library.read { connection in connection.filter(at: "a")?.query }
        #expect(kept == "*")
    }

    @Test func aFilterMayReferToAnother() throws {
        let library = try Library()
        let red = try library.add("/one/a.jpg", tags: [FileTag("colour", "red")])
        try library.add("/one/b.jpg")
        _ = try store("tag:colour=red", at: "photos/red", in: library)
        _ = try store("filter:photos/red AND ext=jpg", at: "jpg", in: library)
        let found = try library.read { connection throws(MetadataError) in
            try connection.files(matching: "filter:jpg", after: 0, limit: 10, at: present)
        }
        #expect(found == [red])
    }

    @Test func aCircleSaysWhichWayItGoes() throws {
        let library = try Library()
        _ = try store("*", at: "a", in: library)
        _ = try store("filter:a", at: "b", in: library)
        let error = try #require(throws: MetadataError.self) {
            try store("filter:b", at: "a", in: library)
        }
        #expect(
            error.description == """
                filters refer to one another in a circle: b → a → b
                  filter:b
                  ^
                """
        )
    }
}
