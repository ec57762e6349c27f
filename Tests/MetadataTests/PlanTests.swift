import Base
import Metadata
import Queries
import SQLite
import TestSupport
import Testing

/// How SQLite goes about the compiled queries, so that a change of it or of them doesn't pass unseen.
struct PlanTests {
    /// Postings are merged in the order of their indexes: nothing is sorted, and no table gone through.
    @Test(arguments: [
        "tag:colour=red",
        "tag:colour exists",
        "tag:rating>=4",
        "tag:many contains '1'",
        "tag:many>100",
        "tag:colour=red AND tag:rating=4",
        "tag:colour=red OR tag:colour=blue",
        "tag:colour=red AND NOT tag:rating=4",
        "(tag:colour=red OR tag:rating=4) AND (tag:colour=blue OR tag:rating=5)",
        "tag:colour IN (red, blue) AND path:*a* AND name:*a*",
        "ext=jpg",
        "mime:image/*",
        "type=image AND tag:colour=red",
        "name=a1.jpg",
        "backend:local AND tag:colour=red",
        "xattr:note='x'",
        "tag:colour=red AND path LIKE '%/x/%'",
    ])
    func postingsAreMerged(query: String) throws {
        let plan = try Self.plan(of: query)
        #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
        #expect(!plan.contains { $0.hasPrefix("SCAN p") }, "\(plan)")
        #expect(!plan.contains { $0.hasPrefix("SCAN f") || $0.hasPrefix("SCAN e ") }, "\(plan)")
    }

    /// These have to go through all files, in the order of the table, and still sort nothing.
    @Test(arguments: ["*", "untagged", "NOT tag:colour=red", "name:*a*", "tagcount>2", "path:*x*"])
    func theUniverseIsWalkedInOrder(query: String) throws {
        let plan = try Self.plan(of: query)
        #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
        #expect(plan.contains { $0.hasPrefix("SEARCH p USING INTEGER PRIMARY KEY") }, "\(plan)")
    }

    /// Few files by size, by time or by where they lie are found by an index, and sorted.
    @Test(arguments: [
        ("size>1K", "file_size"), ("size BETWEEN 1K AND 2K", "file_size"),
        ("mtime>2024-05", "file_mtime"), ("age<7d", "file_mtime"),
        ("tag:colour=red AND size>1K", "file_size"), ("dir='/y'", "(parent=?"),
        ("path under '/y'", "(parent=?"), ("path:/y/*", "(parent=?"),
    ])
    func fewFilesAreFoundByAnIndex(query: String, index: String) throws {
        let plan = try Self.plan(of: query)
        #expect(plan.contains { $0.contains(index) }, "\(plan)")
        #expect(!plan.contains { $0.contains("p USING INTEGER PRIMARY KEY") }, "\(plan)")
    }

    private static func plan(of query: String) throws -> [String] {
        let library = try Library()
        try library.write { connection throws(MetadataError) in
            for number in 0..<200 {
                let file = connection.add("/x/a\(number).jpg")
                try? connection.addTag(
                    FileTag("colour", number % 2 == 0 ? "red" : "blue"),
                    to: file
                )
                try? connection.addTag(FileTag("rating", "\(number % 6)"), to: file)
                try? connection.addTag(FileTag("many", "\(number)"), to: file)
                try? connection.setExtendedAttribute("user.note", of: file, to: [0x78])
            }
            _ = connection.add("/y/z/b.jpg")
        }
        return try library.read { connection throws(MetadataError) in
            try connection.plan(
                of: Filter(file: 9, query: query),
                at: .utc(Timestamp(seconds: 1_715_000_000))
            )
        }
    }
}
