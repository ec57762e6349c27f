import Base
import Foundation
import TestSupport
import Testing

@testable import Stores

/// What only a directory can do wrong: leave itself, show half a file, trip over odd files.
@Suite struct LocalStoreTests {
    private let scratch: TemporaryDirectory
    private let root: String
    private let outside: String
    private let store: LocalStore

    init() throws {
        scratch = try TemporaryDirectory()
        root = scratch.path + "/root"
        outside = scratch.path + "/outside"
        try shell(
            """
            mkdir -p root/dir outside/sub; printf secret >outside/file; chmod 644 outside/file
            ln -s ../outside root/out; ln -s ../outside/file root/link; ln -s dir root/inner
            ln -s "$PWD/outside" root/dir/absolute; printf in >root/dir/file
            """,
            in: scratch.path
        )
        store = try LocalStore(directory: root)
    }

    static let escapes: [Key] = [
        "..", "../outside/file", "../outside/new", "dir/../../outside/file", "./dir/file",
        "dir/./x",
        "/etc/hostname", "dir//file", "out/file", "out/new", "out/sub/new", "out/sub/", "out/dir/",
        "dir/absolute/file", "dir/absolute/new", "link/x", "inner/file", "inner/new", "a\0b", "../",
        "/", "", ".", "dir/..",
    ]

    @Test(arguments: escapes)
    func noKeyLeadsOutside(key: Key) throws {
        let before = try census()
        #expect(throws: StoreError.self) { try store.head(key) }
        #expect(throws: StoreError.self) {
            try store.get(key, range: 0..<1, ifMatch: nil) { _ in
                Issue.record("\(key) was read")
            }
        }
        #expect(throws: StoreError.self) { try put(key, "x") }
        #expect(throws: StoreError.self) { try copy("dir/file", key) }
        #expect(throws: StoreError.self) { try copy(key, "dir/copy") }
        _ = try? store.delete([key])
        let page = try? store.list(prefix: key, delimited: false, after: nil)
        #expect((page?.objects ?? []).allSatisfy { key.text.isEmpty || $0.key == key })
        #expect(try census() == before)
    }

    @Test func linksAreListedAndNotFollowed() throws {
        let keys = try store.list(prefix: "", delimited: false, after: nil).objects.map(\.key)
        #expect(keys == ["dir/", "dir/absolute", "dir/file", "inner", "link", "out"])
        let level = try store.list(prefix: "", delimited: true, after: nil)
        #expect(level.prefixes == ["dir/"])
        #expect(try store.list(prefix: "out/", delimited: true, after: nil).objects.isEmpty)
        #expect(try text("link") == "../outside/file")
    }

    /// A mode is given to the name itself, and a link has none.
    @Test func attributesOfALinkDoNotReachItsTarget() throws {
        let before = try census()
        let attributes = ObjectAttributes(
            mode: 0o100600,
            owner: 12,
            group: 34,
            modified: Timestamp(seconds: 5, nanoseconds: 6)
        )
        _ = try store.copy("link", to: "link", attributes: attributes, ifMatch: nil)
        _ = try store.copy("link", to: "copy", attributes: attributes, ifMatch: nil)
        #expect(try text("copy") == "../outside/file")
        #expect(try census() == before)
    }

    @Test func aWriteOverALinkReplacesTheLink() throws {
        let before = try census()
        try put("link", "mine")
        try put("out", "mine")
        #expect(try text("link") == "mine" && text("out") == "mine")
        #expect(try store.delete(["dir/absolute"]).isEmpty)
        #expect(try census() == before)
    }

    @Test func aReaderSeesOneVersionOrTheOther() throws {
        let versions = (0..<2).map { [UInt8](repeating: UInt8($0 + 65), count: 3 << 20) }
        _ = try store.put("key", body: ObjectBody(versions[0]), attributes: none, condition: .none)
        let finished = Monitor(false)
        let workers = Workers("writer", limit: 1)
        workers.run {
            for i in 1...20 {
                let body = ObjectBody(versions[i % 2])
                _ = try? store.put("key", body: body, attributes: none, condition: .none)
            }
            finished.update { $0 = true }
        }
        var reads = 0
        while !finished.withLock({ $0 }) || reads == 0 {
            let bytes = try Data(contentsOf: URL(filePath: root + "/key"))
            #expect(bytes.count == 3 << 20 && bytes.first == bytes.last)
            let etag = try store.head("key").etag
            var seen: Set<UInt8> = []
            do {
                try store.get("key", range: 0..<3 << 20, ifMatch: etag) { span throws(Errno) in
                    span.withUnsafeBytes { seen.formUnion([$0[0], $0[$0.count - 1]]) }
                }
                #expect(seen.count == 1)
            } catch {
                #expect(error == .changed && seen.count <= 1)
            }
            reads += 1
        }
        workers.stop()
    }

    @Test(arguments: 0..<5)
    func oneOfEightWritersWins(round: Int) throws {
        let old = try store.head("dir/file").etag
        for (key, condition) in [("new", PutCondition.absent), ("dir/file", .matches(old))] {
            let state = Monitor((winners: [Int](), done: 0))
            let workers = Workers("writer", limit: 8)
            for i in 0..<8 {
                workers.run {
                    let body = ObjectBody(Array("writer \(i)".utf8))
                    let info = try? store.put(
                        Key(key),
                        body: body,
                        attributes: none,
                        condition: condition
                    )
                    state.update { state in
                        if info != nil { state.winners.append(i) }
                        state.done += 1
                    }
                }
            }
            state.wait { $0.done == 8 ? true : nil }
            workers.stop()
            let winners = state.withLock { $0.winners }
            #expect(winners.count == 1)
            #expect(try text(Key(key)) == "writer \(winners.first ?? -1)")
        }
        #expect(
            try shell("ls -A root root/dir | grep -c gosync-tmp || :", in: scratch.path) == "0\n"
        )
    }

    @Test func leftoversOfACrashAreNoObjects() throws {
        try shell(
            "printf x >root/.gosync-tmp-1-1; printf x >root/dir/.gosync-tmp-2; "
                + "printf x >root/dir/.gosync-tmp-old; touch -d '2 days ago' root/dir/.gosync-tmp-old",
            in: scratch.path
        )
        for delimited in [true, false] {
            for prefix: Key in ["", "dir/", ".gosync-tmp-"] {
                let page = try store.list(prefix: prefix, delimited: delimited, after: nil)
                #expect(!page.objects.contains { $0.key.text.contains("gosync-tmp") })
            }
        }
        #expect(throws: StoreError.missing) { try store.head(".gosync-tmp-1-1") }
        #expect(throws: StoreError.missing) { try store.head("dir/.gosync-tmp-2") }
        // A name that nobody would see again is refused before anything is lost.
        #expect(throws: StoreError.self) { try put(".gosync-tmp-mine", "x") }
        #expect(throws: StoreError.self) { try put(".gosync-tmp-mine/x", "x") }
        #expect(throws: StoreError.self) { try copy("dir/file", ".gosync-tmp-mine") }
    }

    @Test func aFailedBodyLeavesNothingBehind() throws {
        let body = ObjectBody(size: 3 << 20) { output, offset throws(Errno) in
            guard offset < 1 << 20 else { throw .noSpace }
            for _ in 0..<min(output.freeCapacity, 1 << 20) { output.append(1) }
        }
        #expect(throws: StoreError.self) {
            try store.put("dir/file", body: body, attributes: none, condition: .none)
        }
        #expect(try text("dir/file") == "in")
        #expect(try shell("ls -A root/dir", in: scratch.path) == "absolute\nfile\n")
    }

    @Test(.timeLimit(.minutes(1))) func specialFilesAreNeverReadOrWaitedFor() throws {
        try shell("mkfifo root/fifo; chmod 640 root/fifo", in: scratch.path)
        #expect(try store.head("fifo").attributes?.mode == 0o010640)
        #expect(try store.head("fifo").size == 0)
        #expect(throws: StoreError.self) {
            try store.get("fifo", range: 0..<1, ifMatch: nil) { _ in }
        }
        try copy("fifo", "dir/fifo")
        #expect(try store.head("dir/fifo").attributes?.mode.map { $0 & S_IFMT } == S_IFIFO)
        try put("socket", "", mode: 0o140600)
        #expect(
            try shell("test -S root/socket && test -p root/dir/fifo && echo ok", in: scratch.path)
                == "ok\n"
        )
        let listed = try store.list(prefix: "", delimited: true, after: nil).objects.map(\.key)
        #expect(listed.contains("fifo") && listed.contains("socket"))
        #expect(try store.delete(["fifo", "socket", "dir/fifo"]).isEmpty)
    }

    @Test func aFileAndADirectoryAreDifferentKeys() throws {
        #expect(throws: StoreError.missing) { try store.head("dir") }
        #expect(throws: StoreError.missing) { try store.head("dir/file/") }
        // Neither object is there, so both count as deleted, and nothing is.
        #expect(try store.delete(["dir", "dir/file/", "dir/"]).isEmpty)
        #expect(try text("dir/file") == "in")
        #expect(throws: StoreError.self) { try put("dir", "x") }
        #expect(throws: StoreError.self) { try put("dir/file/x", "x") }
    }

    @Test func aNameThatIsNoTextIsLeftAlone() throws {
        try shell("touch root/dir/$(printf 'a\\377')", in: scratch.path)
        let keys = try store.list(prefix: "dir/", delimited: true, after: nil).objects.map(\.key)
        #expect(keys == ["dir/", "dir/absolute", "dir/file"])
    }

    private var none: ObjectAttributes { ObjectAttributes() }

    /// Everything outside: contents, modes, owners and times.
    private func census() throws -> String {
        try shell(
            "find outside -printf '%p %m %U %G %s %y %T@\\n' | sort; cat outside/file",
            in: scratch.path
        )
    }

    private func put(_ key: Key, _ text: String, mode: UInt32? = nil) throws {
        let body = ObjectBody(Array(text.utf8))
        let attributes = ObjectAttributes(mode: mode)
        _ = try store.put(key, body: body, attributes: attributes, condition: .none)
    }

    private func copy(_ source: Key, _ target: Key) throws {
        _ = try store.copy(source, to: target, attributes: none, ifMatch: nil)
    }

    private func text(_ key: Key) throws -> String {
        var bytes: [UInt8] = []
        let size = try store.head(key).size
        try store.get(key, range: 0..<size, ifMatch: nil) { span throws(Errno) in
            span.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func whatACrashLeftInADirectoryDoesNotKeepIt() throws {
        // No process has so high a number.
        let name = store.temporaryName().replacing("-\(getpid())-", with: "-99999999-")
        try shell("mkdir -p root/d; touch root/d/\(name)", in: scratch.path)
        #expect(try store.delete(["d/"]).isEmpty)
        #expect(throws: StoreError.missing) { try store.head("d/") }
        try shell("mkdir -p root/d; touch root/d/.gosync-tmp-0-99999999-1", in: scratch.path)
        #expect(try store.delete(["d/"]).isEmpty)
        #expect(try store.head("d/").size == 0)
    }

    @Test func aDirectoryThatOnlyHeldWhatIsGoneMakesRoomForAFile() throws {
        let none = ObjectAttributes()
        _ = try store.put("d/deep", body: ObjectBody([1]), attributes: none, condition: .absent)
        #expect(throws: StoreError.self) {
            try store.put("d", body: ObjectBody([2]), attributes: none, condition: .absent)
        }
        #expect(try store.delete(["d/deep"]).isEmpty)
        _ = try store.put("d", body: ObjectBody([2]), attributes: none, condition: .absent)
        #expect(try store.head("d").size == 1)
    }
}
