import Base
import Metadata
import Stores

extension Errno {
    /// What a program is told when a store did not do what it was asked.
    init(_ error: StoreError) {
        self =
            switch error {
            case .missing: .noEntry
            case .changed, .originChanged: .stale
            case .tooRecent: .ioError
            case .denied: .accessDenied
            case .noBucket: .ioError
            case .full: .noSpace
            case .invalid: .invalid
            case .unavailable: .ioError
            case .malformed: .ioError
            case .aborted(let errno): errno
            }
    }
}
