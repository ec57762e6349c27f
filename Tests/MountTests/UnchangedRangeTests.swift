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
            case .editInTheMiddle, .editAtBothEnds: (6 * megabyte, 8 * megabyte)
            case .append: (64 << 10, 64 << 10)
            case .cutAndAppend: (6 * megabyte, megabyte)
            case .editAcrossParts: (12 * megabyte, 12 * megabyte)
            case .writeBehindAHole: (21 * megabyte, 64 << 10)
            case .editsAllOver: (22 * megabyte, 32 * megabyte)
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
            defer { close(file) }
            let byte = UInt8(truncatingIfNeeded: offset / 4096 + count)
            let bytes = [UInt8](repeating: byte, count: count)
            try #require(pwrite(file, bytes, count, offset) == count)
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

    /// Objects of random bytes, and a directory with the same as `seed`.
    private func seeded(_ bucket: Bucket, _ names: [String]) throws -> TemporaryDirectory {
        let scratch = try TemporaryDirectory()
        try shell("head -c \(size) /dev/urandom > seed", in: scratch.path)
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
