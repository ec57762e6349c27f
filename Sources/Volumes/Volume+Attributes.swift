public import Base
import Cache
import Metadata
import SQLite
import Stores

/// What `statfs` tells; all sizes in bytes.
public struct Statistics: Equatable, Sendable {
    public var total: Int64
    public var free: Int64
}

extension Volume {
    /// Changes attributes; the object's own follow in the background.
    public func setAttributes(_ changes: AttributeChanges, of inode: UInt64) throws(Errno)
        -> Attributes
    {
        let id = FileID(bitPattern: inode)
        let file = try file(id)
        guard file.backend != 0 else { return try setOwnAttributes(changes, of: file) }
        _ = try writableBackend(of: file)
        if let size = changes.size {
            guard file.kind == .regular else { throw file.isDirectory ? .isDirectory : .invalid }
            try truncate(file, to: size)
            if changes.isOnlySize { return try attributes(of: inode) }
        }
        // What is guessed must be known before a part of it is changed.
        let known = try known(file)
        var wanted = known
        Self.apply(changes, to: &wanted)
        // As `tar` does with each file that it has just made.
        if changes.size == nil, changes.modified == nil, wanted == known {
            return attributes(of: known)
        }
        let node = file.kind == .regular ? nodes.node(id) : nil
        if let node, let modified = changes.modified { try node.bytes.setModified(modified) }
        let isOpen = (node?.now.writers ?? 0) > 0
        let due = Timestamp.now().adding(
            seconds: isOpen ? Self.oldestUnsentSeconds : max(1, quietSeconds)
        )
        if isOpen { node?.update { $0.isEnded = false } }
        let (saved, changed) = try metadata.database.write { (rows) throws(Errno) in
            // First what was written before, so that it does not undo this later.
            let saved = try node.map { (node) throws(Errno) in try save(node, rows) }
            guard var file = rows.file(id) else { throw .stale }
            let before = file
            Self.apply(changes, to: &file)
            guard file != before else { return (saved, file) }
            file.changed = .now()
            file.meta += 1
            rows.update(file)
            if let path = rows.path(of: id) { rows.log(.attributes, path, file: id) }
            for entry in rows.entries(of: id) where entry.isAttached && entry.parent != .backends {
                rows.addWork(entry.id, due: due)
            }
            return (saved, file)
        }
        if let node, let saved {
            noteSaved(saved, of: node)
            node.update { state in
                if let modified = changes.modified { state.modified = modified }
                state.isPrivileged = changed.isPrivileged
            }
        }
        wakeSchedule(for: due)
        return attributes(of: changed)
    }

    /// Directories of GoSync's own take permissions and owners, and keep them here.
    private func setOwnAttributes(_ changes: AttributeChanges, of file: File) throws(Errno)
        -> Attributes
    {
        guard changes.size == nil else { throw .isDirectory }
        var file = file
        Self.apply(changes, to: &file)
        file.changed = .now()
        let changed = file
        try metadata.database.write { (rows) throws(Errno) in rows.update(changed) }
        return attributes(of: changed)
    }

    private static func apply(_ changes: AttributeChanges, to file: inout File) {
        let changesOwner = changes.owner != nil || changes.group != nil
        if changesOwner, !file.isDirectory { file.mode = file.modeForOtherOwner }
        if let mode = changes.mode { file.mode = file.mode & 0o170000 | mode & 0o7777 }
        if let owner = changes.owner { file.owner = owner }
        if let group = changes.group { file.group = group }
        if let modified = changes.modified { file.modified = modified }
        if let accessed = changes.accessed { file.accessed = accessed }
    }

    /// Space as the store knows it, or last knew it if it does not tell at once; a bucket has no end, and shows a petabyte.
    public func statistics(of inode: UInt64) -> Statistics {
        let endless: Int64 = 1 << 50
        let file = try? file(FileID(bitPattern: inode))
        let space = file.flatMap { backends[$0.backend] }?.space()
        return Statistics(total: space?.total ?? endless, free: space?.free ?? endless)
    }
}
