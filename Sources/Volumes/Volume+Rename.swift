public import Base
import Metadata
import SQLite

/// What `rename` does about a file that has the new name already.
public enum Replacement: Sendable {
    case replace
    case refuse
    /// The two names change places.
    case exchange
}

extension Volume {
    /// Renames within a backend; from one backend to another is EXDEV, and the program copies.
    public func rename(
        _ name: Name,
        in directory: UInt64,
        to newName: Name,
        in newDirectory: UInt64,
        replacement: Replacement
    ) throws(Errno) {
        guard newName.text.utf8.count <= Name.longestBytes else { throw .tooLongName }
        let from = try file(FileID(bitPattern: directory))
        let to = try file(FileID(bitPattern: newDirectory))
        if from.backend == 0 || to.backend == 0 {
            guard replacement != .exchange else { throw .invalid }
            let replacing = replacement == .replace
            return try renameFilter(name, in: from, to: newName, in: to, replacing: replacing)
        }
        guard from.backend == to.backend else { throw .crossDevice }
        let backend = try writableBackend(of: from)
        try admitSettling(in: directory)
        try ensureListed(to)
        if let target = try child(newName, of: to.id), target.file.isDirectory {
            try ensureListed(target.file)
        }
        let changed = try metadata.database.write { (rows) throws(Errno) in
            guard replacement == .exchange else {
                let replacing = replacement == .replace
                return try move(name, in: from, to: newName, in: to, replacing: replacing, rows)
            }
            return try exchange(name, in: from, newName, in: to, rows)
        }
        Failpoint.renamed.pass()
        settle(changed, on: backend, due: gathered)
    }

    /// The transaction of a rename; returns the entries whose objects have to follow.
    private func move(
        _ name: Name,
        in from: File,
        to newName: Name,
        in to: File,
        replacing: Bool,
        _ rows: Connection
    ) throws(Errno) -> [Int64] {
        guard var entry = rows.entry(named: name, in: from.id), let file = rows.file(entry.file)
        else {
            throw .noEntry
        }
        var replaced: [Int64] = []
        if let target = rows.entry(named: newName, in: to.id), let old = rows.file(target.file) {
            guard replacing else { throw .exists }
            // Two names of one file: rename does nothing, says POSIX.
            if target.file == entry.file { return [] }
            if file.isDirectory {
                guard old.isDirectory else { throw .notDirectory }
                guard !rows.hasChildren(old.id) else { throw .notEmpty }
                rows.addLinks(-1, to: to.id)
            } else {
                guard !old.isDirectory else { throw .isDirectory }
                // An editor saves by renaming a fresh file over the tagged one.
                carry(from: old.id, to: file.id, rows)
            }
            detach(target, in: rows)
            replaced.append(target.id)
        }
        if file.isDirectory, try isSelfOrBelow(to.id, file.id, rows) { throw .invalid }
        entry.component = nil
        entry.name = newName
        try place(&entry, file, from: (from, name), to: to, rows)
        return [entry.id] + replaced
    }

    /// The transaction that lets two names change places.
    private func exchange(
        _ name: Name,
        in from: File,
        _ newName: Name,
        in to: File,
        _ rows: Connection
    ) throws(Errno) -> [Int64] {
        guard var entry = rows.entry(named: name, in: from.id), let file = rows.file(entry.file),
            var other = rows.entry(named: newName, in: to.id), let old = rows.file(other.file)
        else { throw .noEntry }
        if entry.file == other.file { return [] }
        if file.isDirectory, try isSelfOrBelow(to.id, file.id, rows) { throw .invalid }
        if old.isDirectory, try isSelfOrBelow(from.id, old.id, rows) { throw .invalid }
        (entry.name, other.name) = (other.name, entry.name)
        (entry.component, other.component) = (other.component, entry.component)
        // Two names in one directory differ at every moment.
        other.parent = -other.id
        rows.update(other)
        try place(&entry, file, from: (from, name), to: to, rows)
        try place(&other, old, from: (to, newName), to: from, rows)
        return [entry.id, other.id]
    }

    /// Puts an entry, which has its new name already, into a directory; its object has to follow.
    private func place(
        _ entry: inout Entry,
        _ file: File,
        from old: (directory: File, name: Name),
        to: File,
        _ rows: Connection
    ) throws(Errno) {
        let from = old.directory
        let oldPath = rows.path(of: from.id).map { "\($0)/\(old.name.text)" }
        entry.parent = to.id
        entry.touched = tick()
        rows.update(entry)
        guard rows.wantedKey(of: entry, isDirectory: file.isDirectory).map({ isLegal($0) }) ?? false
        else { throw .tooLongName }
        if file.isDirectory, from.id != to.id {
            rows.addLinks(-1, to: from.id)
            rows.addLinks(1, to: to.id)
        }
        // What the store has not got yet goes there when it would have gone.
        let due = entry.key == nil ? entry.touched.adding(seconds: quietSeconds) : gathered
        rows.addWork(entry.id, due: due, tree: file.isDirectory)
        let moved = ChangeDetail.text("from", oldPath ?? "")
        rows.log(.renamed, entry.name, in: to.id, file: file.id, moved)
        let now = Timestamp.now()
        rows.touchChange(of: file.id, at: now)
        noteChange(in: from.id, at: now, rows)
        noteChange(in: to.id, at: now, rows)
    }

    private func isSelfOrBelow(_ directory: FileID, _ above: FileID, _ rows: Connection)
        throws(Errno) -> Bool
    {
        var current = directory
        while current > FileID.filters {
            if current == above { return true }
            guard let parent = rows.entry(ofDirectory: current)?.parent else { return false }
            current = parent
        }
        return false
    }
}
