import Base
import CFUSE
import Glibc
import Synchronization
public import Volumes

/// Why a directory could not be mounted on; the text is for a person.
public struct MountError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// A volume attached to a directory.
///
/// `run` must be called once, from the thread that made the session; `end` may be called from any
/// thread but libfuse's.
public final class Session: @unchecked Sendable {
    // @unchecked: libfuse's session may be told to exit from any thread.
    let handle: OpaquePointer
    let volume: Volume
    private let teller = Workers("notices", limit: 1)
    private let rings: Rings?
    public let mountPoint: String
    /// libfuse's unmounting must happen once, on one thread.
    private let isUnmounting = Atomic(false)

    /// What a pipe may hold beside the head of an answer, also for a user who has no right to larger ones:
    /// only what fits goes from the cache file to the kernel without being copied here.
    static let largestReadBytes = 512 << 10

    /// Requests at once, most of which wait for a store.
    private static let threads: UInt32 = 64

    /// Mounts the volume; the kernel is answered once `run` is called.
    ///
    /// - Parameters:
    ///   - options: as for `mount -o`, what libfuse and the kernel know.
    ///   - isPassingThrough: lets the kernel read by itself what is wholly in the cache, where it may.
    ///   - usesRings: has requests come by io_uring, whose switch is on.
    public init(
        mounting volume: Volume,
        at path: String,
        options: [String],
        isPassingThrough: Bool,
        usesRings: Bool
    ) throws(MountError) {
        fuse_set_log_func { level, format, arguments in
            guard let format, let arguments else { return }
            var text = [CChar](repeating: 0, count: 512)
            vsnprintf(&text, text.count, format, arguments)
            let line = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
            FUSELog.note(
                String(decoding: line, as: UTF8.self),
                isProblem: level.rawValue <= FUSE_LOG_WARNING.rawValue
            )
        }
        var operations = fuse_lowlevel_ops.volume()
        let size = MemoryLayout<fuse_lowlevel_ops>.size
        let ours = [
            "fsname=gosync", "subtype=gosync", "default_permissions",
            "max_read=\(Self.largestReadBytes)",
        ]
        let all = ours + options
        var words: [UnsafeMutablePointer<CChar>?] = ["gosync", "-o", all.joined(separator: ",")]
            .map { (word: String) in strdup(word) }
        defer { for word in words { free(word) } }
        let user = Unmanaged.passUnretained(volume).toOpaque()
        let made = words.withUnsafeMutableBufferPointer { words in
            var arguments = fuse_args(
                argc: CInt(words.count),
                argv: words.baseAddress,
                allocated: 0
            )
            return fuse_session_new(&arguments, &operations, size, user)
        }
        guard let made else {
            throw MountError("mount options are not understood: \(FUSELog.lastProblem)")
        }
        rings = usesRings ? Rings.make(for: made) : nil
        guard fuse_session_mount(made, path) == 0 else {
            rings?.end()
            fuse_session_destroy(made)
            throw MountError("cannot mount on \(path): \(FUSELog.lastProblem)")
        }
        if gosync_take_over(made) == 0, isPassingThrough {
            volume.passThrough(by: Lender(made))
        }
        handle = made
        self.volume = volume
        mountPoint = path
    }

    deinit { fuse_session_destroy(handle) }

    /// Answers the kernel until the directory is unmounted or `end` is called.
    public func run() {
        teller.run { [self] in tellNotices() }
        if let rings, rings.start() {
            rings.readOthers()
        } else {
            readAll()
        }
        // What still waits for a store is answered, while there is a session to answer to.
        volume.stopWaiting()
        rings?.end()
        endNotices()
        if !isUnmounting.exchange(true, ordering: .acquiringAndReleasing) {
            fuse_session_unmount(handle)
        }
    }

    private func readAll() {
        let configuration = fuse_loop_cfg_create()
        defer { fuse_loop_cfg_destroy(configuration) }
        fuse_loop_cfg_set_clone_fd(configuration, 1)
        fuse_loop_cfg_set_max_threads(configuration, Self.threads)
        fuse_loop_cfg_set_idle_threads(configuration, Self.threads)
        _ = fuse_session_loop_mt(handle, configuration)
    }

    /// Nobody speaks to the kernel on the session's own descriptor any more: it is about to be closed.
    private func endNotices() {
        volume.endNotices()
        teller.stop()
    }

    /// Unmounts once what programs have written is with the volume; a busy mount is detached: it goes
    /// from sight at once, and open files end with an error.
    public func end() {
        volume.close()
        // Pages written through mmap are still the kernel's. To synchronize the whole file system would
        // send them and not wait until they have come, as it does for each file.
        for path in volume.pathsOpenForWriting() {
            let file = try? FileDescriptor(opening: mountPoint + path, flags: O_RDONLY | O_NONBLOCK)
            try? file?.synchronize()
        }
        guard !isUnmounting.exchange(true, ordering: .acquiringAndReleasing) else { return }
        // While the kernel is still answered: it may want an answer before it has taken a notice.
        endNotices()
        fuse_session_exit(handle)
        rings?.stop()
        // libfuse's threads look whether to end after a request: this is one.
        var status = statvfs()
        _ = statvfs(mountPoint, &status)
        fuse_session_unmount(handle)
    }
}

extension Lender {
    /// - Parameter session: mounted, and not destroyed while the kernel asks anything.
    fileprivate init(_ session: OpaquePointer) {
        let session = Device(session: session)
        self.init(
            lend: { (file) throws(Errno) in
                let loan = gosync_lend(session.session, file)
                guard loan > 0 else { throw .current }
                return loan
            },
            takeBack: { _ = gosync_take_back(session.session, $0) }
        )
    }

    private struct Device: @unchecked Sendable {
        // @unchecked: only its descriptor is used, which stays open as long as the session.
        let session: OpaquePointer
    }
}

/// What libfuse last complained of, for an error of our own.
private enum FUSELog {
    private static let last = Mutex("")

    static var lastProblem: String {
        let text = last.withLock { $0 }
        return text.isEmpty ? "see the system log" : text
    }

    static func note(_ message: String, isProblem: Bool) {
        let line = message.hasSuffix("\n") ? String(message.dropLast()) : message
        if isProblem { last.withLock { $0 = line } }
        Log.debug("libfuse: \(line)")
    }
}
