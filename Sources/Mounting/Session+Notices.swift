import Base
import CFUSE
import Volumes

extension Session {
    /// Tells the kernel what it must forget, until the volume has no more to say; on a thread of its own.
    func tellNotices() {
        while let notices = volume.nextNotices() {
            for notice in notices { tell(notice) }
        }
    }

    /// What the kernel does not know it need not forget (ENOENT).
    private func tell(_ notice: Notice) {
        switch notice {
        case .name(let name, let directory):
            let count = name.text.utf8.count
            _ = fuse_lowlevel_notify_inval_entry(handle, fuse_ino_t(directory), name.text, count)
        case .attributes(let inode):
            // A negative offset leaves the pages alone.
            _ = fuse_lowlevel_notify_inval_inode(handle, fuse_ino_t(inode), -1, 0)
        case .allNames:
            // Before Linux 6.16, names go when their time is over.
            _ = gosync_forget_names(handle)
        }
    }
}
