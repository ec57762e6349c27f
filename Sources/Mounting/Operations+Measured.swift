import CFUSE
import Volumes

// Those that never ask a store run where they come in, and are measured like the others.

extension fuse_lowlevel_ops {
    mutating func measureOthers() {
        readlink = { request, inode in
            measure(.readlink, request) { handlers.plain.readlink(request, inode) }
        }
        statfs = { request, inode in
            measure(.statfs, request) { handlers.plain.statfs(request, inode) }
        }
        release = { request, inode, info in
            measure(.release, request) { handlers.plain.release(request, inode, info) }
        }
        releasedir = { request, inode, info in
            measure(.releasedir, request) { handlers.plain.releasedir(request, inode, info) }
        }
        fsyncdir = { request, inode, isOnlyData, info in
            measure(.fsyncdir, request) {
                handlers.plain.fsyncdir(request, inode, isOnlyData, info)
            }
        }
        measureExtendedAttributes()
    }

    private mutating func measureExtendedAttributes() {
        getxattr = { request, inode, name, room in
            measure(.getxattr, request) { handlers.plain.getxattr(request, inode, name, room) }
        }
        listxattr = { request, inode, room in
            measure(.listxattr, request) { handlers.plain.listxattr(request, inode, room) }
        }
        setxattr = { request, inode, name, bytes, count, flags in
            measure(.setxattr, request) {
                handlers.plain.setxattr(request, inode, name, bytes, count, flags)
            }
        }
        removexattr = { request, inode, name in
            measure(.removexattr, request) {
                handlers.plain.removexattr(request, inode, name)
            }
        }
    }
}
