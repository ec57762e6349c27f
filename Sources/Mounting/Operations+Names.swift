import Base
import CFUSE
import Glibc
import Volumes

extension fuse_lowlevel_ops {
    mutating func addNames() {
        mknod = { request, parent, name, mode, device in
            makeFile(request, parent, name, mode: mode, device: UInt64(device))
        }
        mkdir = { request, parent, name, mode in
            makeFile(request, parent, name, mode: mode & 0o7777 | 0o040000)
        }
        symlink = { request, target, parent, name in
            guard let target = String(validatingCString: target!) else {
                return Request(request).reply(.illegalBytes)
            }
            makeFile(request, parent, name, mode: 0o120777, target: target)
        }
        unlink = { request, parent, name in
            let request = Request(request)
            do throws(Errno) {
                try request.volume.unlink(try Name(kernel: name), in: UInt64(parent))
                request.replyDone()
            } catch {
                request.reply(error)
            }
        }
        rmdir = { request, parent, name in
            let request = Request(request)
            do throws(Errno) {
                try request.volume.removeDirectory(try Name(kernel: name), in: UInt64(parent))
                request.replyDone()
            } catch {
                request.reply(error)
            }
        }
        rename = { request, parent, name, newParent, newName, flags in
            let request = Request(request)
            guard let replacement = Replacement(flags: flags) else {
                return request.reply(.invalid)
            }
            do throws(Errno) {
                try request.volume.rename(
                    try Name(kernel: name),
                    in: UInt64(parent),
                    to: try Name(kernel: newName),
                    in: UInt64(newParent),
                    replacement: replacement
                )
                request.replyDone()
            } catch {
                request.reply(error)
            }
        }
        link = { request, inode, parent, name in
            let request = Request(request)
            do throws(Errno) {
                let made = try request.volume.link(
                    UInt64(inode),
                    named: try Name(kernel: name),
                    in: UInt64(parent)
                )
                request.reply(entry: made)
            } catch {
                request.reply(error)
            }
        }
    }
}

extension Replacement {
    /// From the flags of renameat2(2), of which RENAME_WHITEOUT is only for layers of file systems.
    fileprivate init?(flags: UInt32) {
        switch flags {
        case 0: self = .replace
        case 1: self = .refuse
        case 2: self = .exchange
        default: return nil
        }
    }
}

private func makeFile(
    _ handle: fuse_req_t?,
    _ parent: fuse_ino_t,
    _ name: UnsafePointer<CChar>?,
    mode: mode_t,
    device: UInt64 = 0,
    target: String? = nil
) {
    let request = Request(handle)
    let caller = request.caller
    let new = NewFile(
        mode: mode,
        owner: caller.owner,
        group: caller.group,
        device: device,
        target: target
    )
    do throws(Errno) {
        let made = try request.volume.make(new, named: try Name(kernel: name), in: UInt64(parent))
        request.reply(entry: made)
    } catch {
        request.reply(error)
    }
}
