import Testing

@testable import Queries

struct PathRuleTests {
    @Test(arguments: [
        ("/photos/{year}/{event}/", "/photos/2024/sea/a.jpg", "year=2024 event=sea"),
        ("/photos/{year}/{event}/", "/photos/2024/sea/raw/b/a.jpg", "year=2024 event=sea"),
        ("/photos/{year}/{event}/", "/photos/2024/a.jpg", ""),
        ("/photos/{year}/{event}/", "/Photos/2024/sea/a.jpg", ""),
        ("/photos/{year}/", "/photos/2024/sea/a.jpg", "year=2024"),
        ("/{kind}/*/", "/films/x/y", "kind=films"),
        ("/{a}", "/x", "a=x"),
        ("/{a}", "/x/y", ""),
        (
            "/music/{artist}/{year} - {album}/", "/music/Can/1972 - Ege Bamyasi/1",
            "artist=Can year=1972 album=Ege Bamyasi"
        ),
        ("/{artist} - {title}.mp3", "/A - B - C.mp3", "artist=A title=B - C"),
        ("/{a}x{b}x", "/1x2x", "a=1 b=2"),
        ("/{a}x{b}x", "/xxxx", "a=x b=x"),
        ("/{a}x{b}x", "/xxx", ""),
        ("/{a}ab", "/abab", "a=ab"),
        ("/*_{a}_*", "/__x__", "a=_x"),
        ("/{year=[12]???}/", "/2024/f", "year=2024"),
        ("/{year=[12]???}/", "/other/f", ""),
        ("/{a}é/", "/xé/f", "a=x"),
        ("/{a}/", "/line\nbreak/f", ""),
    ])
    func aRuleReadsTagsOutOfPaths(rule: String, path: String, tags: String) throws {
        let found = try PathRule(rule).tags(ofFileAt: path, on: "local")
        #expect(found.map { "\($0.key)=\($0.value)" }.joined(separator: " ") == tags)
    }

    @Test func aRuleMayBeForOneBackend() throws {
        let rule = try PathRule("/{a}", backend: "one")
        #expect(rule.tags(ofFileAt: "/x", on: "one").count == 1)
        #expect(rule.tags(ofFileAt: "/x", on: "two").isEmpty)
    }

    @Test(arguments: [
        "", "photos/{year}/", "/photos/", "/", "/{year}//", "/{year", "/year}", "/{}", "/{=x}",
        "/{a}{b}", "/*{b}", "/{a}/{a}",
    ])
    func whatMakesNoSenseIsRefused(rule: String) {
        #expect(throws: PathRule.Mistake.self) { try PathRule(rule) }
    }
}
