import Base
import SQLite
import TestSupport
import Testing

@testable import Metadata
@testable import Queries

/// Random queries over a random library: SQL, the point predicate and a naive reading must agree.
struct QueryModelTests {
    static let present = Present(now: Timestamp(seconds: 1_715_000_000, nanoseconds: 7)) { _ in 7200
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func everyWayToAskAgrees(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let library = try Library()
        let files = try library.addRandomFiles(60, using: &random)
        for _ in 0..<60 {
            let query = RandomQuery.query(depth: 3, using: &random)
            let expected = files.filter { $0.matches(query, Self.present) }.map(\.id)
            try library.expect(query, selects: expected, of: files, using: &random)
        }
    }

    /// Many values, many extensions and large postings, which take other ways through the compiler.
    @Test(arguments: 0..<6 as Range<UInt64>)
    func everyWayToAskAgreesOnMore(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let library = try Library()
        let files = try library.addRandomFiles(1500, using: &random)
        for _ in 0..<40 {
            let query = RandomQuery.query(depth: 3, using: &random)
            let expected = files.filter { $0.matches(query, Self.present) }.map(\.id)
            try library.expect(query, selects: expected, of: files, using: &random)
        }
    }

    /// SQLite's parser has a stack of 100 pieces and a depth of 1,000: every query we read must fit.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func theLargestQueriesCompile(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let library = try Library()
        try library.add("/a", tags: [FileTag("k", "1")])
        let leaves = Int.random(in: 40...150, using: &random)
        let lean = Double.random(in: 0...1, using: &random)
        let query = Self.tree(leaves, Query.deepest - 1, lean, isAll: true, using: &random)
        let filter = Filter(file: 9, query: query.description)
        try library.read { connection throws(MetadataError) in
            _ = try connection.members(of: filter, after: 0, limit: 1, at: Self.present)
            _ = try connection.member(named: "a", of: filter, at: Self.present)
        }
    }

    /// What is asked of every row is repeated for each value of the posting, up to a point.
    @Test func theWidestQueryCompiles() throws {
        let library = try Library()
        for number in 0..<16 { try library.add("/\(number)", tags: [FileTag("k", "\(number)")]) }
        // As short as can be, for the limit of text: 4 KiB.
        let others = (0..<200).map { "path~\($0)" }.joined(separator: " OR ")
        let found = try library.read { connection throws(MetadataError) in
            let query = "tag:k<99 AND (\(others))"
            return try connection.files(matching: query, after: 0, limit: 99, at: Self.present)
        }
        #expect(found.count == 16)
    }

    /// AND and OR by turns; the more it leans, the deeper for its leaves.
    private static func tree(
        _ leaves: Int,
        _ depth: Int,
        _ lean: Double,
        isAll: Bool,
        using random: inout SplitMix64
    ) -> Query {
        guard leaves > 1, depth > 0 else {
            let isPattern = Int.random(in: 0..<4, using: &random) == 0
            return .predicate(.tag("k"), isPattern ? .glob("1*") : .exists)
        }
        let share = max(1, Int(Double(leaves) * (1 - lean) / 2))
        let parts = [share, leaves - share].shuffled(using: &random).map {
            tree($0, depth - 1, lean, isAll: !isAll, using: &random)
        }
        return isAll ? .all(parts) : .any(parts)
    }
}

extension Library {
    func expect(
        _ query: Query,
        selects expected: [FileID],
        of files: [ModelFile],
        using random: inout SplitMix64
    ) throws {
        let present = QueryModelTests.present
        let filter = Filter(file: 9, query: query.description)
        let page = Int.random(in: 1...files.count, using: &random)
        try metadata.database.snapshot { connection throws(MetadataError) in
            var found: [FileID] = []
            while true {
                let next = try connection.files(
                    matching: filter.query,
                    after: found.last ?? 0,
                    limit: page,
                    at: present
                )
                if next.isEmpty { break }
                found += next
            }
            #expect(found == expected, "\(query), pages of \(page)")
            let count = try connection.memberCount(of: filter, at: present)
            #expect(count == expected.count, "\(query)")
            var asked: [FileID] = []
            for file in files where try connection.isMember(file.id, of: filter, at: present) {
                asked.append(file.id)
            }
            #expect(asked == expected, "point predicate of \(query)")
            let held = try connection.held(by: filter.query, among: files.map(\.id), at: present)
            #expect(held == expected, "facts against \(query)")
            let complement = try connection.files(
                matching: Query.not(query).description,
                after: 0,
                limit: files.count,
                at: present
            )
            #expect(Set(found).isDisjoint(with: complement), "\(query)")
            #expect(found.count + complement.count == files.count, "\(query)")
        }
    }

    /// Files that are members of views, among directories, removed names and a backend that is gone.
    func addRandomFiles(_ count: Int, using random: inout SplitMix64) throws -> [ModelFile] {
        var taken: Set<Name> = []
        var files: [ModelFile] = []
        let start = (0..<count).map { _ in ModelFile.random(using: &random, at: 1_715_000_000) }
        for var file in start {
            file.places = file.places.filter { taken.insert(Name(file.backend + $0.path)).inserted }
            let isMember = !file.places.isEmpty
            file.id = try write { connection throws(MetadataError) in connection.add(file) }
            if isMember { files.append(file) }
        }
        try add("/pictures/a.jpg", backend: "gone", tags: [FileTag("colour", "red")])
        try write { connection throws(MetadataError) in
            connection.run("DELETE FROM entry WHERE parent = 2 AND name = 'gone'")
            connection.run("INSERT INTO file_tag SELECT root, 1, 1, 4 FROM backend")
        }
        return files
    }
}

extension Connection {
    /// What the evaluator that knows no SQL makes of each file.
    fileprivate func held(
        by query: String,
        among files: [FileID],
        at present: Present
    ) throws(MetadataError) -> [FileID] {
        let query = try prepare(query, at: present)
        return files.filter { query.holds(facts(of: $0, paths: true, attributes: true)) }
    }

    func add(_ file: ModelFile) -> FileID {
        let (number, root) = addBackend(file.backend)
        let id = addFile(
            mode: file.isLink ? 0o120777 : 0o100644,
            backend: number,
            size: file.size,
            modified: file.modified.nanoseconds
        )
        for place in file.places { link(id, place.path, backend: number, root: root) }
        if file.places.isEmpty {
            _ = insert(Entry(parent: -id, name: "a.jpg", file: id, backend: number))
        }
        for (key, values) in file.tags { try? setTag(key, to: values, of: id) }
        for (name, value) in file.attributes {
            try? setExtendedAttribute(name, of: id, to: Array(value.utf8))
        }
        return id
    }
}
