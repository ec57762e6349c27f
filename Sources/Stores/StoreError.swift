public import Base

/// Why a store did not do what it was asked.
public enum StoreError: Error, Equatable, Sendable {
    /// There is no such object.
    case missing
    /// The object is not the version that was asked for, or exists although it must not.
    case changed
    /// What was to be copied into a new object has been changed by someone else, or removed.
    case originChanged
    /// It was written so lately that the store does not yet tell it from what may take its place: in a
    /// second or two it will.
    case tooRecent
    /// Keys or signature are wrong, or the permission is missing; the text is the store's own code.
    case denied(String)
    /// There is no such bucket or directory.
    case noBucket(String)
    /// The store cannot hold more.
    case full
    /// The store cannot be told so: a key too long, an object too large.
    case invalid(String)
    /// Not reached, or it kept failing after the retries; trying later may help.
    case unavailable(String)
    /// The store's answer made no sense: wrong length, wrong range, an error page under status 200.
    case malformed(String)
    /// The caller's own sink or body failed.
    case aborted(Errno)

    /// The store has answered that it will not: to try again helps only if something else is changed.
    public var isRefusal: Bool {
        switch self {
        case .denied, .noBucket, .full, .invalid: true
        case .missing, .changed, .originChanged, .tooRecent, .unavailable, .malformed, .aborted:
            false
        }
    }
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missing: "no such object"
        case .changed: "the object was changed by someone else"
        case .originChanged: "the object that it was a change of was replaced by someone else"
        case .tooRecent: "the object was written a moment ago"
        case .denied(let code): "access denied (\(code))"
        case .noBucket(let name): "there is no bucket or directory \(name)"
        case .full: "the store is full"
        case .invalid(let reason): "the store refuses it: \(reason)"
        case .unavailable(let reason): "not reachable: \(reason)"
        case .malformed(let reason): "the store's answer is wrong: \(reason)"
        case .aborted(let error): "aborted: \(error)"
        }
    }
}
