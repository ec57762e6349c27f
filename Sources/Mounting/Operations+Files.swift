import Base
import CFUSE
import Glibc
import Volumes

extension fuse_lowlevel_ops {
    mutating func addFiles() {
        open = { request, inode, info in
            let request = Request(request)
            do throws(Errno) {
                let flags = info!.pointee.flags
                if flags & O_TRUNC != 0, !request.keepsPrivileges {
                    try request.volume.dropPrivileges(of: UInt64(inode))
                }
                let handle = try request.volume.open(
                    UInt64(inode),
                    forWriting: flags & O_ACCMODE != O_RDONLY,
                    isMappable: flags & O_ACCMODE != O_WRONLY,
                    truncating: flags & O_TRUNC != 0
                )
                info!.pointee.hold(handle)
                request.reply(opened: &info!.pointee, handle)
            } catch {
                request.reply(error)
            }
        }
        create = { request, parent, name, mode, info in
            let request = Request(request)
            let caller = request.caller
            let new = NewFile(
                mode: mode & 0o7777 | 0o100000,
                owner: caller.owner,
                group: caller.group
            )
            do throws(Errno) {
                let (entry, handle) = try request.volume.create(
                    new,
                    named: try Name(kernel: name),
                    in: UInt64(parent),
                    exclusive: info!.pointee.flags & O_EXCL != 0
                )
                info!.pointee.hold(handle)
                request.reply(created: entry, &info!.pointee, handle)
            } catch {
                request.reply(error)
            }
        }
        addTransfers()
        addCopying()
        addEndings()
    }

    private mutating func addTransfers() {
        read = { handle, _, count, offset, info in
            let request = Request(handle)
            let volume = request.volume
            // The reply has to happen while the bytes are sure to be there.
            var pending: Request? = request
            do throws(Errno) {
                try volume.read(info!.pointee.handle, at: Int64(offset), count: count) { bytes in
                    pending.take()?.reply(bytes)
                }
            } catch {
                pending.take()?.reply(error)
            }
        }
        write = { request, _, bytes, count, offset, info in
            let request = Request(request)
            do throws(Errno) {
                if !request.keepsPrivileges {
                    try request.volume.dropPrivileges(of: info!.pointee.handle)
                }
                let span = RawSpan(_unsafeStart: UnsafeRawPointer(bytes!), byteCount: count)
                try request.volume.write(info!.pointee.handle, at: Int64(offset), span)
                request.reply(written: count)
            } catch {
                request.reply(error)
            }
        }
    }

    private mutating func addCopying() {
        copy_file_range = { request, _, offset, info, _, newOffset, newInfo, count, _ in
            let request = Request(request)
            do throws(Errno) {
                if !request.keepsPrivileges {
                    try request.volume.dropPrivileges(of: newInfo!.pointee.handle)
                }
                let copied = try request.volume.copyRange(
                    from: info!.pointee.handle,
                    at: Int64(offset),
                    to: newInfo!.pointee.handle,
                    at: Int64(newOffset),
                    count: count
                )
                request.reply(written: copied)
            } catch {
                request.reply(error)
            }
        }
    }

    private mutating func addEndings() {
        flush = { request, _, info in
            let request = Request(request)
            do throws(Errno) {
                try request.volume.flush(info!.pointee.handle, by: info!.pointee.lock_owner)
                request.replyDone()
            } catch {
                request.reply(error)
            }
        }
        fsync = { request, _, isDataOnly, info in
            let request = Request(request)
            do throws(Errno) {
                try request.volume.synchronize(
                    info!.pointee.handle,
                    dataOnly: isDataOnly != 0
                )
                request.replyDone()
            } catch {
                request.reply(error)
            }
        }
        release = { request, _, info in
            let request = Request(request)
            request.volume.release(info!.pointee.letGo())
            request.replyDone()
        }
    }
}

extension fuse_file_info {
    /// Gives the kernel a handle to keep, until `release` takes it back.
    mutating func hold(_ handle: Handle) {
        fh = UInt64(UInt(bitPattern: Unmanaged.passRetained(handle).toOpaque()))
        // The kernel refuses to keep pages of what it reads elsewhere.
        switch handle.reading {
        // An inode's bytes never change behind the kernel's back.
        case .cached: keep_cache = 1
        case .lent: break
        case .direct: direct_io = 1
        }
        // Only a writer learns something at `close`.
        noflush = handle.canWrite ? 0 : 1
    }

    /// Takes a handle back that the kernel had, or did not come to have.
    func letGo() -> Handle { held.takeRetainedValue() }

    var handle: Handle { held.takeUnretainedValue() }

    private var held: Unmanaged<Handle> {
        Unmanaged<Handle>.fromOpaque(UnsafeRawPointer(bitPattern: UInt(fh))!)
    }
}
