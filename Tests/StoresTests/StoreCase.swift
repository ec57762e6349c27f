import Base
import Foundation
import Stores
import TestSupport
import Testing

/// A kind of store to hold to the contract, and what is known to be different about it.
enum StoreCase: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case local
    case radosgw
    /// The same server by another way of addressing, in a part of a bucket.
    case radosgwVirtualHostWithPrefix
    case rclone
    case rcloneWithPrefix

    var testDescription: String { rawValue }

    /// Keys are paths of a file system underneath: no `a//b`, no `a` beside `a/b`, no long names.
    var keysArePaths: Bool { self == .local || isRclone }
    /// rclone splits `dir/` off and may make a file of it.
    var keepsMarkers: Bool { !isRclone }
    /// rclone does not look at conditions.
    var heedsConditions: Bool { !isRclone }
    /// radosgw 16.2 takes none on the target of a copy.
    var copiesOnConditions: Bool { self == .local }
    /// radosgw 16.2 compares times.
    var conditionalDelete: ConditionalDelete {
        self == .local ? .always : isRclone ? .no : .byTime
    }
    /// A directory keeps no content type and no metadata of other programs.
    var keepsMetadata: Bool { self != .local }

    /// rclone adds the metadata of a copy to that of its source.
    var replacesMetadata: Bool { !isRclone }

    private var isRclone: Bool { self == .rclone || self == .rcloneWithPrefix }

    /// A store with nothing in it.
    func make(
        _ change: (inout S3Limits) -> Void = { _ in }
    ) throws -> OpenStore {
        switch self {
        case .local:
            let directory = try TemporaryDirectory()
            return OpenStore(store: try LocalStore(directory: directory.path), keeping: directory)
        case .radosgw: return try s3(.radosgw, change)
        case .radosgwVirtualHostWithPrefix: return try s3(.radosgw, prefix: "a b/é", change)
        case .rclone: return try s3(.rclone, change)
        case .rcloneWithPrefix: return try s3(.rclone, prefix: "a b/c", change)
        }
    }

    private func s3(
        _ kind: S3Server.Kind,
        prefix: String? = nil,
        _ change: (inout S3Limits) -> Void
    ) throws -> OpenStore {
        let server = try S3Server.shared(kind)
        let isVirtual = kind == .radosgw && prefix != nil
        var configuration = S3Configuration(
            endpoint: isVirtual ? server.virtualEndpoint : server.endpoint,
            bucket: try server.makeBucket(),
            prefix: prefix ?? "",
            credentials: .keys(
                S3Credentials(accessKey: server.accessKey, secretKey: server.secretKey)
            ),
            pathStyle: !isVirtual
        )
        change(&configuration.limits)
        return OpenStore(store: try S3Store(configuration), keeping: nil)
    }
}

/// A store for the length of one test.
final class OpenStore: Sendable {
    let store: any Store
    private let directory: TemporaryDirectory?

    init(store: any Store, keeping directory: TemporaryDirectory?) {
        self.store = store
        self.directory = directory
    }

    deinit { store.close() }

    @discardableResult
    func put(
        _ key: Key,
        _ bytes: [UInt8],
        _ attributes: ObjectAttributes = ObjectAttributes(),
        _ condition: PutCondition = .none
    ) throws -> ObjectInfo {
        try store.put(
            key,
            body: ObjectBody(bytes),
            attributes: attributes,
            condition: condition
        )
    }

    @discardableResult
    func put(_ key: Key, _ text: String) throws -> ObjectInfo { try put(key, Array(text.utf8)) }

    func bytes(_ key: Key, _ range: Range<Int64>, ifMatch: String? = nil) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try store.get(key, range: range, ifMatch: ifMatch) { span throws(Errno) in
            span.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    func bytes(_ key: Key) throws -> [UInt8] {
        try bytes(key, 0..<store.head(key).size)
    }

    func text(_ key: Key) throws -> String { String(decoding: try bytes(key), as: UTF8.self) }

    /// Every page of a listing, one after the other.
    func pages(_ prefix: Key = "", delimited: Bool = false) throws -> [ListPage] {
        var pages = [try store.list(prefix: prefix, delimited: delimited, after: nil)]
        while let next = pages.last?.next {
            pages.append(try store.list(prefix: prefix, delimited: delimited, after: next))
        }
        return pages
    }

    /// The objects and prefixes of a listing, in the order they came.
    func keys(_ prefix: Key = "", delimited: Bool = false) throws -> [Key] {
        try pages(prefix, delimited: delimited).flatMap { page in
            (page.objects.map(\.key) + page.prefixes).sorted()
        }
    }

    /// The keys that are files: directories of a local store are objects, too.
    func fileKeys(_ prefix: Key = "", delimited: Bool = false) throws -> [Key] {
        try pages(prefix, delimited: delimited).flatMap { page in
            page.objects.map(\.key).filter { $0.text.utf8.last != UInt8(ascii: "/") }
        }
    }
}

extension Store {
    /// Deletes what lies under some keys, whichever versions these are.
    func delete(_ keys: [Key]) throws(StoreError) -> [(key: Key, error: StoreError)] {
        try delete(keys.map { ObjectVersion(key: $0, etag: nil) })
    }
}

/// What a body of this size and seed holds, byte by byte.
func sampleBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) }
    }
    return Array(bytes.prefix(count))
}
