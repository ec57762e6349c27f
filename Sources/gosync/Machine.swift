import Base
import Glibc
import Settings
import Wire

/// What GoSync needs of this machine, looked at from outside.
enum Machine {
    static func checks() -> [Check] { [device(), mountProgram(), kernel()] }

    static func checks(of configuration: Configuration) -> [Check] {
        let place = configuration.path ?? "none: the built-in one"
        var checks = [Check("configuration", .ok, place)]
        checks += configuration.warnings.map { Check("configuration", .warning, $0) }
        if configuration.mount.allowOther { checks.append(otherUsers()) }
        checks.append(directory(configuration.mount.dataDirectory))
        checks.append(lock(configuration))
        checks.append(space(configuration))
        return checks
    }

    private static func device() -> Check {
        let subject = "/dev/fuse"
        if access(subject, R_OK | W_OK) == 0 { return Check(subject, .ok, "can be opened") }
        guard errno == ENOENT else {
            let advice = "give your user access, or run as root"
            return Check(subject, .failure, "may not be opened: \(Errno.current)", advice: advice)
        }
        return Check(subject, .failure, "is not there", advice: "modprobe fuse")
    }

    private static func mountProgram() -> Check {
        let subject = "fusermount3"
        let path = "/usr/bin/fusermount3"
        guard let status = FileStatus(ofFileAt: path) else {
            let outcome: Check.Outcome = getuid() == 0 ? .warning : .failure
            return Check(subject, outcome, "is missing", advice: "apt-get install fuse3")
        }
        guard getuid() == 0 || status.mode & 0o4000 != 0 else {
            let advice = "as root: chmod u+s \(path)"
            return Check(subject, .failure, "cannot mount: it is not setuid root", advice: advice)
        }
        return Check(subject, .ok, path)
    }

    private static func otherUsers() -> Check {
        let subject = "allow_other"
        if getuid() == 0 { return Check(subject, .ok, "root needs no permission for it") }
        let path = "/etc/fuse.conf"
        let file = try? FileDescriptor(opening: path, flags: O_RDONLY)
        let bytes = (try? file?.contents(limitBytes: 1 << 16)) ?? []
        let lines = String(decoding: bytes, as: UTF8.self).split { $0 == "\n" || $0 == " " }
        if lines.contains("user_allow_other") { return Check(subject, .ok, "permitted by \(path)") }
        let advice = "as root, add a line user_allow_other to \(path), or set allow_other = no"
        return Check(subject, .failure, "\(path) does not permit it to users", advice: advice)
    }

    private static func kernel() -> Check {
        var names = utsname()
        uname(&names)
        let release = withUnsafeBytes(of: &names.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let version = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        let number = version.count == 2 ? version[0] * 1000 + version[1] : 0
        guard number >= Self.oldestKernel else {
            let advice = "GoSync is made for Linux 5.4 and later"
            return Check("kernel", .warning, "Linux \(release)", advice: advice)
        }
        let passthrough =
            number < Self.firstWithPassthrough
            ? "without passthrough, which came with 6.9"
            : getuid() == 0 ? "with passthrough" : "with passthrough, for root only"
        return Check("kernel", .ok, "Linux \(release), \(passthrough), \(ioUring())")
    }

    private static func ioUring() -> String {
        switch try? IOUringSwitch.isOn() {
        case true: "with io_uring"
        case false: "with io_uring switched off (io_uring = yes turns it on)"
        case nil: "without io_uring, which came with 6.14"
        }
    }

    private static let oldestKernel = 5004
    private static let firstWithPassthrough = 6009

    private static func directory(_ path: String) -> Check {
        let subject = "data_dir"
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT else {
                return Check(subject, .failure, "\(path): \(Errno.current)")
            }
            return Check(subject, .ok, "\(path) is not there yet; gosync-mount makes it")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return Check(
                subject,
                .failure,
                "\(path) is no directory",
                advice: "set another data_dir"
            )
        }
        guard status.st_uid == geteuid() else {
            let advice = "run as that user, or set another data_dir"
            let finding = "\(path) belongs to user \(status.st_uid), not to \(geteuid())"
            return Check(subject, .failure, finding, advice: advice)
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            let finding = "\(path) may not be written to: \(Errno.current)"
            return Check(subject, .failure, finding, advice: "chmod 700 '\(path)'")
        }
        guard status.st_mode & 0o077 == 0 else {
            let finding = "\(path) is open to other users until gosync-mount starts"
            return Check(subject, .warning, finding, advice: "chmod 700 '\(path)'")
        }
        return Check(subject, .ok, path)
    }

    /// One daemon has the directory to itself.
    private static func lock(_ configuration: Configuration) -> Check {
        let path = configuration.mount.dataDirectory + "/lock"
        guard FileStatus(ofFileAt: path) != nil else {
            return Check("lock", .ok, "nobody holds it")
        }
        do throws(Errno) {
            _ = try LockFile(at: path)
            return Check("lock", .ok, "nobody holds it")
        } catch {
            guard error == .tryAgain else { return Check("lock", .failure, "\(path): \(error)") }
            guard access(configuration.socketPath, F_OK) == 0 else {
                let advice = "unmount it, or end it: fuser '\(path)' tells which process it is"
                let finding = "a gosync-mount holds \(path), and does not listen"
                return Check("lock", .failure, finding, advice: advice)
            }
            return Check("lock", .ok, "a running gosync-mount holds it")
        }
    }

    private static func space(_ configuration: Configuration) -> Check {
        let cache = configuration.cache
        var path = cache.directory
        while path.count > 1, FileStatus(ofFileAt: path) == nil {
            path = path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
            if path.isEmpty { path = "/" }
        }
        guard let space = try? fileSystemSpace(at: path) else {
            return Check("disk", .warning, "\(path) does not tell its space")
        }
        let finding =
            "\(Format.size(space.free)) free for a cache of up to \(Format.size(cache.sizeBytes))"
        guard space.free >= Configuration.Cache.smallestBytes else {
            let advice = "free some space below \(path), or set [cache] dir"
            return Check("disk", .failure, finding, advice: advice)
        }
        guard space.free >= cache.sizeBytes / 10 else {
            let advice = "the cache holds less than its size then; free some, or set [cache] dir"
            return Check("disk", .warning, finding, advice: advice)
        }
        return Check("disk", .ok, finding)
    }
}
