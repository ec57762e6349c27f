import Glibc

/// The name of this machine, as `hostname` prints it.
public func hostName() -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard gethostname(buffer.baseAddress!, buffer.count - 1) == 0 else { return "localhost" }
        buffer[buffer.count - 1] = 0
        return String(cString: buffer.baseAddress!)
    }
}

/// The memory that this machine has.
public func physicalMemoryBytes() -> Int64 {
    Int64(sysconf(CInt(_SC_PHYS_PAGES))) * Int64(sysconf(CInt(_SC_PAGESIZE)))
}

/// Lets this process have as many files open as it may allow itself.
public func raiseDescriptorLimit() {
    guard var limit = descriptorLimit() else { return }
    limit.rlim_cur = limit.rlim_max
    // A failure leaves the limit that there was.
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Whether a descriptor that was just opened is one of the last that this process may have.
///
/// Those are for what must go on whatever programs do: connections, the database, the kernel's requests.
/// The system gives the lowest number that is free, so a high one tells that all below are taken.
public func isReserved(descriptor: CInt) -> Bool {
    guard let limit = descriptorLimit() else { return false }
    return rlim_t(descriptor) >= limit.rlim_cur - min(reservedDescriptors, limit.rlim_cur / 2)
}

private let reservedDescriptors: rlim_t = 512

private func descriptorLimit() -> rlimit? {
    var limit = rlimit()
    return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? limit : nil
}

extension Timestamp {
    /// The moment as `20261120T201425Z`, which is legal in a file name everywhere.
    public var compactUTC: String {
        var seconds = time_t(self.seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let two = { (value: CInt) in value < 10 ? "0\(value)" : "\(value)" }
        let date = "\(parts.tm_year + 1900)" + two(parts.tm_mon + 1) + two(parts.tm_mday)
        return date + "T" + two(parts.tm_hour) + two(parts.tm_min) + two(parts.tm_sec) + "Z"
    }
}
