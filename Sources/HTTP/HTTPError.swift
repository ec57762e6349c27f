public import Base

/// Why there is no complete answer to a request; a status of 400 or more is an answer.
///
/// The texts name hosts and conditions; they never hold headers, so no signature either.
public enum HTTPError: Error, Equatable, Sendable {
    /// No connection came about: name, address, port, TLS, socket file.
    case unreachable(String)
    /// A deadline passed: connecting, a stalled transfer, or the whole request.
    case timedOut(String)
    /// The connection broke, or the answer was cut short, or was no HTTP.
    case broken(String)
    /// The request cannot be sent as it is: a bad URL, a line break in a header.
    case invalid(String)
    /// A collected body grew past its limit.
    case tooLarge
    /// The caller's own sink or body failed.
    case aborted(Errno)
    /// The client was closed meanwhile.
    case closed

    /// Whether other connections to the same server may be dead as well.
    var isLossOfContact: Bool {
        switch self {
        case .unreachable, .timedOut: true
        default: false
        }
    }
}

extension HTTPError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreachable(let reason): reason
        case .timedOut(let reason): reason
        case .broken(let reason): "connection broken: \(reason)"
        case .invalid(let reason): "invalid request: \(reason)"
        case .tooLarge: "the answer is too large"
        case .aborted(let error): "aborted: \(error)"
        case .closed: "closed"
        }
    }
}
