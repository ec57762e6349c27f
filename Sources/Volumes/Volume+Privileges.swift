public import Base
import Metadata

// Set-user-id and set-group-id, which Linux takes from a file that is given to another owner, or that somebody
// without the privilege to keep them writes to. The kernel leaves that to us, and so need not ask before
// each write.

extension Volume {
    /// Called before somebody without that privilege writes to an open file.
    public func dropPrivileges(of handle: Handle) throws(Errno) {
        guard handle.node.now.isPrivileged else { return }
        try dropPrivileges(of: handle.inode)
    }

    /// The same for whoever cuts a file.
    public func dropPrivileges(of inode: UInt64) throws(Errno) {
        let file = try file(FileID(bitPattern: inode))
        guard file.isPrivileged else { return }
        var changes = AttributeChanges()
        changes.mode = file.mode & ~File.privileges
        _ = try setAttributes(changes, of: inode)
        notify(.attributes(of: inode))
    }

    /// To be called when the mode of a file that may be open has changed.
    func notePrivileges(of id: FileID) throws(Errno) {
        guard let node = nodes.node(id) else { return }
        let isPrivileged = try file(id).isPrivileged
        node.update { $0.isPrivileged = isPrivileged }
    }
}

extension File {
    fileprivate static let privileges: UInt32 = 0o6000

    /// Of a regular file that has something to lose.
    var isPrivileged: Bool { kind == .regular && mode & Self.privileges != 0 }

    /// What another owner leaves: set-group-id on what a group may not execute is for locks, and stays.
    var modeForOtherOwner: UInt32 { mode & ~(mode & 0o010 != 0 ? Self.privileges : 0o4000) }
}
