public import Base
public import Wire

extension Problem {
    /// What a failed call on a path means to the person who asked for it.
    public init(_ error: Errno, path: String) {
        let kind: Kind
        let detail: String
        switch error {
        case .noEntry: (kind, detail) = (.notFound, "there is no such file or directory")
        case .noData: (kind, detail) = (.notFound, "it has no such tag")
        case .notDirectory: (kind, detail) = (.unusable, "it is not a directory")
        case .isDirectory: (kind, detail) = (.unusable, "it is a directory")
        case .exists: (kind, detail) = (.conflict, "it exists already")
        case .notEmpty: (kind, detail) = (.conflict, "it is not empty")
        case .crossDevice:
            let advice = "copy it, and remove the old one"
            (kind, detail) = (.unusable, "a rename stays within one backend; \(advice)")
        case .stale:
            (kind, detail) = (.conflict, "somebody else has just changed or removed it; try again")
        case .readOnly: (kind, detail) = (.forbidden, "its backend is read-only")
        case .notPermitted: (kind, detail) = (.forbidden, "this is not possible here")
        case .accessDenied:
            (kind, detail) = (.forbidden, "the store refuses access; check the keys")
        case .invalid: (kind, detail) = (.unusable, "the value makes no sense")
        case .range, .argumentTooBig, .tooLarge, .tooLongName:
            (kind, detail) = (.unusable, "the name or value is too long")
        case .noSpace: (kind, detail) = (.full, "there is no space left; free some and try again")
        case .timedOut: (kind, detail) = (.timedOut, "the store did not answer in time; try again")
        case .busy, .tryAgain: (kind, detail) = (.unavailable, "it is busy; try again")
        case .ioError:
            let advice = "its backend may be unreachable; 'gosync status' tells"
            (kind, detail) = (.unavailable, "it cannot be read or written now; \(advice)")
        default: (kind, detail) = (.failed, "\(error)")
        }
        self.init(kind, "\(path): \(detail)")
    }
}
