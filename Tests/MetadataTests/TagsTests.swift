import Base
import Metadata
import SQLite
import TestSupport
import Testing

struct TagsTests {
    /// Random changes to a few files, beside a dictionary that is told the same.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func agreeWithAModel(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let library = try Library()
        let files = try (0..<4).map { _ in try library.addFile() }
        var model: [FileID: Set<FileTag>] = [:]
        for _ in 0..<60 {
            let file = files.randomElement(using: &random)!
            let tag = FileTag.random(using: &random)
            try library.write { connection throws(MetadataError) in
                switch Int.random(in: 0..<7, using: &random) {
                case 0, 1, 2:
                    try? connection.addTag(tag, to: file)
                    model[file, default: []].insert(tag)
                case 3:
                    let values = (0..<Int.random(in: 0...3, using: &random)).map { "v\($0)" }
                    try? connection.setTag(tag.key, to: values, of: file)
                    model[file] = (model[file] ?? []).filter { $0.key != tag.key }
                        .union(values.map { FileTag(tag.key, $0) })
                case 4:
                    let had = connection.removeTag(tag, of: file)
                    #expect(had == (model[file]?.remove(tag) != nil))
                case 5:
                    connection.removeTag(key: tag.key, of: file)
                    model[file] = model[file]?.filter { $0.key != tag.key }
                default:
                    let source = files.randomElement(using: &random)!
                    connection.carryTags(from: source, to: file)
                    if model[file, default: []].isEmpty { model[file] = model[source] ?? [] }
                }
            }
            try library.expectTags(model)
        }
        try library.write { connection throws(MetadataError) in
            for file in files { connection.removeAllTags(of: file) }
        }
        try library.expectTags([:])
        #expect(try library.read { connection in connection.tagKeys() } == [])
    }

    @Test func valuesAreReadAsNumbersAndDates() throws {
        let library = try Library()
        let file = try library.addFile()
        let rows = try library.write { connection throws(MetadataError) in
            try? connection.setTag("k", to: ["04", "ÄRA", "2024-05", "2.1.0"], of: file)
            var rows: [String] = []
            connection.each("SELECT raw, folded, num, time FROM tag_value ORDER BY raw") { row in
                let number = row.isNull(2) ? "-" : "\(row.real(2))"
                let time = row.optionalInteger(3).map { "\($0 / 1_000_000_000)" } ?? "-"
                rows.append("\(row.text(0)) \(row.text(1)) \(number) \(time)")
                return true
            }
            return rows
        }
        #expect(
            rows == [
                "04 04 4.0 -", "2.1.0 2.1.0 - -", "2024-05 2024-05 - 1714521600", "ÄRA ära - -",
            ]
        )
    }

    struct Refusal: Sendable {
        var keyBytes = 1
        var values = 1
        var value = "v"
        var error = Errno.invalid
    }

    @Test(arguments: [
        Refusal(keyBytes: 0),
        Refusal(value: "a\nb"),
        Refusal(value: "a\0b"),
        Refusal(keyBytes: FileTag.longestKeyBytes + 1, error: .range),
        Refusal(values: FileTag.mostValues + 1, error: .argumentTooBig),
        Refusal(values: 257, value: String(repeating: "v", count: 255), error: .argumentTooBig),
    ])
    func refusesWhatNoAttributeCanCarry(_ test: Refusal) throws {
        let library = try Library()
        let file = try library.addFile()
        let key = String(repeating: "k", count: test.keyBytes)
        let values = (0..<test.values).map { test.value + ($0 == 0 ? "" : "\($0)") }
        try library.write { connection throws(MetadataError) in
            #expect(throws: test.error) { try connection.setTag(key, to: values, of: file) }
            #expect(connection.tags(of: file) == [])
        }
    }

    @Test func twoSpellingsOfALetterAreTwoValues() throws {
        let library = try Library()
        let file = try library.addFile()
        let values = try library.write { connection throws(MetadataError) in
            try? connection.setTag("k", to: ["\u{e9}", "e\u{301}"], of: file)
            return connection.tagValues("k", of: file)
        }
        #expect(values.map { Array($0.utf8) } == [[0x65, 0xcc, 0x81], [0xc3, 0xa9]])
    }
}

extension FileTag {
    static func random(using random: inout SplitMix64) -> FileTag {
        let values = ["", "a", "b", "3", "é", "e\u{301}"]
        return FileTag(
            "k\(Int.random(in: 0..<3, using: &random))",
            values.randomElement(using: &random)!
        )
    }
}

extension Library {
    /// The tags of every file, and the counts that follow from them.
    func expectTags(_ model: [FileID: Set<FileTag>]) throws {
        try read { connection throws(MetadataError) in
            for (file, tags) in model { #expect(Set(connection.tags(of: file)) == tags) }
            let keys = model.values.flatMap { Set($0.map(\.key)) }.counted()
            #expect(connection.tagKeys() == keys)
            for key in keys {
                let values = model.values.flatMap { $0.filter { $0.key == key.text }.map(\.value) }
                let found = connection.tagValues(key.text).sorted { Name($0.text) < Name($1.text) }
                #expect(found == values.counted())
            }
        }
    }
}

extension [String] {
    fileprivate func counted() -> [TagCount] {
        let counts = Dictionary(grouping: map { Name($0) }, by: { $0 })
        return counts.keys.sorted().map { TagCount(text: $0.text, files: counts[$0]?.count ?? 0) }
    }
}
