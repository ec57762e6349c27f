import Base
import CFUSE
import Glibc
import Volumes

// What is done with each request, on whatever thread (`Operations+Waiting`). Each handler unpacks its
// arguments, asks the volume, and replies. There is no logic here, and no closure that could capture an
// actor.

extension fuse_lowlevel_ops {
    static func direct() -> fuse_lowlevel_ops {
        var operations = fuse_lowlevel_ops()
        operations.addStart()
        operations.addLookups()
        operations.addNames()
        operations.addFiles()
        operations.addDirectories()
        operations.addExtendedAttributes()
        return operations
    }

    private mutating func addStart() {
        `init` = { user, connection in
            guard let connection, let user else { return }
            let volume = Unmanaged<Volume>.fromOpaque(user).takeUnretainedValue()
            gosync_complete_init(volume.isPassingThrough ? 1 : 0)
            let wanted = UInt32(FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_SPLICE_WRITE)
            connection.pointee.want |= connection.pointee.capable & wanted
            // The bytes of an inode change only through the kernel, so what it has cached stays true.
            connection.pointee.want &= ~UInt32(FUSE_CAP_AUTO_INVAL_DATA)
            connection.pointee.max_write = 1 << 20
            connection.pointee.max_read = UInt32(Session.largestReadBytes)
            connection.pointee.max_readahead = 1 << 20
            // The kernel counts read-ahead of the whole mount: what waits for one store must not use it up.
            connection.pointee.max_background = 8192
            connection.pointee.congestion_threshold = 6144
            connection.pointee.time_gran = 1
        }
    }

    private mutating func addLookups() {
        lookup = { request, parent, name in
            let request = Request(request)
            let volume = request.volume
            do throws(Errno) {
                let found = try volume.lookup(try Name(kernel: name), in: UInt64(parent))
                request.reply(entry: found)
            } catch {
                guard error == .noEntry else { return request.reply(error) }
                request.replyAbsent(validFor: volume.absenceSeconds(in: UInt64(parent)))
            }
        }
        forget = { request, _, _ in
            // Rows live as long as their names, not as long as the kernel's memory of them.
            fuse_reply_none(request)
        }
        forget_multi = { request, _, _ in fuse_reply_none(request) }
        getattr = { request, inode, _ in
            let request = Request(request)
            do throws(Errno) {
                let attributes = try request.volume.attributes(of: UInt64(inode))
                request.reply(attributes)
            } catch {
                request.reply(error)
            }
        }
        setattr = { request, inode, status, mask, _ in
            let request = Request(request)
            do throws(Errno) {
                let changes = AttributeChanges(status!.pointee, mask: mask)
                if changes.size != nil, !request.keepsPrivileges {
                    try request.volume.dropPrivileges(of: UInt64(inode))
                }
                let attributes = try request.volume.setAttributes(changes, of: UInt64(inode))
                request.reply(attributes)
            } catch {
                request.reply(error)
            }
        }
        readlink = { request, inode in
            let request = Request(request)
            do throws(Errno) {
                let target = try request.volume.target(of: UInt64(inode))
                request.reply(target: target)
            } catch {
                request.reply(error)
            }
        }
        statfs = { request, inode in
            let request = Request(request)
            let statistics = request.volume.statistics(of: UInt64(inode))
            request.reply(statistics)
        }
    }
}

extension Name {
    /// - Throws: `EILSEQ` for bytes that are no UTF-8, which no store could keep.
    init(kernel bytes: UnsafePointer<CChar>?) throws(Errno) {
        guard let bytes, let name = Name(validating: bytes) else { throw .illegalBytes }
        self = name
    }
}

extension AttributeChanges {
    init(_ status: stat, mask: CInt) {
        self.init()
        let has = { (bit: CInt) in mask & bit != 0 }
        if has(FUSE_SET_ATTR_MODE) { mode = status.st_mode }
        if has(FUSE_SET_ATTR_UID) { owner = status.st_uid }
        if has(FUSE_SET_ATTR_GID) { group = status.st_gid }
        if has(FUSE_SET_ATTR_SIZE) { size = Int64(status.st_size) }
        if has(FUSE_SET_ATTR_MTIME) { modified = Timestamp(status.st_mtim) }
        if has(FUSE_SET_ATTR_ATIME) { accessed = Timestamp(status.st_atim) }
        if has(FUSE_SET_ATTR_MTIME_NOW) { modified = .now() }
        if has(FUSE_SET_ATTR_ATIME_NOW) { accessed = .now() }
    }
}
