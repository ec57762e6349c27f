import Queries
import TestSupport
import Testing

struct ParserTests {
    /// The examples of the design, and what they mean.
    @Test(arguments: [
        ("tag:colour=red", "tag:colour = 'red'"),
        ("tag:rating>=4", "tag:rating >= 4"),
        ("tag:people contains 'family'", "tag:people contains 'family'"),
        (
            "tag:priority=high AND tag:status=active",
            "tag:priority = 'high' AND tag:status = 'active'"
        ),
        (
            "tag:category=work AND NOT tag:archived=true",
            "tag:category = 'work' AND NOT tag:archived = 'true'"
        ),
        (
            "(tag:colour=red OR tag:colour=blue) AND backend:selfhosted",
            "(tag:colour = 'red' OR tag:colour = 'blue') AND backend:'selfhosted'"
        ),
        ("mime_type:image/*", "mime matches 'image/*'"),
        (
            "tag:quality=4k AND mime_type:video/* AND size>1GB",
            "tag:quality = '4k' AND mime matches 'video/*' AND size > 1000000000"
        ),
        ("modified_time>2024-01-01", "mtime > 2024-01-01"),
        ("modified_time > now-7d", "mtime > now-7d"),
        ("modified_time<now-1y", "mtime < now-1y"),
        ("path:/pictures/*", "path matches '/pictures/*'"),
        (
            "tag:colour=red AND path LIKE '%/pictures/%'",
            "tag:colour = 'red' AND path LIKE '%/pictures/%'"
        ),
        ("tag:ai-label=cat", "tag:ai-label = 'cat'"),
        ("tag:version=2.1.0", "tag:version = '2.1.0'"),
    ])
    func readsTheExamples(text: String, meaning: String) throws {
        #expect(try Query(text).description == meaning)
    }

    @Test(arguments: [
        ("*", "*"),
        ("untagged", "untagged"),
        ("UNTAGGED and Not *", "untagged AND NOT *"),
        ("filter:/photos/red/", "filter:'photos/red'"),
        ("filter:'a b'", "filter:'a b'"),
        ("tag:seen", "tag:seen exists"),
        ("tag:seen missing", "NOT tag:seen exists"),
        ("tag:seen exists", "tag:seen exists"),
        ("tag:'two words'=x", "tag:'two words' = 'x'"),
        ("tag:k==x", "tag:k = 'x'"),
        ("tag:k!=x", "NOT tag:k = 'x'"),
        ("tag:k<>x", "NOT tag:k = 'x'"),
        ("tag:k~x", "tag:k contains 'x'"),
        ("tag:k!~x", "NOT tag:k contains 'x'"),
        ("tag:k:x", "tag:k:'x'"),
        ("tag:k:x*", "tag:k matches 'x*'"),
        ("tag:k:'x\\*'", "tag:k:'x\\\\*'"),
        ("tag:k:4", "tag:k = 4"),
        ("tag:k:'4'", "tag:k:'4'"),
        ("tag:k:>=4", "tag:k >= 4"),
        ("tag:k:=x", "tag:k = 'x'"),
        ("tag:k:1..5", "tag:k BETWEEN 1 AND 5"),
        ("tag:k=2024-01..2024-03", "tag:k BETWEEN 2024-01 AND 2024-03"),
        ("tag:k='a'..'b'", "tag:k BETWEEN 'a' AND 'b'"),
        ("tag:k between 1 and 5 tag:l", "tag:k BETWEEN 1 AND 5 AND tag:l exists"),
        ("tag:k not between 1 and 5", "NOT tag:k BETWEEN 1 AND 5"),
        ("tag:k in (red, 4 ,'4')", "tag:k IN ('red', 4, '4')"),
        ("tag:k NOT IN (red)", "NOT tag:k IN ('red')"),
        ("tag:k not like 'a%'", "NOT tag:k LIKE 'a%'"),
        ("tag:k NOT tag:l", "tag:k exists AND NOT tag:l exists"),
        ("tag:k -tag:l !tag:m", "tag:k exists AND NOT tag:l exists AND NOT tag:m exists"),
        ("tag:a=1&&tag:b=2||tag:c=3", "(tag:a = 1 AND tag:b = 2) OR tag:c = 3"),
        ("NOT NOT *", "NOT NOT *"),
        ("tag:when=2024-05-01T10:30:00+02:00", "tag:when = 2024-05-01T10:30:00+02:00"),
        ("tag:due<=today", "tag:due <= today"),
        ("tag:serial=1234-99", "tag:serial = '1234-99'"),
        ("mtime:2024", "mtime = 2024"),
        ("mtime:thisweek", "mtime = thisweek"),
        ("mtime>'2024-05-01 10:00'", "mtime > 2024-05-01T10:00"),
        ("age>1y", "age > 1y"),
        ("age:1d..7d", "age BETWEEN 1d AND 7d"),
        ("size:1K..2KiB", "size BETWEEN 1024 AND 2048"),
        ("size=1.5kb", "size = 1500"),
        ("ext=.JPG", "ext = 'jpg'"),
        ("ext exists", "ext exists"),
        ("xattr:comment", "xattr:user.comment exists"),
        ("xattr:user.x=1", "xattr:user.x = 1"),
        ("type=Photo", "type = 'image'"),
        ("type:im*", "type:'im*'"),
        ("type IN (video, symlink)", "type IN ('video', 'symlink')"),
        ("tagcount:3", "tagcount = 3"),
        ("path under pictures/2024/", "path under '/pictures/2024'"),
        ("name='it\\'s'", "name = 'it\\'s'"),
        ("name=\"it's\"", "name = 'it\\'s'"),
        ("name:été.txt", "name:'été.txt'"),
    ])
    func readsEveryForm(text: String, meaning: String) throws {
        #expect(try Query(text).description == meaning)
        #expect(try Query(meaning).description == meaning)
    }

    @Test(arguments: 0..<2000 as Range<UInt64>)
    func whatIsPrintedReadsBackAsItself(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let query = RandomQuery.query(depth: 4, using: &random)
        #expect(try Query(query.description) == query, "\(query)")
    }

    @Test func limitsHold() throws {
        let nested = { String(repeating: "(", count: $0) + "*" + String(repeating: ")", count: $0) }
        #expect(throws: Never.self) { try Query(nested(Query.deepest)) }
        #expect(throws: QueryError.self) { try Query(nested(Query.deepest + 1)) }
        #expect(throws: QueryError.self) { try Query(String(repeating: "-", count: 4000) + "*") }
        let many = { Array(repeating: "tag:k", count: $0).joined(separator: " ") }
        #expect(throws: Never.self) { try Query(many(Query.mostPredicates)) }
        #expect(throws: QueryError.self) { try Query(many(Query.mostPredicates + 1)) }
        let list = "tag:k IN (" + Array(repeating: "1", count: 257).joined(separator: ",") + ")"
        #expect(throws: QueryError.self) { try Query(list) }
        let long = "tag:k='" + String(repeating: "x", count: Query.longestBytes - 8) + "'"
        #expect(throws: Never.self) { try Query(long) }
        #expect(throws: QueryError.self) { try Query(long + " ") }
    }

    /// Pieces of queries in any order, and bytes changed at random: an answer or an error, no crash.
    @Test(arguments: 0..<100 as Range<UInt64>)
    func noInputCrashes(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let pieces = [
            "tag:", "k", "=", " ", "(", ")", "!", "-", "NOT ", "AND ", "OR ", "'", "\"", "\\", "*",
            "..",
            ":", ",", "IN (", "BETWEEN ", "2024-05-01", "T10:00", "now", "-7d", "9999999999",
            "1e999",
            "size", ">", "1GB", "é", "\u{1f468}\u{200d}\u{1f469}", "filter:", "untagged", "[", "]",
            "\n",
            "ORDER BY ", "LIMIT 5", "xattr:", "type", "mtime", "<", "~", "&&", "||", "\0",
            "9999-12",
        ]
        for _ in 0..<1000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<20, using: &random) {
                bytes += Array((pieces.randomElement(using: &random) ?? "").utf8)
            }
            if let index = bytes.indices.randomElement(using: &random), Bool.random(using: &random)
            {
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            let text = String(decoding: bytes, as: UTF8.self)
            do throws(QueryError) {
                let query = try Query(text)
                let again = try? Query(query.description)
                #expect(again == query, "\(text)")
            } catch {
                let lines = error.description.split(
                    separator: "\n",
                    omittingEmptySubsequences: false
                )
                #expect(lines.count == 3, "\(error)")
            }
        }
    }
}
