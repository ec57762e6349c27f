import Queries
import Testing

struct ErrorTests {
    /// The whole text of an error: what is wrong, the query, and a caret with what was expected.
    @Test(arguments: [
        ("", "the query is empty", "^ expected a predicate, such as tag:colour=red"),
        ("red", "a word by itself: \"red\"", "^ did you mean name:*red* or tag:red?"),
        ("colour=red", "unknown field \"colour\"", "^ did you mean tag:colour?"),
        ("nmae=x", "unknown field \"nmae\"", "^ did you mean name?"),
        ("size:1M", "size: needs an operator", "    ^ such as size>1M"),
        ("size", "size needs an operator", "    ^ such as size>1M"),
        ("name exists", "name is never missing", "     ^ compare it with something"),
        (
            "tag:a=1 tag:b=2 OR tag:c=3", "AND without the word, next to OR",
            "        ^ write AND here, or put parentheses around what belongs together"
        ),
        ("(tag:a=1", "a parenthesis is not closed", "^ it opens here"),
        ("tag:a=1)", "this parenthesis was never opened", "       ^"),
        ("tag:a=", "a value is missing", "      ^ text with blanks or signs needs quotes"),
        ("tag:a='x", "the string is not closed", "      ^ its quote opens here"),
        ("tag:=x", "tag: needs a name", "    ^ such as tag:colour"),
        ("tag:a=x=y", "an operator within a value", "       ^ put quotes around the value"),
        (
            "tag:a = AND tag:b", "a value is missing",
            "        ^ put quotes around the word to mean it"
        ),
        (
            "mtime>soon", "no date",
            "      ^ expected one, such as 2024-05-01, 2024, now-7d, today"
        ),
        ("age=7d", "an age is never exact", "    ^ compare it with < or >"),
        ("age>soon", "no duration", "    ^ expected one, such as 7d, 12h, 1y"),
        ("size>big", "no size", "     ^ expected bytes or a unit, such as 10M or 1.5GB"),
        ("type=imgae", "unknown type \"imgae\"", "     ^ did you mean image?"),
        ("type=dir", "directories are never members of a filter", "     ^"),
        ("size contains 'x'", "size is no text", "     ^ compare it, such as size>1M"),
        (
            "tag:a BETWEEN 1 5", "BETWEEN needs two values",
            "                ^ expected AND and the second"
        ),
        (
            "tag:a:1..", "a range needs both ends",
            "      ^ such as 1..5; text with two dots needs quotes"
        ),
        (
            "tag:size>1GB", "a number with a unit, compared with text",
            "         ^ units belong to size; write the number, or quotes around the text"
        ),
        ("AND tag:a", "AND needs something before it", "^"),
        (
            "tag:a AND", "a predicate is missing",
            "         ^ expected a predicate, such as tag:colour=red"
        ),
        (
            "(tag:a LIMIT 3)", "ORDER BY and LIMIT can't stand here",
            "       ^ they end a filter's query, outside of parentheses, ORDER BY first"
        ),
        (
            "name='a\\qb'", "unknown escape in a string",
            "       ^ expected one of \\\\ \\' \\\" \\n \\t \\r"
        ),
        ("été:x=1 red", "unknown field \"été\"", "^ did you mean tag:été?"),
    ])
    func sayWhatIsWrongAndWhere(query: String, message: String, caret: String) {
        do throws(QueryError) {
            _ = try Query(query)
            Issue.record("\(query) was read")
        } catch {
            #expect(error.description == message + "\n  " + query + "\n  " + caret)
        }
    }

    @Test func theCaretFindsItsPlaceInALongQuery() throws {
        let query = "tag:k='" + String(repeating: "é", count: 200) + "' AND red"
        let error = try #require(throws: QueryError.self) { try Query(query) }
        let lines = error.description.split(separator: "\n")
        let place = try #require(lines[2].firstIndex(of: "^"))
        let column = lines[2].distance(from: lines[2].startIndex, to: place)
        #expect(lines[1].dropFirst(column) == "red")
        #expect(lines[1].count < 80)
    }
}
