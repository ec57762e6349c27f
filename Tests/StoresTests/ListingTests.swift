import Base
import Stores
import TestSupport
import Testing

/// Listings: order, pages, folding, and names that are hard on URLs and XML.
@Suite struct ListingTests {
    @Test(arguments: StoreCase.allCases)
    func keysComeInByteOrder(kind: StoreCase) throws {
        let open = try kind.make()
        let keys: [Key] = ["a-b", "a/x", "a/y/z", "a0", "b", "Z", "é", "ab/c", "a/x.txt"]
        for key in keys { try open.put(key, "x") }
        let listed = try open.fileKeys()
        // rclone walks directories, and so puts "a-b" behind "a/…".
        if kind.keepsMarkers { #expect(listed == keys.sorted()) }
        #expect(listed.sorted() == keys.sorted())
    }

    @Test(arguments: StoreCase.allCases)
    func aDelimitedListingFoldsWhatIsDeeper(kind: StoreCase) throws {
        let open = try kind.make()
        for key: Key in ["a", "b/1", "b/2/3", "c/x", "ba"] { try open.put(key, "x") }
        let top = try open.pages("", delimited: true)
        #expect(top.flatMap(\.prefixes) == ["b/", "c/"])
        #expect(top.flatMap(\.objects).map(\.key) == ["a", "ba"])
        #expect(top.flatMap(\.objects).allSatisfy { $0.size == 1 && !$0.etag.isEmpty })
        let below = try open.pages("b/", delimited: true)
        #expect(below.flatMap(\.prefixes) == ["b/2/"])
        #expect(try open.fileKeys("b/", delimited: true) == ["b/1"])
        #expect(try open.fileKeys("b/") == ["b/1", "b/2/3"])
        #expect(try open.fileKeys("b", delimited: true) == ["ba"])
        #expect(try open.fileKeys("c/x") == ["c/x"])
    }

    @Test(arguments: StoreCase.allCases)
    func aListingTellsWhatAHeadTells(kind: StoreCase) throws {
        let open = try kind.make()
        try open.put("dir/key", "12345")
        let listed = try #require(
            open.pages("dir/").flatMap(\.objects).first { $0.key == "dir/key" }
        )
        let head = try open.store.head("dir/key")
        #expect(listed.etag == head.etag && listed.size == head.size)
        #expect(abs(listed.modified.secondsSince(head.modified)) < 2)
    }

    @Test(arguments: StoreCase.allCases)
    func manyKeysComeInPages(kind: StoreCase) throws {
        let open = try kind.make()
        let keys = (0..<2345).map { Key("d/\(String($0, radix: 7)) x") }
        let work = Workers("writer", limit: 16)
        let done = Monitor((count: 0, failures: [String]()))
        for key in keys {
            work.run {
                do {
                    try open.put(key, "")
                } catch {
                    done.update { $0.failures.append("\(key): \(error)") }
                }
                done.update { $0.count += 1 }
            }
        }
        done.wait { $0.count == keys.count ? true : nil }
        work.stop()
        #expect(done.withLock { $0.failures } == [])
        for delimited in [true, false] {
            let pages = try open.pages("d/", delimited: delimited)
            #expect(pages.count >= 3)
            #expect(pages.allSatisfy { $0.objects.count + $0.prefixes.count <= 1000 })
            #expect(try open.fileKeys("d/", delimited: delimited) == keys.sorted())
        }
        for start in stride(from: 0, to: keys.count, by: 1000) {
            #expect(try open.store.delete(Array(keys[start...].prefix(1000))).isEmpty)
        }
        #expect(try open.fileKeys().isEmpty)
    }

    static let awkwardKeys: [Key] = [
        " ", " leading", "trailing ", "two  spaces", "plus+plus", "100%", "%41", "a#b", "a?b=c&d",
        "q\"uo'te", "<tag>&amp;", "new\nline", "tab\tbed", "cr\rlf\n", "back\\slash", "semi;colon",
        "comma,equals=", "a:b@c", "[x]{y}|~^`$!*()", "…", "日本語", "🎈", "\u{e9}", "e\u{301}",
        "\u{1}\u{1f}\u{7f}", "\u{85}\u{2028}", "dir.with.dots/..hidden", ".../x", "~", "-", "_",
        "caseA", "casea", Key(String(repeating: "x", count: 255)),
    ]

    @Test(arguments: StoreCase.allCases)
    func anyNameIsAKey(kind: StoreCase) throws {
        let open = try kind.make()
        for (i, key) in Self.awkwardKeys.enumerated() {
            #expect(throws: Never.self, "\(key)") { try open.put(key, "\(i)") }
        }
        for (i, key) in Self.awkwardKeys.enumerated() {
            #expect((try? open.text(key)) == "\(i)", "\(key)")
        }
        #expect(try open.fileKeys().sorted() == Self.awkwardKeys.sorted())
        #expect(try open.fileKeys("e\u{301}") == ["e\u{301}"])
        for key in Self.awkwardKeys {
            let copy = Key("copies/" + key.text)
            #expect(throws: Never.self, "\(key)") {
                try open.store.copy(
                    key,
                    to: copy,
                    attributes: ObjectAttributes(),
                    ifMatch: nil
                )
            }
        }
        #expect(try open.fileKeys("copies/").count == Self.awkwardKeys.count)
        let failures = try open.store.delete(Self.awkwardKeys)
        #expect(failures.isEmpty, "\(failures)")
        #expect(try open.fileKeys("copies/").count == Self.awkwardKeys.count)
        #expect(try open.fileKeys().count == Self.awkwardKeys.count)
    }

    /// What a file system cannot name, a bucket can.
    @Test(arguments: StoreCase.allCases)
    func aKeyThatIsNoPathIsKeptOrRefused(kind: StoreCase) throws {
        let open = try kind.make()
        let long = String(repeating: "é", count: 400)
        for text in ["a//b", "/a", "../a", "a/../b", "./a", "a/.", "//", long] {
            let key = Key(text)
            if kind.keysArePaths {
                if kind == .local {
                    #expect(throws: StoreError.self, "\(key)") { try open.put(key, "x") }
                }
            } else {
                try open.put(key, text)
                #expect(try open.text(key) == text)
                #expect(try open.keys().contains { $0 == key }, "\(key)")
            }
        }
        let tooLong = Key(String(repeating: "x", count: 1025))
        #expect(throws: StoreError.self) { try open.put(tooLong, "x") }
        #expect(throws: StoreError.self) { try open.put("", "x") }
    }

    @Test(arguments: StoreCase.allCases)
    func aFileAndADirectoryOfOneName(kind: StoreCase) throws {
        let open = try kind.make()
        try open.put("a", "file")
        if kind.keysArePaths {
            #expect(throws: StoreError.self) { try open.put("a/b", "below") }
            #expect(try open.text("a") == "file")
        } else {
            try open.put("a/b", "below")
            #expect(try open.keys("", delimited: true) == ["a", "a/"])
        }
    }

    @Test(arguments: StoreCase.allCases.filter { $0.keepsMarkers })
    func anEmptyDirectoryIsAnObject(kind: StoreCase) throws {
        let open = try kind.make()
        let attributes = ObjectAttributes(mode: 0o040750)
        try open.put("dir/", [], attributes)
        #expect(try open.store.head("dir/").attributes?.mode == 0o040750)
        #expect(try open.store.list(prefix: "", delimited: true, after: nil).prefixes == ["dir/"])
        #expect(try open.keys("dir/", delimited: true) == ["dir/"])
        #expect(try open.keys() == ["dir/"])
        #expect(try open.store.delete(["dir/"]).isEmpty)
        #expect(try open.keys().isEmpty)
    }
}
