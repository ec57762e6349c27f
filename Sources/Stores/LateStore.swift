public import Base

/// A store that could not be opened yet: each request tries again, until that succeeds.
///
/// So a backend is there, and says what is wrong with it, before its disk or its keys are.
public final class LateStore: Store {
    public typealias Opening = @Sendable () throws(StoreError) -> any Store

    private let opening: Opening
    private let store = Monitor<(any Store)?>(nil)

    public init(_ opening: @escaping Opening) { self.opening = opening }

    private var known: (any Store)? { store.withLock { $0 } }

    private func opened() throws(StoreError) -> any Store {
        if let known { return known }
        let made = try opening()
        // Of two that were opened at once, the first counts.
        return store.update { store in
            let kept = store ?? made
            store = kept
            return kept
        }
    }

    public var clockSkewSeconds: Double? { known?.clockSkewSeconds }

    public func list(
        prefix: Key,
        delimited: Bool,
        after position: ListPosition?
    ) throws(StoreError) -> ListPage {
        try opened().list(prefix: prefix, delimited: delimited, after: position)
    }

    public func head(_ key: Key) throws(StoreError) -> ObjectInfo { try opened().head(key) }

    public func get(
        _ key: Key,
        range: Range<Int64>,
        ifMatch: String?,
        sink: (RawSpan) throws(Errno) -> Void
    ) throws(StoreError) -> ObjectInfo {
        try opened().get(key, range: range, ifMatch: ifMatch, sink: sink)
    }

    public func put(
        _ key: Key,
        body: ObjectBody,
        attributes: ObjectAttributes,
        condition: PutCondition,
        trace: UploadTrace?
    ) throws(StoreError) -> ObjectInfo {
        try opened().put(
            key,
            body: body,
            attributes: attributes,
            condition: condition,
            trace: trace
        )
    }

    public func copy(
        _ source: Key,
        to target: Key,
        attributes: ObjectAttributes,
        condition: PutCondition,
        ifMatch: String?,
        trace: UploadTrace?
    ) throws(StoreError) -> ObjectInfo {
        try opened().copy(
            source,
            to: target,
            attributes: attributes,
            condition: condition,
            ifMatch: ifMatch,
            trace: trace
        )
    }

    public func abandon(_ upload: UploadRecord) throws(StoreError) { try opened().abandon(upload) }

    public func delete(
        _ versions: [ObjectVersion]
    ) throws(StoreError) -> [(key: Key, error: StoreError)] {
        try opened().delete(versions)
    }

    public func check() throws(StoreError) { try opened().check() }

    public func capabilities() throws(StoreError) -> Capabilities { try opened().capabilities() }

    public var knownCapabilities: Capabilities? { known?.knownCapabilities }

    public var keepsFiles: Bool { known?.keepsFiles ?? false }

    public func file(of key: Key, ifMatch: String) throws(StoreError) -> FileDescriptor? {
        try opened().file(of: key, ifMatch: ifMatch)
    }

    public func space() -> Space? { known?.space() }

    public func close() { known?.close() }
}
