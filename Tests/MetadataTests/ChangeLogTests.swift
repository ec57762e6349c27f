import Base
import Metadata
import SQLite
import Testing

struct ChangeLogTests {
    @Test func theOldestGoInStepsAndNoNumberIsUsedTwice() throws {
        let library = try Library()
        try library.write { (rows) throws(MetadataError) in
            for number in 0..<100 { rows.log(.created, "/f\(number)", file: 7) }
        }
        let past = Timestamp.now().adding(seconds: -60)
        let future = Timestamp.now().adding(seconds: 60)
        let forget = { (before: Timestamp, most: Int64, limit: Int) in
            try library.write { (rows) throws(MetadataError) in
                rows.forgetChanges(before: before, keeping: most, limit: limit)
            }
        }
        #expect(try forget(past, 100, 1000) == 0)
        #expect(try forget(past, 70, 20) == 20)
        #expect(try forget(past, 70, 20) == 10)
        #expect(try forget(past, 70, 20) == 0)
        let bounds = try library.read { (rows) throws(MetadataError) in rows.changeBounds() }
        #expect(bounds == (31, 100))
        // All are too old, but the newest is what the next number comes from.
        #expect(try forget(future, 1000, 1000) == 69)
        try library.write { (rows) throws(MetadataError) in rows.log(.removed, "/f", file: nil) }
        let left = try library.read { (rows) throws(MetadataError) in
            rows.changes(after: 0, limit: 10)
        }
        #expect(left.map(\.seq) == [100, 101])
        #expect(left.map(\.payload) == [#"{"path":"/f99","file":7}"#, #"{"path":"/f"}"#])
    }

    @Test func aChangeThatIsRolledBackIsNotTold() throws {
        let library = try Library()
        #expect(throws: MetadataError.self) {
            try library.write { (rows) throws(MetadataError) in
                rows.log(.created, "/f", file: 7)
                throw .newerSchema(9)
            }
        }
        let changes = try library.read { (rows) throws(MetadataError) in
            rows.changes(after: 0, limit: 10)
        }
        #expect(changes.isEmpty)
    }

    @Test(arguments: [
        ("plain/\u{e9}", #""plain/é""#), ("a\"b\\c", #""a\"b\\c""#),
        ("\n\u{1}", #""\u000a\u0001""#),
    ])
    func textIsJSON(text: String, json: String) throws {
        let library = try Library()
        try library.write { (rows) throws(MetadataError) in
            rows.log(.tagged, text, file: nil, .list("keys", [text, text]), .number("n", -1))
        }
        let payload = try library.read { (rows) throws(MetadataError) in
            rows.changes(after: 0, limit: 1).first?.payload
        }
        #expect(payload == #"{"path":\#(json),"keys":[\#(json),\#(json)],"n":-1}"#)
    }
}
