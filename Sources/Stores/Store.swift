public import Base

/// A place that keeps objects: a bucket, a directory.
///
/// Every method runs on the calling thread, may block it until the store's deadline has passed, and
/// may be called from many threads at once. Keys are relative to the store's prefix. What a method
/// has returned from is durable by the store's own promise.
public protocol Store: Sendable {
    /// Seconds by which the store's clock was ahead of ours when it last told the time, if it does.
    var clockSkewSeconds: Double? { get }

    /// Counts the requests, where the store lies behind a network.
    var requests: RequestMeter? { get }

    /// One page of the objects whose key starts with `prefix`, in byte order of the keys.
    ///
    /// - Parameters:
    ///   - delimited: folds keys with a further `/` into `ListPage.prefixes`, as a directory shows.
    ///   - position: `ListPage.next` of the page before, or any key; `nil` for the first page.
    func list(
        prefix: Key,
        delimited: Bool,
        after position: ListPosition?
    ) throws(StoreError) -> ListPage

    /// What the store tells of an object without its bytes; `StoreError.missing` if there is none.
    func head(_ key: Key) throws(StoreError) -> ObjectInfo

    /// Reads a range of an object, and hands its bytes to `sink` in order as they arrive.
    ///
    /// Returns what the answer told of the object besides. Checked before `sink` sees a byte: status,
    /// range, and that `ifMatch` (an ETag) still holds.
    /// A range past the end is an error. A transfer that breaks is taken up again where it broke;
    /// `sink` never sees a byte twice. An error that `sink` throws ends the transfer and is passed on
    /// as `StoreError.aborted`.
    @discardableResult
    func get(
        _ key: Key,
        range: Range<Int64>,
        ifMatch: String?,
        sink: (RawSpan) throws(Errno) -> Void
    ) throws(StoreError) -> ObjectInfo

    /// Writes a whole object, in one request or many, replacing what was there at once or not at all.
    ///
    /// What `body` has from its origin may be copied there, and is then not read here.
    ///
    /// - Parameter trace: remembers an upload in parts; without it, a crash leaves them in the store.
    func put(
        _ key: Key,
        body: ObjectBody,
        attributes: ObjectAttributes,
        condition: PutCondition,
        trace: UploadTrace?
    ) throws(StoreError) -> ObjectInfo

    /// Copies an object within the store without moving its bytes through here.
    ///
    /// - Parameters:
    ///   - attributes: what the copy gets in place of the source's own; `source == target` changes
    ///     the attributes of an object where it lies.
    ///   - condition: of what lies at the target, as for `put`.
    ///   - ifMatch: the ETag the source must have, else `StoreError.originChanged`.
    ///   - trace: as for `put`.
    func copy(
        _ source: Key,
        to target: Key,
        attributes: ObjectAttributes,
        condition: PutCondition,
        ifMatch: String?,
        trace: UploadTrace?
    ) throws(StoreError) -> ObjectInfo

    /// Ends an upload in parts that nobody will complete; one that is gone counts as ended.
    func abandon(_ upload: UploadRecord) throws(StoreError)

    /// Deletes objects, 1,000 at most per call; one that does not exist counts as deleted.
    ///
    /// Returns those that could not be deleted, each with its reason: `changed` if it is another version
    /// than was named, `tooRecent` if the store will be able to tell in a moment only.
    func delete(_ versions: [ObjectVersion]) throws(StoreError) -> [(key: Key, error: StoreError)]

    /// Checks address, keys and bucket with one cheap request, for a clear error at start.
    func check() throws(StoreError)

    /// What this store can do beyond the basics; probed with real requests at first use and kept.
    ///
    /// Probing writes and deletes an object under a name that starts with `.gosync-probe-`.
    func capabilities() throws(StoreError) -> Capabilities

    /// The same as far as it is known by now, without asking.
    var knownCapabilities: Capabilities? { get }

    /// Whether every object is a file of this machine, which `file` opens.
    var keepsFiles: Bool { get }

    /// Opens the file that an object is, for reading; `changed` if its ETag is another by now.
    ///
    /// `nil` where there is none, or it is no regular one.
    func file(of key: Key, ifMatch: String) throws(StoreError) -> FileDescriptor?

    /// Bytes free for new objects, where the store knows: a bucket does not, a directory does.
    func space() -> Space?

    /// Ends idle connections. The store must not be used afterwards.
    func close()
}

extension Store {
    public var keepsFiles: Bool { false }

    public var requests: RequestMeter? { nil }

    public func file(of key: Key, ifMatch: String) throws(StoreError) -> FileDescriptor? { nil }
}

/// The size of what holds a store, in bytes.
public struct Space: Equatable, Sendable {
    public var total: Int64
    public var free: Int64

    public init(total: Int64, free: Int64) {
        self.total = total
        self.free = free
    }
}

/// An object as it is known, so that no other is meant.
public struct ObjectVersion: Equatable, Sendable {
    public var key: Key
    /// `nil` if it does not matter which version lies there.
    public var etag: String?

    public init(key: Key, etag: String?) {
        self.key = key
        self.etag = etag
    }
}

/// What a store was seen to do.
public struct Capabilities: Equatable, Sendable {
    /// `PutCondition` is honoured by the store itself, atomically; elsewhere `put` asks first.
    public var conditionalPut: Bool
    /// The same for the target of a copy; elsewhere `copy` asks right before.
    public var conditionalCopy: Bool
    /// How certain it is that `delete` takes away no other version than was named.
    public var conditionalDelete: ConditionalDelete
    /// An object named `dir/` is kept and listed, so an empty directory can be one.
    public var directoryMarkers: Bool
    /// The user metadata of an object comes back as it was sent.
    public var metadata: Bool

    public init(
        conditionalPut: Bool,
        conditionalCopy: Bool,
        conditionalDelete: ConditionalDelete,
        directoryMarkers: Bool,
        metadata: Bool
    ) {
        self.conditionalPut = conditionalPut
        self.conditionalCopy = conditionalCopy
        self.conditionalDelete = conditionalDelete
        self.directoryMarkers = directoryMarkers
        self.metadata = metadata
    }
}

/// How a store keeps a deletion from another version than was meant.
public enum ConditionalDelete: String, Equatable, Sendable {
    /// It does not: it is asked right before.
    case no
    /// It compares times to the second, of objects that are deleted one by one; of many, it is asked before.
    case byTime
    /// It compares versions, of objects that are deleted one by one; of many, it is asked before.
    case one
    /// It compares versions, always.
    case always
}

/// What must hold for a `put` to take place, else `StoreError.changed`.
public enum PutCondition: Equatable, Sendable {
    case none
    /// Nobody has made an object of this key.
    case absent
    /// The object is still the one with this ETag.
    case matches(String)
}

/// The bytes of a new object, readable again from any offset, because a request may be repeated.
public struct ObjectBody: Sendable {
    public typealias Read =
        @Sendable (_ output: inout OutputRawSpan, _ offset: Int64) throws(Errno) -> Void

    public let size: Int64
    /// Where the store has most of the bytes already, if it does.
    public var origin: ObjectOrigin?
    /// Fills the free capacity of the span with the bytes from the offset, or throws.
    public let read: Read
    /// The same where all bytes are at hand, for a look at them that sends none.
    ///
    /// They may be others by the time they are sent.
    public var readAhead: Read?

    public init(
        size: Int64,
        origin: ObjectOrigin? = nil,
        readAhead: Read? = nil,
        read: @escaping Read
    ) {
        self.size = size
        self.origin = origin
        self.readAhead = readAhead
        self.read = read
    }

    public init(_ bytes: [UInt8]) {
        self.init(size: Int64(bytes.count)) { output, offset in
            let end = min(bytes.count, Int(offset) + output.freeCapacity)
            unsafe output.append(contentsOf: bytes.span.bytes.extracting(Int(offset)..<end))
        }
        readAhead = read
    }
}

/// An object of the same store that has many of the bytes of one that is to be written.
public struct ObjectOrigin: Equatable, Sendable {
    public var key: Key
    public var etag: String
    /// Where both have the same bytes, in order and apart from each other.
    ///
    /// A store that copies them by itself does so from this very version, else
    /// `StoreError.originChanged`.
    public var unchanged: [Range<Int64>]

    public init(key: Key, etag: String, unchanged: [Range<Int64>]) {
        self.key = key
        self.etag = etag
        self.unchanged = unchanged
    }
}

/// One object as the store describes it.
public struct ObjectInfo: Equatable, Sendable {
    public var key: Key
    public var size: Int64
    /// Names the version: without quotes, and different whenever the bytes are.
    public var etag: String
    /// When the store last wrote the object, to the second or better.
    public var modified: Timestamp
    /// `nil` where the answer did not tell (a listing of a bucket); what is absent is empty.
    public var attributes: ObjectAttributes?

    public init(
        key: Key,
        size: Int64,
        etag: String,
        modified: Timestamp,
        attributes: ObjectAttributes? = nil
    ) {
        self.key = key
        self.size = size
        self.etag = etag
        self.modified = modified
        self.attributes = attributes
    }
}

/// POSIX attributes that travel with an object, as s3fs and rclone write them.
public struct ObjectAttributes: Equatable, Sendable {
    /// Type and permission bits, as `st_mode`.
    public var mode: UInt32?
    public var owner: UInt32?
    public var group: UInt32?
    public var modified: Timestamp?
    public var contentType: String?
    /// User metadata of other programs, kept when the object is written again; names in lower case,
    /// without `x-amz-meta-`.
    public var other: [String: String]

    public init(
        mode: UInt32? = nil,
        owner: UInt32? = nil,
        group: UInt32? = nil,
        modified: Timestamp? = nil,
        contentType: String? = nil,
        other: [String: String] = [:]
    ) {
        self.mode = mode
        self.owner = owner
        self.group = group
        self.modified = modified
        self.contentType = contentType
        self.other = other
    }
}

/// A part of a listing.
public struct ListPage: Equatable, Sendable {
    public var objects: [ObjectInfo]
    /// Common prefixes, each ending in `/`.
    public var prefixes: [Key]
    /// Continues the listing; `nil` after the last page.
    public var next: ListPosition?
    /// The store keeps byte order over all pages and can begin behind any key, so that parts of one
    /// listing may be asked for at once.
    public var isInRanges = false

    public init(objects: [ObjectInfo], prefixes: [Key], next: ListPosition?) {
        self.objects = objects
        self.prefixes = prefixes
        self.next = next
    }
}

/// Behind what a page of a listing begins.
public enum ListPosition: Equatable, Sendable {
    /// Any key, whether there is an object of it or not; its own is not shown again.
    case key(Key)
    /// What the store itself called the end of the page before.
    case token(String)
}

extension Store {
    public var clockSkewSeconds: Double? { nil }
}
