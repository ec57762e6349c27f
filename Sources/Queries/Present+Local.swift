public import Base
import Glibc

extension Present {
    /// With the calendar of this machine's time zone.
    public static func local(_ now: Timestamp = .now()) -> Present {
        Present(now: now) { seconds in
            var time = time_t(seconds)
            var parts = unsafe tm()
            guard unsafe localtime_r(&time, &parts) != nil else { return 0 }
            return unsafe parts.tm_gmtoff
        }
    }
}
