import Base
import CFUSE
import Glibc
import Volumes

/// A question from the kernel, answered exactly once.
///
/// Every `reply` consumes the request, so the compiler refuses a second answer; a request that is
/// dropped without one answers `EIO`, so the kernel is never left waiting.
struct Request: ~Copyable {
    private let handle: fuse_req_t

    init(_ handle: fuse_req_t?) { self.handle = handle! }

    deinit { fuse_reply_err(handle, EIO) }

    var volume: Volume {
        Unmanaged<Volume>.fromOpaque(fuse_req_userdata(handle)).takeUnretainedValue()
    }

    /// Who asks; of a new file, its owner.
    var caller: (owner: UInt32, group: UInt32, umask: UInt32) {
        let context = fuse_req_ctx(handle).pointee
        return (context.uid, context.gid, UInt32(context.umask))
    }

    /// Whether what the caller changes may keep set-user-id and set-group-id (CAP_FSETID).
    var keepsPrivileges: Bool { fuse_req_ctx(handle).pointee.uid == 0 }

    /// `Errno.wouldWait` is no answer: the request is repeated where it may wait (`serve`).
    consuming func reply(_ errno: Errno) {
        if errno != .wouldWait {
            volume.operations.add(errno)
            fuse_reply_err(handle, errno.rawValue)
        } else if !Patience.leaveUnanswered() {
            fuse_reply_err(handle, EIO)
        }
        discard self
    }

    consuming func replyDone() {
        fuse_reply_err(handle, 0)
        discard self
    }

    consuming func reply(_ attributes: Attributes) {
        var status = stat(attributes)
        fuse_reply_attr(handle, &status, attributes.validSeconds)
        discard self
    }

    consuming func reply(entry: DirectoryEntry) {
        var answer = fuse_entry_param(entry)
        fuse_reply_entry(handle, &answer)
        discard self
    }

    /// There is no such name, which the kernel may remember for a while.
    consuming func replyAbsent(validFor seconds: Double) {
        if seconds > 0 {
            var answer = fuse_entry_param()
            answer.entry_timeout = seconds
            fuse_reply_entry(handle, &answer)
        } else {
            fuse_reply_err(handle, ENOENT)
        }
        discard self
    }

    consuming func reply(
        created entry: DirectoryEntry,
        _ info: inout fuse_file_info,
        _ opened: Handle
    ) {
        let volume = volume
        var answer = fuse_entry_param(entry)
        let result = gosync_reply_create(handle, &answer, &info, opened.reading.loan)
        if result == -ENOENT { volume.release(info.letGo()) }
        discard self
    }

    /// Who asked may have been killed meanwhile (ENOENT); then nobody will give the handle back.
    consuming func reply(opened info: inout fuse_file_info, _ opened: Handle) {
        let volume = volume
        let result = gosync_reply_open(handle, &info, opened.reading.loan)
        if result == -ENOENT { volume.release(info.letGo()) }
        discard self
    }

    consuming func reply(opened info: inout fuse_file_info) {
        fuse_reply_open(handle, &info)
        discard self
    }

    consuming func reply(written count: Int) {
        fuse_reply_write(handle, count)
        discard self
    }

    consuming func reply(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes {
            _ = fuse_reply_buf(
                handle,
                $0.baseAddress?.assumingMemoryBound(to: CChar.self),
                $0.count
            )
        }
        discard self
    }

    consuming func reply(_ bytes: ReadBytes) {
        switch bytes {
        case .memory(let bytes): reply(bytes)
        case .file(let descriptor, let offset, let count):
            if let room = gosync_payload(count) {
                return reply(
                    descriptor,
                    offset,
                    UnsafeMutableRawBufferPointer(start: room, count: count)
                )
            }
            // The kernel takes the bytes from the cache file's pages; they do not pass through here.
            var vector = fuse_bufvec()
            vector.count = 1
            vector.buf.size = count
            vector.buf.flags = fuse_buf_flags(FUSE_BUF_IS_FD.rawValue | FUSE_BUF_FD_SEEK.rawValue)
            vector.buf.fd = descriptor
            vector.buf.pos = off_t(offset)
            fuse_reply_data(handle, &vector, fuse_buf_copy_flags(0))
            discard self
        }
    }

    /// Bytes of a cache file, read to where the kernel takes them from.
    private consuming func reply(
        _ file: CInt,
        _ offset: Int64,
        _ room: UnsafeMutableRawBufferPointer
    ) {
        var output = unsafe OutputRawSpan(buffer: room, initializedCount: 0)
        do throws(Errno) {
            try read(file, into: &output, at: offset)
        } catch {
            return reply(error)
        }
        let start = room.baseAddress?.assumingMemoryBound(to: CChar.self)
        fuse_reply_buf(handle, start, output.byteCount)
        discard self
    }

    consuming func reply(target: String) {
        fuse_reply_readlink(handle, target)
        discard self
    }

    /// The value of an attribute, or only its size where the program asks for that first.
    consuming func reply(attribute value: [UInt8], room: Int) {
        if room == 0 {
            fuse_reply_xattr(handle, value.count)
            discard self
        } else if value.count > room {
            reply(.range)
        } else {
            reply(value)
        }
    }

    consuming func reply(_ statistics: Statistics) {
        var answer = statvfs()
        answer.f_bsize = UInt(Self.blockBytes)
        answer.f_frsize = UInt(Self.blockBytes)
        answer.f_blocks = UInt(statistics.total / Self.blockBytes)
        answer.f_bfree = UInt(statistics.free / Self.blockBytes)
        answer.f_bavail = UInt(statistics.free / Self.blockBytes)
        answer.f_files = UInt(Self.endlessFiles)
        answer.f_ffree = UInt(Self.endlessFiles)
        answer.f_favail = UInt(Self.endlessFiles)
        answer.f_namemax = UInt(Name.longestBytes)
        fuse_reply_statfs(handle, &answer)
        discard self
    }

    private static let blockBytes: Int64 = 4096
    private static let endlessFiles: Int64 = 1 << 40

    /// Fills a buffer of the size the kernel gave with directory entries.
    consuming func reply(listing count: Int, _ fill: (inout Listing) -> Void) {
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { [handle] buffer, used in
            used = buffer.withMemoryRebound(to: CChar.self) {
                var listing = Listing(request: handle, buffer: $0)
                fill(&listing)
                return listing.used
            }
        }
        reply(bytes)
    }
}

/// A buffer of directory entries in the kernel's form.
struct Listing {
    private let request: fuse_req_t
    private let buffer: UnsafeMutableBufferPointer<CChar>
    fileprivate private(set) var used = 0

    fileprivate init(request: fuse_req_t, buffer: UnsafeMutableBufferPointer<CChar>) {
        self.request = request
        self.buffer = buffer
    }

    /// Adds an entry, of which the kernel learns no more than name, number and type; `false` if there is
    /// no room for it.
    mutating func add(_ name: Name, cookie: Int64, attributes: Attributes, isPlus: Bool) -> Bool {
        guard !isPlus else {
            // Number 0 tells the kernel that this is no lookup.
            var answer = fuse_entry_param()
            answer.attr = stat(attributes)
            return append { [request] start, room in
                fuse_add_direntry_plus(request, start, room, name.text, &answer, off_t(cookie))
            }
        }
        var status = stat(attributes)
        return append { [request] start, room in
            fuse_add_direntry(request, start, room, name.text, &status, off_t(cookie))
        }
    }

    /// Adds an entry with all its attributes.
    mutating func add(_ entry: DirectoryEntry) -> Bool {
        var answer = fuse_entry_param(entry)
        return append { [request] start, room in
            fuse_add_direntry_plus(
                request,
                start,
                room,
                entry.name.text,
                &answer,
                off_t(entry.cookie)
            )
        }
    }

    /// `encode` writes nothing where there is no room, and returns what it needs.
    private mutating func append(_ encode: (UnsafeMutablePointer<CChar>?, Int) -> Int) -> Bool {
        let room = buffer.count - used
        guard room > 0 else { return false }
        let size = encode(buffer.baseAddress.map { $0 + used }, room)
        guard size <= room else { return false }
        used += size
        return true
    }
}

extension Reading {
    /// What the kernel is to read by itself; 0 for nothing.
    fileprivate var loan: Int32 {
        switch self {
        case .cached: 0
        case .lent(let loan), .direct(let loan): loan
        }
    }
}

extension fuse_entry_param {
    init(_ entry: DirectoryEntry) {
        self.init()
        ino = fuse_ino_t(entry.attributes.inode)
        attr = stat(entry.attributes)
        attr_timeout = entry.attributes.validSeconds
        entry_timeout = entry.validSeconds
    }
}

extension stat {
    init(_ attributes: Attributes) {
        self.init()
        st_ino = ino_t(attributes.inode)
        st_mode = attributes.mode
        st_nlink = nlink_t(attributes.links)
        st_uid = attributes.owner
        st_gid = attributes.group
        st_rdev = dev_t(attributes.device)
        st_size = off_t(attributes.size)
        st_blksize = 1 << 17
        st_blocks = blkcnt_t((attributes.size + 511) / 512)
        st_mtim = attributes.modified.timespec
        st_atim = attributes.accessed.timespec
        st_ctim = attributes.changed.timespec
    }
}
