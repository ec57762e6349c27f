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
    }

    private let state = Mutex(State())
    private let pageKeys: Int
    private let isInRanges: Bool

    /// - Parameter isInRanges: what its listings claim; they always are.
    init(pageKeys: Int = 7, isInRanges: Bool = true) {
        self.pageKeys = pageKeys
        self.isInRanges = isInRanges
    }

    var keys: Set<Key> { state.withLock { Set($0.objects.keys) } }

    /// What was asked since the last time, as `LIST`, `HEAD` and `GET`.
    func takeAsked() -> [String] {
        state.withLock { state in
            defer { state.asked = [] }
            return state.asked
        }
    }

    func goWithTheNextWrite() { state.withLock { $0.isLeaving = true } }

    func comeBack() {
        state.withLock { state in
            state.isLeaving = false
            state.isGone = false
        }
    }

    func bytes(of key: Key) -> [UInt8]? { state.withLock { $0.objects[key]?.bytes } }

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
        let objects = try state.withLock { state throws(StoreError) in
            state.asked.append("LIST")
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
        let object = try state.withLock { state throws(StoreError) in
            state.asked.append(method)
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
        let isLost = try state.withLock { state throws(StoreError) in
            state.asked.append("PUT")
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
            return state.isGone
        }
        if isLost { throw .unavailable("the answer is lost") }
        return try head(key)
    }

    func copy(
        _ source: Key,
        to target: Key,
        attributes: ObjectAttributes,
        ifMatch: String?,
        trace: UploadTrace?
    ) throws(StoreError) -> ObjectInfo {
        throw .denied("this store is only read")
    }

    func delete(_ keys: [Key]) throws(StoreError) -> [(key: Key, error: StoreError)] {
        try state.withLock { state throws(StoreError) in
            state.asked.append("DELETE")
            if state.isGone { throw .unavailable("gone") }
            for key in keys { state.objects[key] = nil }
        }
        return []
    }

    func abandon(_ upload: UploadRecord) throws(StoreError) {}

    func check() throws(StoreError) {
        if state.withLock({ $0.isGone }) { throw .unavailable("gone") }
    }

    func capabilities() throws(StoreError) -> Capabilities {
        Capabilities(conditionalPut: true, directoryMarkers: true, metadata: true)
    }

    func space() -> Space? { nil }

    func close() {}
}
