import Base
import Cache
import Foundation
import Metadata
import SQLite
import Stores
import TestSupport
import Testing

@testable import Volumes

/// A volume over a store in memory, whose listings are out of date at once unless told otherwise.
private final class Library: Sendable {
    let store: MemoryStore
    let volume: Volume
    private let scratch: TemporaryDirectory

    init(_ store: MemoryStore, directorySeconds: Double = 0.001) throws {
        self.store = store
        scratch = try TemporaryDirectory()
        volume = try Volume(
            over: store,
            in: scratch.path,
            isReadOnly: true,
            directorySeconds: directorySeconds
        )
    }

    deinit { volume.stop(deliveringAtMost: 0) }

    var root: UInt64 {
        get throws { try volume.storeRoot }
    }

    func inode(_ path: String) throws -> UInt64 {
        try path.split(separator: "/").reduce(try root) {
            try volume.lookup(Name(String($1)), in: $0).attributes.inode
        }
    }

    func names(in inode: UInt64) throws -> [DirectoryEntry] {
        try volume.openDirectory(inode)
        return try volume.list(inode, after: 2, limit: 10_000)
    }

    /// Every path with what is known of it, as a walker sees it.
    func tree() throws -> [String: String] {
        var tree: [String: String] = [:]
        try walk(root, "", into: &tree)
        return tree
    }

    private func walk(_ inode: UInt64, _ path: String, into tree: inout [String: String]) throws {
        let entries = try names(in: inode)
        let folders = entries.filter(\.attributes.isDirectory)
        #expect(
            try volume.file(FileID(bitPattern: inode)).links == 2 + Int64(folders.count),
            "\(path)"
        )
        for entry in entries {
            let below = path + "/" + entry.name.text
            tree[below] = try describe(entry)
        }
        for folder in folders {
            try walk(folder.attributes.inode, path + "/" + folder.name.text, into: &tree)
        }
    }

    private func describe(_ entry: DirectoryEntry) throws -> String {
        // A directory's own object shows when it is listed itself, which may be later.
        if entry.attributes.isDirectory { return "\(entry.attributes.mode)" }
        let id = FileID(bitPattern: entry.attributes.inode)
        let row = try #require(try volume.entries(of: id).first)
        return
            "\(entry.attributes.mode) \(entry.attributes.size) \(row.key?.text ?? "") \(row.etag ?? "")"
    }
}

/// Listings of one directory and of all below one lead to the same tree.
struct ListingTests {
    private static func randomKey(using random: inout SplitMix64) -> Key {
        let parts = ["a", "b", "c", "a-b", "", ".", "é", "%(x)", "日", "a.txt", "0"]
        let folders = (0..<Int.random(in: 0...3, using: &random)).map { _ in
            parts.randomElement(using: &random) ?? "a"
        }
        let last = Int.random(in: 0..<8, using: &random) == 0 ? "" : "f\(random.next() % 12)"
        let isFolderName = Int.random(in: 0..<6, using: &random) == 0
        let name = isFolderName ? parts.randomElement(using: &random) ?? "a" : last
        let text = (folders + [name]).joined(separator: "/")
        return Key(text.isEmpty || text == "/" ? "f" : text)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func flatAndDelimitedListingsAgreeWhateverOthersChange(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let plain = try Library(MemoryStore(isInRanges: false))
        let swept = try Library(MemoryStore(isInRanges: true))
        for round in 0..<6 {
            for _ in 0..<Int.random(in: 0...60, using: &random) {
                let known = plain.store.keys.sorted().randomElement(using: &random)
                let isOld = known != nil && Bool.random(using: &random)
                let key = isOld ? known ?? "f" : Self.randomKey(using: &random)
                let isRemoval = isOld && Bool.random(using: &random)
                let bytes: [UInt8]? = isRemoval ? nil : [1, 2, 3]
                plain.store.set(key, bytes)
                swept.store.set(key, bytes)
            }
            usleep(2000)
            let one = try plain.tree()
            let other = try swept.tree()
            let difference = Set(one.keys).union(other.keys).sorted()
                .filter { one[$0] != other[$0] }
                .map { "\($0): \(one[$0] ?? "none") or \(other[$0] ?? "none")" }
            let isSame = one == other
            #expect(isSame, "round \(round): \(difference)")
            // Nothing in the bucket is hidden.
            let keys = plain.store.keys.filter { !$0.text.hasSuffix("/") }.count
            #expect(one.values.filter { $0.hasPrefix("33188 ") }.count == keys)
        }
    }

    @Test(arguments: 1...3)
    func aListingThatBreaksOffRemovesNothing(pages: Int) throws {
        let library = try Library(MemoryStore(pageKeys: 10))
        let keys = (0..<60).map { Key("d/f\(100 + $0)") }
        for key in keys { library.store.set(key, [1]) }
        #expect(try library.tree().count == 61)
        for key in keys where !key.text.hasSuffix("3") { library.store.set(key, nil) }
        for number in 0..<25 { library.store.set(Key("d/g\(100 + number)"), [1]) }
        usleep(2000)
        // The first page is that of the directory above.
        library.store.failListings(after: pages)
        let names = try library.names(in: try library.inode("d"))
        #expect(
            Set(names.map(\.name.text)).isSuperset(
                of: keys.map { $0.text.dropFirst(2) }.map(String.init)
            )
        )
    }

    @Test(arguments: 0...8)
    func aFlatListingThatBreaksOffRemovesNothingFromWhatItHasNotSeenWhole(pages: Int) throws {
        let library = try Library(MemoryStore(pageKeys: 10))
        let keys = (0..<120).map { Key("d\($0 % 8)/f\(100 + $0)") }
        for key in keys { library.store.set(key, [1]) }
        #expect(try library.tree().count == 128)
        for key in keys where key.text.utf8.last! % 2 == 0 || key.text.utf8.last! % 5 == 0 {
            library.store.set(key, nil)
        }
        usleep(2000)
        library.store.failListings(after: pages)
        let expected = Dictionary(grouping: library.store.keys) { $0.text.prefix(2) }
        for (folder, kept) in expected {
            let names = try library.names(in: try library.inode(String(folder)))
            #expect([15, kept.count].contains(names.count), "\(folder)")
        }
    }

    @Test func aWalkTakesOneFlatListing() throws {
        let library = try Library(MemoryStore(pageKeys: 100), directorySeconds: 60)
        for number in 0..<2000 { library.store.set(Key("t/d\(number % 100)/f\(number)"), [1]) }
        library.store.set("t/d50/sub/deep/f", [1])
        #expect(try library.tree().count == 2104)
        let asked = library.store.takeAsked()
        #expect(asked.count < 60, "20 pages, where 103 directories would take a request each")
        // Now and then one is asked whether it is what the listing tells.
        #expect(asked.count { $0 != "LIST" } < 5)
        #expect(try library.tree().count == 2104)
        #expect(library.store.takeAsked().count { $0 == "LIST" } == 0, "all of it is known now")
        #expect(throws: Errno.noEntry) { try library.inode("t/d7/none") }
        #expect(library.store.takeAsked() == [])
    }

    @Test func oneRequestTellsOfAFileAndBringsItsFirstByte() throws {
        let library = try Library(MemoryStore(), directorySeconds: 60)
        let time = Timestamp(seconds: 1_500_000_000)
        let attributes = ObjectAttributes(mode: 0o100640, modified: time)
        library.store.set("a", [1])
        library.store.set("f", [UInt8](repeating: 7, count: 4 << 20), attributes)
        let root = try library.root
        _ = try library.names(in: root)
        _ = library.store.takeAsked()
        let found = try library.volume.lookup("f", in: root)
        #expect(found.attributes.mode == 0o100640)
        #expect(found.attributes.modified == time)
        let handle = try library.volume.open(found.attributes.inode, forWriting: false)
        defer { library.volume.release(handle) }
        try library.volume.read(handle, at: 0, count: 1) { _ in }
        #expect(library.store.takeAsked() == ["GET"])
    }

    @Test func aReadTellsTheAttributesThatAListingDidNot() throws {
        let library = try Library(MemoryStore(), directorySeconds: 60)
        // This one is compared, and the next one believed.
        library.store.set("a", [1])
        library.store.set("f", [1, 2, 3], ObjectAttributes(mode: 0o100600))
        let listed = try #require(try library.names(in: try library.root).last)
        #expect(listed.attributes.mode == 0o100644)
        _ = library.store.takeAsked()
        let handle = try library.volume.open(listed.attributes.inode, forWriting: false)
        defer { library.volume.release(handle) }
        try library.volume.read(handle, at: 0, count: 3) { _ in }
        let isKnown = eventually {
            (try? library.volume.file(FileID(bitPattern: listed.attributes.inode)).mode) == 0o100600
        }
        #expect(isKnown)
        #expect(library.store.takeAsked() == ["GET"])
    }

    @Test func aLinkOfOthersIsOneRequest() throws {
        let library = try Library(MemoryStore(), directorySeconds: 60)
        library.store.set("a", [1])
        library.store.set("link", Array("to/there".utf8), ObjectAttributes(mode: 0o120777))
        let root = try library.root
        _ = try library.names(in: root)
        _ = library.store.takeAsked()
        let found = try library.volume.lookup("link", in: root)
        #expect(try library.volume.target(of: found.attributes.inode) == "to/there")
        #expect(library.store.takeAsked() == ["GET"])
    }
}
