import Glibc

/// The kernel's switch for FUSE over io_uring (Linux 6.14); it is off until an administrator, or root, turns it on.
public enum IOUringSwitch {
    public static let path = "/sys/module/fuse/parameters/enable_uring"

    /// - Throws: ENOENT where the kernel has none, or FUSE was not used yet.
    public static func isOn() throws(Errno) -> Bool {
        let file = try FileDescriptor(opening: path, flags: O_RDONLY)
        return try file.contents(limitBytes: 16).first == UInt8(ascii: "Y")
    }

    public static func turnOn() throws(Errno) {
        let file = try FileDescriptor(opening: path, flags: O_WRONLY)
        try file.write([UInt8(ascii: "Y")].span.bytes, at: 0)
    }
}
