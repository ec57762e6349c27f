import HTTP

/// What a server was seen to do, in more detail than callers need.
struct ProbedCapabilities: Sendable {
    /// On what lies where an object is put.
    var puts = HeededConditions()
    /// On what lies where a copy goes to.
    var copies = HeededConditions()
    var deletes = DeleteForm.ignored
    var directoryMarkers = false
    var metadata = false
    var etagIsMD5 = false
    /// Takes bodies that are not part of the signature.
    var unsignedBodies = false

    var capabilities: Capabilities {
        Capabilities(
            conditionalPut: puts.areAllHeeded,
            conditionalCopy: copies.areAllHeeded,
            conditionalDelete: deletes.capability,
            directoryMarkers: directoryMarkers,
            metadata: metadata
        )
    }
}

/// How `If-Match` must be written to be understood.
enum MatchForm: Sendable {
    case ignored
    case quoted
    /// radosgw 16.2 compares with the quotes, and so refuses the proper form always.
    case bare

    func text(_ etag: String) -> String { self == .quoted ? "\"\(etag)\"" : etag }
}

/// Which conditions a server heeds in one kind of request.
struct HeededConditions: Sendable {
    var ifMatch = MatchForm.ignored
    var ifNoneMatch = false

    var areAllHeeded: Bool { ifMatch != .ignored && ifNoneMatch }

    func heeds(_ condition: PutCondition) -> Bool {
        switch condition {
        case .none: true
        case .absent: ifNoneMatch
        case .matches: ifMatch != .ignored
        }
    }
}

/// How a server can be kept from deleting another version than is meant.
enum DeleteForm: Equatable, Sendable {
    case ignored
    /// radosgw compares the time of the object, to the second; not for many in one request.
    case byTime
    case byVersion(MatchForm, inBatches: Bool)

    static let timeHeader = "x-amz-delete-if-unmodified-since"

    /// Only where each object is deleted by a request of its own.
    var isOneByOne: Bool { self != .ignored && matchInBatches == nil }

    var matchInBatches: MatchForm? {
        if case .byVersion(let form, inBatches: true) = self { return form }
        return nil
    }

    var capability: ConditionalDelete {
        switch self {
        case .ignored: .no
        case .byTime: .byTime
        case .byVersion(_, let inBatches): inBatches ? .always : .one
        }
    }
}

extension HTTPHeaders {
    /// A condition in the form the server understands; nothing if it understands none.
    init(_ condition: PutCondition, _ heeded: HeededConditions?) {
        self.init()
        guard let heeded, heeded.heeds(condition) else { return }
        switch condition {
        case .none: break
        case .absent: self["If-None-Match"] = "*"
        case .matches(let etag): self["If-Match"] = heeded.ifMatch.text(etag)
        }
    }
}
