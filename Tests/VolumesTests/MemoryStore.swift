import Base
import Stores
import Synchronization

/// Objects in memory, listed as S3 lists them in pages of a few, with a count of what was asked.
final class MemoryStore: Store {
    struct Object: Equatable {
        var bytes: [UInt8]
        var attributes = ObjectAttributes()
        var etag: String
    }

    private struct State {
        var objects: [Key: Object] = [:]
        var etags = 0
        var asked: [String] = []
        /// The next write takes effect, and its answer is lost, as are all others until it is back.
        var isLeaving = false
        var isGone = false
        /// Listings after so many more fail.
        var listingsLeft = Int.max
        /// Done by somebody else right before the next request of a method.
        var intrusion: (method: String, body: @Sendable (MemoryStore) -> Void)?
    }

    private let state = Mutex(State())
    private let pageKeys: Int
    private let isInRanges: Bool
    private let copiesOnConditions: Bool

    /// - Parameters:
    ///   - isInRanges: what its listings claim; they always are.
    ///   - copiesOnConditions: heeds conditions on copies, or ignores them.
    init(pageKeys: Int = 7, isInRanges: Bool = true, copiesOnConditions: Bool = true) {
        self.pageKeys = pageKeys
        self.isInRanges = isInRanges
        self.copiesOnConditions = copiesOnConditions
    }

    var keys: Set<Key> { state.withLock { Set($0.objects.keys) } }

    /// The keys of what is no directory's own object.
    var files: Set<Key> { keys.filter { !$0.text.hasSuffix("/") } }

    /// What was asked since the last time, as `LIST`, `HEAD` and `GET`.
    func takeAsked() -> [String] {
        state.withLock { state in
            defer { state.asked = [] }
            return state.asked
        }
    }

    /// Lets somebody else do something at the last moment before the next request of this method.
    func before(_ method: String, _ body: @escaping @Sendable (MemoryStore) -> Void) {
        state.withLock { $0.intrusion = (method, body) }
    }

    private func begin(_ method: String) {
        let intrusion = state.withLock { state in
            state.asked.append(method)
            guard let intrusion = state.intrusion, intrusion.method == method else {
                return nil as (@Sendable (MemoryStore) -> Void)?
            }
            state.intrusion = nil
            return intrusion.body
        }
        intrusion?(self)
    }

    func leave() { state.withLock { $0.isGone = true } }

    func goWithTheNextWrite() { state.withLock { $0.isLeaving = true } }

    func comeBack() {
        state.withLock { state in
            state.isLeaving = false
            state.isGone = false
        }
    }

    func bytes(of key: Key) -> [UInt8]? { state.withLock { $0.objects[key]?.bytes } }

    func attributes(of key: Key) -> ObjectAttributes? {
        state.withLock { $0.objects[key]?.attributes }
    }

    func failListings(after count: Int) { state.withLock { $0.listingsLeft = count } }

    func set(_ key: Key, _ bytes: [UInt8]?, _ attributes: ObjectAttributes = ObjectAttributes()) {
        state.withLock { state in
            state.etags += 1
            state.objects[key] = bytes.map {
                Object(bytes: $0, attributes: attributes, etag: "e\(state.etags)")
            }
        }
    }

    func list(
        prefix: Key,
        delimited: Bool,
        after position: ListPosition?
    ) throws(StoreError) -> ListPage {
        begin("LIST")
        let objects = try state.withLock { state throws(StoreError) in
            state.listingsLeft -= 1
            guard state.listingsLeft >= 0 else { throw .unavailable("broken") }
            return state.objects
        }
        var page = Self.page(
            of: objects.keys.sorted(),
            prefix: prefix,
            delimited: delimited,
            after: position,
            limit: pageKeys
        ) { Self.info($0, objects[$0], listed: true) }
        page.isInRanges = isInRanges
        return page
    }

    /// - Parameter keys: sorted.
    static func page(
        of keys: [Key],
        prefix: Key,
        delimited: Bool,
        after position: ListPosition?,
        limit: Int,
        info: (Key) -> ObjectInfo
    ) -> ListPage {
        var page = ListPage(objects: [], prefixes: [], next: nil)
        var last: Key?
        for key in keys where key.text.utf8.starts(with: prefix.text.utf8) {
            switch position {
            case .key(let start): if key <= start { continue }
            case .token(let token):
                if key <= Key(token) { continue }
                if token.utf8.last == 47, delimited, token != prefix.text,
                    key.text.utf8.starts(with: token.utf8)
                {
                    continue
                }
            case nil: break
            }
            let slash = key.text.utf8.dropFirst(prefix.text.utf8.count).firstIndex(of: 47)
            let folder = slash.map { Key(String(decoding: key.text.utf8[...$0], as: UTF8.self)) }
            if delimited, let folder, page.prefixes.last == folder { continue }
            if page.objects.count + page.prefixes.count == limit {
                page.next = last.map { .token($0.text) }
                break
            }
            if delimited, let folder {
                page.prefixes.append(folder)
                last = folder
            } else {
                page.objects.append(info(key))
                last = key
            }
        }
        return page
    }

    private static func info(_ key: Key, _ object: Object?, listed: Bool) -> ObjectInfo {
        ObjectInfo(
            key: key,
            size: Int64(object?.bytes.count ?? 0),
            etag: object?.etag ?? "",
            modified: Timestamp(seconds: 1_600_000_000),
            attributes: listed ? nil : object?.attributes
        )
    }

    private func object(_ key: Key, _ method: String) throws(StoreError) -> Object {
        begin(method)
        let object = try state.withLock { state throws(StoreError) in
            if state.isGone { throw .unavailable("gone") }
            return state.objects[key]
        }
        guard let object else { throw .missing }
        return object
    }

    func head(_ key: Key) throws(StoreError) -> ObjectInfo {
        Self.info(key, try object(key, "HEAD"), listed: false)
    }

    func get(
        _ key: Key,
        range: Range<Int64>,
        ifMatch: String?,
        sink: (RawSpan) throws(Errno) -> Void
    ) throws(StoreError) -> ObjectInfo {
        let object = try object(key, "GET")
        if let ifMatch, ifMatch != object.etag { throw .changed }
        guard range.upperBound <= Int64(object.bytes.count) else { throw .invalid("too far") }
        let part = Array(object.bytes[Int(range.lowerBound)..<Int(range.upperBound)])
        do throws(Errno) { try sink(part.span.bytes) } catch { throw .aborted(error) }
        return Self.info(key, object, listed: false)
    }

    func put(
        _ key: Key,
        body: ObjectBody,
        attributes: ObjectAttributes,
        condition: PutCondition,
        trace: UploadTrace?
    ) throws(StoreError) -> ObjectInfo {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try Base.bytes(count: Int(body.size)) { (output) throws(Errno) in
                try body.read(&output, 0)
            }
        } catch {
            throw .aborted(error)
        }
        begin("PUT")
        return try write(key, bytes, attributes, condition)
    }

    private func write(
        _ key: Key,
        _ bytes: [UInt8],
        _ attributes: ObjectAttributes,
        _ condition: PutCondition
    ) throws(StoreError) -> ObjectInfo {
        let written = try state.withLock { state throws(StoreError) -> Object? in
            if state.isGone { throw .unavailable("gone") }
            let etag = state.objects[key]?.etag
            switch condition {
            case .none: break
            case .absent: if etag != nil { throw .changed }
            case .matches(let expected): if etag != expected { throw .changed }
            }
            state.etags += 1
            let new = Object(bytes: bytes, attributes: attributes, etag: "e\(state.etags)")
            state.objects[key] = new
            state.isGone = state.isLeaving
            return state.isGone ? nil : new
        }
        guard let written else { throw .unavailable("the answer is lost") }
        return Self.info(key, written, listed: false)
    }

    func copy(
        _ source: Key,
        to target: Key,
        attributes: ObjectAttributes,
        condition: PutCondition,
        ifMatch: String?,
        trace: UploadTrace?
    ) throws(StoreError) -> ObjectInfo {
        guard let object = state.withLock({ $0.objects[source] }) else { throw .missing }
        if let ifMatch, ifMatch != object.etag { throw .originChanged }
        begin("COPY")
        // As radosgw does: what is there by now.
        guard let now = state.withLock({ $0.objects[source] }) else { throw .missing }
        let written = copiesOnConditions ? condition : .none
        let info = try write(target, now.bytes, attributes, written)
        if now.etag != object.etag, source != target { throw .originChanged }
        return info
    }

    func delete(
        _ versions: [ObjectVersion]
    ) throws(StoreError) -> [(key: Key, error: StoreError)] {
        begin("DELETE")
        return try state.withLock { state throws(StoreError) in
            if state.isGone { throw .unavailable("gone") }
            var failures: [(key: Key, error: StoreError)] = []
            for version in versions {
                if let etag = version.etag, let object = state.objects[version.key],
                    object.etag != etag
                {
                    failures.append((version.key, .changed))
                } else {
                    state.objects[version.key] = nil
                }
            }
            return failures
        }
    }

    func abandon(_ upload: UploadRecord) throws(StoreError) {}

    func check() throws(StoreError) {
        if state.withLock({ $0.isGone }) { throw .unavailable("gone") }
    }

    var knownCapabilities: Capabilities? { nil }

    func capabilities() throws(StoreError) -> Capabilities {
        Capabilities(
            conditionalPut: true,
            conditionalCopy: copiesOnConditions,
            conditionalDelete: .always,
            directoryMarkers: true,
            metadata: true
        )
    }

    func space() -> Space? { nil }

    func close() {}
}
