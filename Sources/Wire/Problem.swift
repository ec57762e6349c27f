/// Why a request failed: problem details as RFC 9457 has them.
public struct Problem: Message, Error {
    public static let contentType = "application/problem+json"

    public var status: Int
    /// The same for every problem of this kind.
    public var title: String
    /// What happened to which path, and what to do about it.
    public var detail: String

    public init(_ kind: Kind, _ detail: String) {
        status = kind.rawValue
        title = kind.title
        self.detail = detail
    }

    /// The kinds of problem, each with its HTTP status.
    public enum Kind: Int, CaseIterable, Sendable {
        case malformed = 400
        case forbidden = 403
        case notFound = 404
        case wrongMethod = 405
        case conflict = 409
        case tooLarge = 413
        case outOfRange = 416
        case unusable = 422
        case failed = 500
        case unavailable = 503
        case timedOut = 504
        case full = 507

        var title: String {
            switch self {
            case .malformed: "The request makes no sense"
            case .forbidden: "Not allowed"
            case .notFound: "Not found"
            case .wrongMethod: "Not possible with this resource"
            case .conflict: "In the way of something that exists"
            case .tooLarge: "The request is too large"
            case .outOfRange: "The file does not reach that far"
            case .unusable: "A value cannot be used"
            case .failed: "It failed"
            case .unavailable: "Not reachable now"
            case .timedOut: "It took too long"
            case .full: "No space left"
            }
        }
    }
}
