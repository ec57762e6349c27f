import Base
import CFUSE
import Glibc
import Metadata
import Volumes

extension fuse_lowlevel_ops {
    mutating func addExtendedAttributes() {
        getxattr = { request, inode, name, room in
            let request = Request(request)
            do throws(Errno) {
                let name = try Name(kernel: name).text
                let value = try request.volume.extendedAttribute(name, of: UInt64(inode))
                request.reply(attribute: value, room: room)
            } catch {
                request.reply(error)
            }
        }
        listxattr = { request, inode, room in
            let request = Request(request)
            do throws(Errno) {
                let names = try request.volume.extendedAttributes(of: UInt64(inode))
                request.reply(attribute: names.flatMap { Array($0.utf8) + [0] }, room: room)
            } catch {
                request.reply(error)
            }
        }
        setxattr = { request, inode, name, bytes, count, flags in
            let request = Request(request)
            do throws(Errno) {
                let value = Array(UnsafeRawBufferPointer(start: bytes, count: count))
                try request.volume.setExtendedAttribute(
                    try Name(kernel: name).text,
                    of: UInt64(inode),
                    to: value,
                    mode: flags & 1 != 0 ? .create : flags & 2 != 0 ? .replace : .createOrReplace
                )
                request.replyDone()
            } catch {
                request.reply(error)
            }
        }
        removexattr = { request, inode, name in
            let request = Request(request)
            do throws(Errno) {
                let name = try Name(kernel: name).text
                try request.volume.removeExtendedAttribute(name, of: UInt64(inode))
                request.replyDone()
            } catch {
                request.reply(error)
            }
        }
    }
}
