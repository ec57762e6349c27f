import Foundation
import TestSupport
import Testing

@testable import Queries

/// Whatever is typed, the parser answers: with a query that prints as itself, or with an error.
///
/// `GOSYNC_FUZZ_INPUTS=10000000` tries as many.
struct FuzzTests {
    private static let pieces = [
        "tag:", "colour", "=", "red", " ", " AND ", " OR ", "NOT ", "(", ")", "!", "-", "*", "'",
        "\"",
        "\\", ":", "~", "<", ">=", "..", "now-7d", "2024-05-01", "1GB", "size", "mtime", "name",
        "path",
        " IN (", ",", " BETWEEN ", " contains ", " LIKE ", "%", "_", "filter:", "untagged",
        "xattr:",
        " ORDER BY ", " DESC", " LIMIT ", "10", "é", "e\u{301}", "\u{0}", "\u{1F600}", "&&", "||",
        "[a-z", "?",
        " exists", " missing", "type", "9999999999999999999", "1e400", "%2F", "\n",
    ]

    private static let inputs =
        ProcessInfo.processInfo.environment["GOSYNC_FUZZ_INPUTS"].flatMap(Int.init) ?? 100_000

    @Test(arguments: 0..<4 as Range<UInt64>)
    func everyInputIsAnswered(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var understood = 0
        for _ in 0..<(Self.inputs / 4) {
            let text = Self.input(using: &random)
            do throws(QueryError) {
                let query = try FilterQuery(text)
                understood += 1
                guard understood % 16 == 0 else { continue }
                let again = try? FilterQuery(query.description)
                let isSame = again == query || query.description.utf8.count > Query.longestBytes
                #expect(isSame, "\(text) is printed as \(query.description)")
            } catch {
                let isInside = (0...text.utf8.count).contains(error.offset)
                if !isInside || error.message.isEmpty { Issue.record("\(text): \(error)") }
            }
        }
        #expect(understood > 0)
    }

    @Test(arguments: [
        String(repeating: "(", count: 4000), String(repeating: "NOT ", count: 1000),
        String(repeating: "!", count: 4096), String(repeating: "* ", count: 2048),
        String(repeating: "a", count: 5000),
        "tag:a IN (" + String(repeating: "1,", count: 2000) + "1)",
    ])
    func whatIsTooMuchIsRefused(text: String) {
        #expect(throws: QueryError.self) { try FilterQuery(text) }
    }

    private static func input(using random: inout SplitMix64) -> String {
        (0..<Int.random(in: 1...12, using: &random)).map { _ in
            pieces.randomElement(using: &random) ?? ""
        }.joined()
    }
}
