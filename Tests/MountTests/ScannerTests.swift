import Foundation
import Glibc
import TestSupport
import Testing

/// What a media server's scanner and an NFS server rely on.
@Suite(.serialized) struct ScannerTests {
    /// `count` files, all tagged red, in a view of what is red.
    private func library(_ count: Int) throws -> (Mount, view: String) {
        let mount = try Mount()
        try shell("for i in $(seq \(count)); do echo $i > n$i; done", in: mount.folder)
        #expect(try mount.gosync("tag", "add", "--query", "name:n*", "colour=red").status == 0)
        let view = mount.path + "/filters/red"
        #expect(mkdir(view, 0o755) == 0)
        #expect(setAttribute(view, "user.gosync.query", Array("tag:colour=red".utf8)) == 0)
        return (mount, view)
    }

    private static let dots: Set = [".", ".."]

    @Test(arguments: [64, 100, 333])
    func smallBuffersSeeEveryEntryOnceWhileOthersComeAndGo(bytes: Int) throws {
        let (mount, view) = try library(200)
        let directory = try must(open(view, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        defer { close(directory) }
        var seen: [String] = []
        var reads = 0
        while true {
            let entries = try readEntries(directory, bytes)
            if entries.isEmpty { break }
            seen += entries.map(\.name)
            reads += 1
            // Some leave and others come, in the middle of it.
            if reads == 10 {
                try shell("for i in $(seq 201 230); do echo $i > n$i; done", in: mount.folder)
                #expect(
                    try mount.gosync("tag", "remove", "--query", "name:n*7", "colour").status == 0
                )
                let add = try mount.gosync("tag", "add", "--query", "name:n2??", "colour=red")
                #expect(add.status == 0)
            }
        }
        let stayed = (1...200).filter { $0 % 10 != 7 }.map { "n\($0)" }
        #expect(seen.count == Set(seen).count)
        #expect(Set(seen).isSuperset(of: stayed))
    }

    /// An NFS server keeps no directory open: it goes on from a cookie, perhaps after a restart.
    @Test func eachPageIsReadFromACookieAlone() throws {
        let (mount, view) = try library(120)
        var cookie: off_t = 0
        var seen: [String] = []
        for page in 0..<1000 {
            if page == 5 { try mount.remount() }
            let directory = try must(open(view, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
            defer { close(directory) }
            try #require(lseek(directory, cookie, SEEK_SET) == cookie)
            let entries = try readEntries(directory, 200)
            guard let last = entries.last else { break }
            seen += entries.map(\.name)
            cookie = last.cookie
        }
        #expect(seen.count == 122 && Set(seen) == Set((1...120).map { "n\($0)" }).union(Self.dots))
    }

    @Test func aFileIsTheSameAfterARemount() throws {
        let (mount, view) = try library(20)
        func facts() throws -> [String] {
            try names(in: view).sorted().map { name in
                let status = try status(view + "/" + name)
                let time = status.st_mtim
                return "\(name) \(status.st_ino) \(status.st_size) \(time.tv_sec).\(time.tv_nsec)"
            } + ["\(try status(view).st_mtim.tv_nsec)"]
        }
        let before = try facts()
        try mount.remount()
        #expect(try facts() == before && before.count == 21)
    }

    /// A media server forgets what it no longer sees: a view that can't be told must fail.
    @Test(arguments: ["file_tag_value", "file", "tag_value", "entry_file"])
    func aDamagedDatabaseIsAnErrorAndNeverAnEmptyList(table: String) throws {
        let (mount, view) = try library(500)
        let typed = mount.path + "/filters/.q/tag:colour=red AND name:n*"
        try mount.unmount()
        let database = mount.dataDirectory + "/metadata.db"
        // Everything from the log into the file, and then where the table begins in there.
        let root = try shell(
            """
            sqlite3 '\(database)' 'PRAGMA wal_checkpoint(TRUNCATE)' > /dev/null
            sqlite3 '\(database)' "SELECT rootpage FROM sqlite_master WHERE name = '\(table)'"
            """
        )
        let page = try #require(Int(root.trimmingCharacters(in: .whitespacesAndNewlines)))
        try mount.start()
        try shell(
            """
            head -c 4096 /dev/zero | tr '\\0' '\\377' |
              dd of='\(database)' bs=4096 seek=\(page - 1) count=1 iflag=fullblock conv=notrunc status=none
            """
        )
        for directory in [view, typed] {
            for _ in 0..<3 {
                let outcome = try run("/bin/ls", ["-f", directory])
                let isRight = outcome.output.split(separator: "\n").count == 502
                #expect(
                    outcome.status != 0 || isRight,
                    "\(directory): \(outcome.output.count) bytes"
                )
            }
        }
    }
}

struct Dirent {
    var name: String
    /// Continues after it.
    var cookie: off_t
}

/// getdents64(2) with a buffer of so many bytes; empty at the end.
private func readEntries(_ directory: CInt, _ bytes: Int) throws -> [Dirent] {
    typealias Call = @convention(c) (CInt, UnsafeMutableRawPointer?, Int) -> Int
    let symbol = try #require(dlsym(nil, "getdents64"))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 8)
    defer { buffer.deallocate() }
    let count = unsafeBitCast(symbol, to: Call.self)(directory, buffer.baseAddress, bytes)
    try must(count)
    var entries: [Dirent] = []
    var offset = 0
    while offset < count {
        let cookie = buffer.loadUnaligned(fromByteOffset: offset + 8, as: Int64.self)
        let length = Int(buffer.loadUnaligned(fromByteOffset: offset + 16, as: UInt16.self))
        let bytes = buffer[(offset + 19)..<(offset + length)].prefix { $0 != 0 }
        let name = String(decoding: bytes, as: UTF8.self)
        entries.append(Dirent(name: name, cookie: off_t(cookie)))
        offset += length
    }
    return entries
}
