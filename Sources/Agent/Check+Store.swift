import Base
public import Stores
public import Wire

extension Check {
    /// Asks a store whether it answers, takes the keys and has the bucket; takes as long as its deadline.
    public init(backend name: String, _ store: any Store) {
        let subject = "backend \(name)"
        let start = monotonicSeconds()
        do throws(StoreError) {
            try store.check()
            let taken = Int((monotonicSeconds() - start) * 1000)
            let skew = Int((store.clockSkewSeconds ?? 0).rounded())
            guard abs(skew) < Self.noticeableSkewSeconds else {
                let finding =
                    "answers, but its clock is \(abs(skew)) s \(skew > 0 ? "ahead" : "behind")"
                self.init(subject, .warning, finding, advice: Self.clockAdvice)
                return
            }
            self.init(subject, .ok, "answers in \(taken) ms")
        } catch {
            self.init(subject, .failure, "\(error)", advice: Self.advice(error, name))
        }
    }

    /// Signatures are refused beyond a quarter of an hour; times of files are wrong before that.
    private static let noticeableSkewSeconds = 60
    private static let clockAdvice =
        "set the clock of this machine, or of the server: 'timedatectl' tells"

    private static func advice(_ error: StoreError, _ name: String) -> String? {
        switch error {
        case .denied(let code) where code.contains("TimeTooSkewed"): clockAdvice
        case .denied: "check the keys of [backend \(name)], and what they permit"
        case .noBucket: "make it, or correct 'bucket' or 'path' of [backend \(name)]"
        case .unavailable:
            "check 'endpoint' of [backend \(name)], the network, and that the server runs"
        case .malformed: "check that 'endpoint' of [backend \(name)] is an S3 server"
        default: nil
        }
    }
}
