import Testing

@testable import Queries

struct GlobTests {
    @Test(arguments: [
        ("*", "", true), ("", "", true), ("", "a", false), ("?", "é", true), ("?", "", false),
        ("a*c", "abc", true), ("a*c", "ac", true), ("a*c", "ab", false), ("*a*a*", "banana", true),
        ("/pictures/*", "/pictures/2024/a.jpg", true), ("*.jpg", "a.jpg.txt", false),
        ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false), ("[!a-c]x", "dx", true),
        ("[]]", "]", true),
        ("[a", "[a", true), ("\\*", "*", true), ("\\*", "a", false), ("\\a", "\\a", true),
        ("a\\", "a\\", true), ("[a-]", "-", true),
    ])
    func matches(pattern: String, text: String, expected: Bool) {
        #expect(Glob.matches(pattern, text) == expected)
    }

    @Test(arguments: ["a*b?[c]", "\\", "plain", "[", "]", "é", "\\*", ""])
    func anEscapedTextMatchesItself(text: String) {
        #expect(Glob.matches(Glob.escaped(text), text))
        #expect(Glob.literal(Glob.escaped(text)) == text)
    }

    @Test(arguments: [
        ("%a_", "*a?"), ("100\\%", "100%"), ("a*", "a\\*"), ("a\\\\_", "a\\\\?"), ("\\x", "\\\\x"),
    ])
    func likeBecomesAGlob(like: String, glob: String) {
        #expect(Glob.pattern(like: like) == glob)
    }

    @Test func manyStarsEndInTime() {
        let pattern = String(repeating: "*a", count: 200) + "b"
        #expect(!Glob.matches(pattern, String(repeating: "a", count: 5000)))
    }

    @Test func everyExtensionHasOneKind() {
        #expect(FileKind.byExtension.count >= 200)
        #expect(FileKind(ext: "jpg") != nil)
        #expect(FileKind.typeNames.prefix(3) == ["file", "symlink", "archive"])
    }
}
