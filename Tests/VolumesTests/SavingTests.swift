import Base
import Foundation
import Metadata
import SQLite
import TestSupport
import Testing

@testable import Volumes

/// What is known of an open file, on its way to its row.
struct SavingTests {
    private let scratch: TemporaryDirectory
    private let volume: Volume
    /// An open file.
    private let handle: Handle

    init() throws {
        scratch = try TemporaryDirectory()
        volume = try Volume(over: MemoryStore(), in: scratch.path, waitsForStore: false)
        let new = NewFile(mode: 0o100644, owner: 1, group: 1)
        let root = try volume.storeRoot
        (_, handle) = try volume.create(new, named: "a", in: root, exclusive: true)
    }

    /// What `fdatasync` has returned from is found again, and the time only after `fsync`.
    @Test func theSizeIsSavedWithTheData() throws {
        defer {
            volume.release(handle)
            volume.stop(deliveringAtMost: 0)
        }
        for size in [3, 7, 7, 5] as [Int64] {
            if size == 5 {
                var changes = AttributeChanges()
                changes.size = size
                _ = try volume.setAttributes(changes, of: handle.inode)
            }
            try volume.write(handle, at: 0, [UInt8](repeating: 1, count: Int(size)).span.bytes)
            try volume.synchronize(handle, dataOnly: true)
            #expect(try row()?.size == size)
        }
        let modified = handle.node.now.modified
        #expect(try row()?.modified != modified)
        try volume.synchronize(handle)
        #expect(try row()?.modified == modified)
    }

    /// Nothing of it is saved when it is closed, and it is sent like any other.
    @Test func whatWasNeverWrittenToIsDueWhenItWasLeftAlone() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        let due = { [volume, handle] in
            try volume.metadata.database.read { (rows) throws(Errno) in
                rows.entries(of: handle.node.id).first.flatMap { rows.work(for: $0.id) }?.due
            }
        }
        volume.release(handle)
        // In its row it still is what it was while it was open.
        #expect(try due().map { $0.secondsSince(.now()) > 20 } == true)
        let wait = volume.quietSeconds + 10
        #expect(try eventually(atMost: wait) { try due() == nil })
    }

    /// Mostly the first close is the last; who goes on, as a shell that others inherit from, fills no log.
    @Test func theFirstCloseAndTheLastTellTheChangeLog() throws {
        defer { volume.stop(deliveringAtMost: 0) }
        let writeAndClose = { [volume, handle] (times: Int64) in
            for i in 0..<times {
                try volume.write(handle, at: i, [UInt8](repeating: 1, count: 1).span.bytes)
                try volume.flush(handle)
            }
        }
        try writeAndClose(1)
        #expect(try sizesTold() == ["1}"])
        try writeAndClose(5)
        #expect(try row()?.size == 5)
        #expect(try sizesTold() == ["1}"])
        volume.release(handle)
        #expect(try sizesTold() == ["1}", "5}"])
        let again = try volume.open(handle.inode, forWriting: true)
        let other = try volume.open(handle.inode, forWriting: true)
        try volume.write(again, at: 5, [UInt8](repeating: 1, count: 1).span.bytes)
        try volume.flush(again)
        #expect(try sizesTold() == ["1}", "5}"])
        volume.release(again)
        volume.release(other)
        #expect(try sizesTold() == ["1}", "5}", "6}"])
    }

    /// What closing the file would write down is written with the rest, so that its end costs nothing.
    @Test func theFirstCloseTellsWhatTheFileTakes() throws {
        defer {
            volume.release(handle)
            volume.stop(deliveringAtMost: 0)
        }
        try volume.write(handle, at: 0, [UInt8](repeating: 1, count: 10_000).span.bytes)
        try volume.flush(handle)
        let disk = try volume.metadata.database.read { (rows) throws(Errno) in
            rows.first("SELECT disk FROM content WHERE file = ?", .integer(handle.node.id)) {
                $0.integer(0)
            }
        }
        #expect(disk ?? 0 >= 10_000)
    }

    /// The kernel tells of a close after it was answered, in the middle of what the next program writes.
    @Test func anOlderStateDoesNotReplaceANewerOne() throws {
        defer {
            volume.release(handle)
            volume.stop(deliveringAtMost: 0)
        }
        let isOver = Monitor(false)
        let threads = Threads()
        for _ in 0..<2 {
            threads.start {
                while !isOver.withLock({ $0 }) {
                    if let other = try? volume.open(handle.inode, forWriting: true) {
                        volume.release(other)
                    }
                }
            }
        }
        var wrong: [Int64] = []
        for step in 0..<1000 as Range<Int64> {
            try volume.write(handle, at: 2 * step, [UInt8](repeating: 1, count: 1).span.bytes)
            try volume.write(handle, at: 2 * step + 1, [UInt8](repeating: 2, count: 1).span.bytes)
            try volume.flush(handle)
            if try row()?.size != 2 * step + 2 { wrong.append(step) }
        }
        isOver.update { $0 = true }
        threads.wait()
        #expect(wrong.isEmpty)
    }

    private func sizesTold() throws -> [String] {
        try volume.metadata.database.read { (rows) throws(Errno) in
            rows.changes(after: 0, limit: 100).filter { $0.kind == .written }
                .map { $0.payload.components(separatedBy: "\"size\":").last ?? "" }
        }
    }

    private func row() throws -> File? {
        try volume.metadata.database.read { (rows) throws(Errno) in rows.file(handle.node.id) }
    }
}
