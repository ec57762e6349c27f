import Base
import Foundation
import Glibc
import TestSupport
import Testing

/// A change of a large object moves little more than what was changed: the store copies the rest.
@Suite(.serialized)
struct UnchangedRangeTests {

    /// A change, and the most bytes that it may move to the store and from it.
    enum Change: String, CaseIterable, Sendable {
        case editInTheMiddle
        case append
        case cutAndAppend
        case editAcrossParts
        case writeBehindAHole
        case editsAllOver
        case editAtBothEnds

        var limits: (sent: Int, received: Int) {
            switch self {
            // What is read ahead of the part that has to be sent counts.
            case .editInTheMiddle, .editAtBothEnds: (6 * megabyte, 16 * megabyte)
            case .append: (64 << 10, 64 << 10)
            case .cutAndAppend: (6 * megabyte, megabyte)
            case .editAcrossParts: (12 * megabyte, 16 * megabyte)
            case .writeBehindAHole: (21 * megabyte, 64 << 10)
            case .editsAllOver: (22 * megabyte, 60 * megabyte)
            }
        }

        func perform(on path: String) throws {
            switch self {
            case .editInTheMiddle: try put(path, 4096, at: 50 * megabyte + 777)
            case .append: try put(path, 1024, at: size)
            case .cutAndAppend:
                try must(truncate(path, 80 * megabyte + 12_345))
                try put(path, 5 * megabyte, at: 80 * megabyte + 12_345)
            case .editAcrossParts: try put(path, megabyte, at: 48 * megabyte - 4096)
            case .writeBehindAHole: try put(path, 1000, at: size + 20 * megabyte)
            case .editsAllOver:
                for place in [10, 40, 70, 90] { try put(path, 4096, at: place * megabyte) }
            case .editAtBothEnds:
                try put(path, 100, at: 0)
                try put(path, 100, at: size - 100)
            }
        }

        private func put(_ path: String, _ count: Int, at offset: Int) throws {
            let file = try must(open(path, O_WRONLY | O_CLOEXEC))
            let byte = UInt8(truncatingIfNeeded: offset / 4096 + count)
            let bytes = [UInt8](repeating: byte, count: count)
            // It may need some of what was there, from a server that is busy.
            let isWritten = eventually(atMost: 60) { pwrite(file, bytes, count, offset) == count }
            try must(close(file))
            try #require(isWritten)
        }
    }

    @Test func onlyWhatChangedMoves() throws {
        let proxy = try S3Proxy(before: .radosgw)
        var bucket = try Bucket(.radosgw)
        bucket.endpoint = proxy.url
        let scratch = try seeded(bucket, Change.allCases.map(\.rawValue))
        let mount = try bucket.mount()
        try must(access(mount.folder + "/seed", F_OK))
        for change in Change.allCases {
            let name = change.rawValue
            try must(access(mount.folder + "/" + name, F_OK))
            _ = proxy.takeCounts()
            try change.perform(on: mount.folder + "/" + name)
            let counts = proxy.takeCounts()
            // Answers to small requests count as well.
            let limits = (change.limits.sent + (64 << 10), change.limits.received + (64 << 10))
            #expect(counts.sent <= limits.0 && counts.received <= limits.1, "\(change): \(counts)")
            try shell("cp seed '\(name)'", in: scratch.path)
            try change.perform(on: scratch.path + "/" + name)
            try compare(bucket, name, scratch.path, "\(change)")
            try shell("cmp '\(name)' '\(mount.folder)/\(name)'", in: scratch.path)
            try must(unlink(scratch.path + "/" + name))
        }
        #expect(try bucket.uploads().isEmpty)
    }

    /// Where parts cannot be copied, all of it is sent; a directory copies ranges of files.
    @Test(arguments: ["rclone", "local"])
    func everyKindOfStoreHasTheRightBytes(kind: String) throws {
        let bucket = kind == "local" ? nil : try Bucket(.rclone)
        let mount = try bucket?.mount() ?? Mount(settings: "directory_ttl = 1s")
        let folder = mount.dataDirectory + "/local"
        let scratch = try TemporaryDirectory()
        for change in [Change.editInTheMiddle, .append, .cutAndAppend] {
            let name = change.rawValue
            try shell("head -c \(size) /dev/urandom > '\(name)'", in: scratch.path)
            if let bucket {
                try bucket.rclone("copyto", scratch.path + "/" + name, "other:/" + name)
            } else {
                try shell("cp '\(name)' '\(folder)/'", in: scratch.path)
            }
            #expect(eventually { access(mount.folder + "/" + name, F_OK) == 0 })
            // rclone reads whole objects for their ETags, and on a busy machine a deadline may pass: then
            // the bytes are delivered later.
            do { try change.perform(on: mount.folder + "/" + name) } catch {
                #expect(bucket != nil)
            }
            try change.perform(on: scratch.path + "/" + name)
            let isSame = try eventually(atMost: 100) {
                if let bucket {
                    try bucket.rclone("copyto", "other:/" + name, scratch.path + "/fetched")
                } else {
                    try shell("cp '\(folder)/\(name)' fetched", in: scratch.path)
                }
                return try run("/usr/bin/cmp", [name, "fetched"], in: scratch.path).status == 0
            }
            #expect(isSame, "\(kind), \(change)")
            try shell("cmp '\(name)' '\(mount.folder)/\(name)'", in: scratch.path)
            try must(unlink(scratch.path + "/" + name))
        }
    }

    /// The daemon dies between two steps of an upload that copies parts.
    @Test(arguments: [
        Failpoint.uploadNoted, .partCopied, .partSent, .partsSent, .stored, .finished,
    ])
    func aCrashLeavesTheChangedBytesAndNoParts(point: Failpoint) throws {
        let bucket = try Bucket(.radosgw)
        let scratch = try seeded(bucket, [], bytes: 40 * megabyte)
        let mount = try bucket.mount()
        try mount.unmount()
        mount.environment = ["GOSYNC_FAILPOINT": point.rawValue]
        try mount.start()
        let edit = { (path: String) throws -> Int32 in
            let file = try must(open(path, O_WRONLY | O_CLOEXEC))
            let bytes = [UInt8](repeating: 7, count: 4096)
            try must(pwrite(file, bytes, bytes.count, 20 * megabyte - 100))
            try must(pwrite(file, bytes, bytes.count, 40 * megabyte))
            return close(file)
        }
        #expect(try edit(mount.folder + "/seed") == -1, "\(point) was not reached")
        mount.crash()
        mount.environment = [:]
        try mount.start()
        #expect(try edit(scratch.path + "/seed") == 0)
        // At once, while the upload goes on.
        try shell("cmp seed '\(mount.folder)/seed'", in: scratch.path)
        try mount.unmount()
        try compare(bucket, "seed", scratch.path, "\(point)")
        #expect(try bucket.uploads().isEmpty)
    }

    /// Someone else replaces the object while it is changed here: both versions stay, and no mixture.
    @Test(arguments: [true, false])
    func aReplacedObjectIsNotMixedWithItsOldVersion(isWhole: Bool) throws {
        let bucket = try Bucket(.radosgw)
        let scratch = try seeded(bucket, [], bytes: 24 * megabyte)
        let mount = try bucket.mount()
        let path = mount.folder + "/seed"
        if isWhole { try shell("cat '\(path)' > /dev/null") }
        let file = try must(open(path, O_RDWR | O_CLOEXEC))
        try shell("head -c \(30 * megabyte) /dev/urandom > theirs", in: scratch.path)
        try bucket.rclone("copyto", scratch.path + "/theirs", "other:/seed")
        // Not before: a program that is started while the file is open closes it as well. Whole chunks
        // need nothing of what was there.
        let bytes = [UInt8](repeating: 7, count: 256 << 10)
        try must(pwrite(file, bytes, bytes.count, 10 * megabyte))
        expect(ESTALE, close(file))

        #expect(
            eventually { (try? names(in: mount.folder).count) == 2 },
            "\(mount.log.suffix(2000))"
        )
        #expect(eventually { (try? status(path).st_size) == 30 * megabyte })
        try shell("cmp theirs '\(path)'", in: scratch.path)
        let name = try #require(try names(in: mount.folder).first { $0.contains(".conflict-") })
        let ours = try must(open(mount.folder + "/" + name, O_RDONLY | O_CLOEXEC))
        var found = [UInt8](repeating: 0, count: bytes.count)
        try must(pread(ours, &found, found.count, 10 * megabyte))
        #expect(found == bytes)
        if !isWhole { expect(ESTALE, pread(ours, &found, found.count, 0)) }
        close(ours)
        if isWhole {
            try shell("cp '\(mount.folder)/\(name)' ours", in: scratch.path)
            let copy = try must(open(scratch.path + "/seed", O_WRONLY | O_CLOEXEC))
            try must(pwrite(copy, bytes, bytes.count, 10 * megabyte))
            close(copy)
            try shell("cmp seed ours", in: scratch.path)
            try mount.unmount()
            try shell("mv ours '\(name)'", in: scratch.path)
            try compare(bucket, name, scratch.path, "ours")
        } else {
            #expect(mount.log.contains("someone else has replaced the object"))
        }
        try shell("cp theirs seed", in: scratch.path)
        try compare(bucket, "seed", scratch.path, "theirs")
    }

    /// Objects of random bytes, and a directory with the same as `seed`.
    private func seeded(
        _ bucket: Bucket,
        _ names: [String],
        bytes: Int = size
    ) throws -> TemporaryDirectory {
        let scratch = try TemporaryDirectory()
        try shell("head -c \(bytes) /dev/urandom > seed", in: scratch.path)
        try bucket.rclone("copyto", scratch.path + "/seed", "other:/seed")
        for name in names { try bucket.rclone("copyto", "other:/seed", "other:/" + name) }
        return scratch
    }

    private func compare(_ bucket: Bucket, _ name: String, _ scratch: String, _ place: String)
        throws
    {
        try bucket.rclone("copyto", "other:/" + name, scratch + "/fetched")
        let outcome = try run("/usr/bin/cmp", [name, "fetched"], in: scratch)
        #expect(outcome.status == 0, "\(place): in the store: \(outcome)")
    }
}

private let megabyte = 1 << 20
private let size = 100 << 20
