import Base
import Metadata
import Stores
import TestSupport
import Testing

@testable import Volumes

struct KeyEscapesTests {
    @Test(arguments: [
        ("plain.txt", "plain.txt"), ("", "%(empty)"), (".", "%(dot)"), ("..", "%(dotdot)"),
        ("100%", "100%"), ("%(dot)", "%(%)(dot)"), ("a\0b", "a%(nul)b"), ("e\u{301}", "e\u{301}"),
    ])
    func everyComponentHasAName(component: String, name: String) {
        #expect(KeyEscapes.name(for: component) { _ in "0123456789abcdef" } == Name(name))
    }

    @Test func aLongComponentIsCutBetweenCharactersAndMarked() {
        let name = KeyEscapes.name(for: String(repeating: "é", count: 200)) { _ in
            "0123456789abcdef"
        }
        #expect(name.text.utf8.count <= Name.longestBytes)
        #expect(name.text.hasSuffix("é%(0123456789ab)"))
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func noTwoComponentsShareAName(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let letters: [Character] = ["%", "(", ")", ".", "a", "\0"]
        var seen: [Name: String] = [:]
        for _ in 0..<300 {
            let count = Int.random(in: 0...6, using: &random)
            let component = String((0..<count).map { _ in letters.randomElement(using: &random)! })
            let name = KeyEscapes.name(for: component) { $0 }
            #expect(seen[name] == nil || seen[name] == component, "\(name)")
            seen[name] = component
        }
    }
}

struct ConflictNameTests {
    @Test(arguments: [("report.txt", ".txt"), (".hidden", ""), ("name", ""), ("a.tar.gz", ".gz")])
    func keepsStemAndExtension(name: String, suffix: String) {
        let made = ConflictName.make(for: Name(name), at: Timestamp(seconds: 0)).text
        #expect(made.hasPrefix(name.dropLast(suffix.count) + ".conflict-"))
        #expect(made.hasSuffix("-19700101T000000Z" + suffix))
    }

    @Test func staysWithinTheLongestName() {
        let name = Name(String(repeating: "日", count: 85))
        #expect(ConflictName.make(for: name, at: .now()).text.utf8.count <= Name.longestBytes)
    }
}

struct SentTests {
    @Test func isKnownAgainFromItsText() throws {
        let bytes = try Sent(ObjectBody([1, 2, 3]))
        #expect(Sent(text: bytes.text) == bytes)
        #expect(bytes.checksum == crc32c([1, 2, 3]))
        var file = File(backend: 1, mode: 0o100644, owner: 1, group: 2, at: Timestamp(seconds: 5))
        file.size = 9
        let attributes = Sent(attributesOf: file)
        #expect(Sent(text: attributes.text) == attributes)
        var object = ObjectInfo(key: "k", size: 9, etag: "e", modified: .now())
        object.attributes = ObjectAttributes(of: file)
        #expect(attributes.isAttributes(of: object))
        object.attributes?.mode = 0o100600
        #expect(!attributes.isAttributes(of: object))
    }

    @Test func noiseIsNothing() {
        for text in ["", "1", "x 2 3", "1 2"] { #expect(Sent(text: text) == nil) }
    }
}

struct KeyTests {
    @Test(arguments: [
        ("a", []), ("a/b/c", ["a", "a/b"]), ("a/", ["a"]), ("a//b", ["a", "a/"]), ("é/x", ["é"]),
    ])
    func ancestorsAreWhatWouldHaveToBeDirectories(key: String, ancestors: [String]) {
        #expect(Key(key).ancestors == ancestors.map { Key($0) })
    }
}
