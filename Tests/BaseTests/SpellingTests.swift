import Base
import Foundation
import Testing

struct SpellingTests {
    static let known = ["access_key", "bucket", "endpoint", "path", "prefix", "type"]

    @Test(arguments: [
        ("acces_key", "access_key"), ("acess_key", "access_key"), ("tpye", "type"),
        ("PATH", "path"), ("paht", "path"), ("prefixes", "prefix"), ("endpiont", "endpoint"),
    ])
    func theNearestWordIsMeant(word: String, meant: String) {
        #expect(Spelling.nearest(to: word, among: Self.known) == meant)
        #expect(Spelling.suggestion(for: word, among: Self.known) == "; did you mean '\(meant)'?")
    }

    @Test(arguments: ["", "whatever", "x", String(repeating: "a", count: 1000)])
    func whatIsFarFromAllMeansNothing(word: String) {
        #expect(Spelling.suggestion(for: word, among: Self.known).isEmpty)
    }
}

struct FilterPathTests {
    @Test(arguments: ["a", "photos/red", "a b/é", ".hidden", ".qx/a"])
    func aPathOfNamesIsAPlace(path: String) { #expect(FilterPath.problem(with: path) == nil) }

    @Test(arguments: ["", "/a", "a/", "a//b", ".", "a/../b", ".q", ".q/x", "a\0b"])
    func whatIsNoPathIsRefused(path: String) { #expect(FilterPath.problem(with: path) != nil) }
}
