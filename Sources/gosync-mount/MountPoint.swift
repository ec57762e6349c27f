import Base
import Glibc
import Mounting

/// Whether a directory can be mounted on, with an error that says what to do.
enum MountPoint {
    /// Returns the absolute path of the directory.
    static func check(_ path: String) throws(MountError) -> String {
        let whole: String
        do throws(Errno) {
            whole = try realPath(path)
        } catch {
            switch error {
            case .noEntry:
                throw MountError("\(path): no such directory; make it first: mkdir -p '\(path)'")
            case Errno(ENOTCONN):
                throw MountError(
                    "\(path): a mount whose daemon has died; first: fusermount3 -uz '\(path)'"
                )
            default: throw MountError("\(path): \(error)")
            }
        }
        var status = stat()
        guard stat(whole, &status) == 0 else { throw MountError("\(whole): \(Errno.current)") }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw MountError("\(whole): not a directory")
        }
        guard !isMounted(whole) else {
            throw MountError(
                "\(whole): something is mounted here already; unmount it first: fusermount3 -u '\(whole)'"
            )
        }
        guard access("/dev/fuse", R_OK | W_OK) == 0 else {
            let reason =
                errno == ENOENT
                ? "there is no /dev/fuse; load it first: modprobe fuse"
                : "/dev/fuse may not be opened: \(Errno.current)"
            throw MountError(reason)
        }
        guard getuid() == 0 || access("/usr/bin/fusermount3", X_OK) == 0 else {
            throw MountError("fusermount3 is missing; first: apt-get install fuse3")
        }
        return whole
    }

    /// Whether the directory is the top of a file system, by the kernel's own list.
    private static func isMounted(_ path: String) -> Bool {
        guard let file = try? FileDescriptor(opening: "/proc/self/mountinfo", flags: O_RDONLY),
            let bytes = try? file.bytes(in: 0..<Int64(1 << 22))
        else { return false }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        // The kernel writes space, tab, newline and backslash in octal.
        let escaped = path.map { character in
            switch character {
            case " ": "\\040"
            case "\t": "\\011"
            case "\n": "\\012"
            case "\\": "\\134"
            default: String(character)
            }
        }.joined()
        return lines.contains { line in
            let fields = line.split(separator: " ")
            return fields.count > 4 && fields[4] == escaped
        }
    }
}
