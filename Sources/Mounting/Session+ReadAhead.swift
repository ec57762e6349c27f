import Base
import CFUSE
import Glibc

extension Session {
    /// Lets the kernel read ahead by one request of the largest size, where we may; once the mount answers.
    ///
    /// More was not faster: what comes after that is fetched ahead by the cache.
    public func widenReadAhead() {
        var status = stat()
        guard stat(mountPoint, &status) == 0 else { return }
        // As the kernel puts major and minor into one number.
        let device = UInt64(status.st_dev)
        let major = device >> 8 & 0xfff
        let minor = device & 0xff | device >> 12 & 0xfff00
        let path = "/sys/class/bdi/\(major):\(minor)/read_ahead_kb"
        let text = Array("\(Self.readAheadBytes >> 10)".utf8)
        let file = try? FileDescriptor(opening: path, flags: O_WRONLY)
        try? file?.write(text.span.bytes, at: 0)
    }

    private static let readAheadBytes = 1 << 20
}
