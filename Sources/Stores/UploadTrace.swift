public import Base

/// An upload in parts that was begun: enough to go on with it, or to end it, after a crash.
public struct UploadRecord: Equatable, Sendable {
    public var key: Key
    /// What the store calls it; empty until it has told.
    public var id: String
    /// Of what it was begun for: with another size, part size or attributes it cannot go on.
    public var fingerprint: String

    public init(key: Key, id: String, fingerprint: String) {
        self.key = key
        self.id = id
        self.fingerprint = fingerprint
    }

    /// Whether the store has told its id; else it may have been begun, or not.
    public var isKnown: Bool { !id.isEmpty }
}

/// How a store remembers an upload in parts while it is under way.
///
/// Order: `note` is durable before an upload is begun, without its id, and with it before the first part is sent. So parts that lie in the store for nothing
/// can always be found, and what an earlier try has sent need not be sent again.
public struct UploadTrace: Sendable {
    /// What an earlier try left under way.
    public var earlier: UploadRecord?
    public var note: @Sendable (UploadRecord) throws(StoreError) -> Void

    public init(
        earlier: UploadRecord?,
        note: @escaping @Sendable (UploadRecord) throws(StoreError) -> Void
    ) {
        self.earlier = earlier
        self.note = note
    }
}

extension Store {
    /// Writes an object of which nobody remembers what a crash leaves.
    public func put(
        _ key: Key,
        body: ObjectBody,
        attributes: ObjectAttributes,
        condition: PutCondition
    ) throws(StoreError) -> ObjectInfo {
        try put(key, body: body, attributes: attributes, condition: condition, trace: nil)
    }

    /// Copies an object; nobody remembers what a crash leaves.
    public func copy(
        _ source: Key,
        to target: Key,
        attributes: ObjectAttributes,
        condition: PutCondition = .none,
        ifMatch: String?
    ) throws(StoreError) -> ObjectInfo {
        try copy(
            source,
            to: target,
            attributes: attributes,
            condition: condition,
            ifMatch: ifMatch,
            trace: nil
        )
    }
}
