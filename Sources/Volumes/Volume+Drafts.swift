public import Base
import Cache
import Metadata
import SQLite

// A new version of a file, written where nobody sees it: a file without a name. It takes its name in one
// transaction, whole, or never. What a crash leaves of it is reaped at the next start (`reapOrphans`),
// as is what was open without a name.

extension Volume {
    /// Makes a file without a name on the backend of `directory`, and opens it for writing.
    ///
    /// `release` without `publish` before it takes the file away.
    public func draft(in directory: UInt64, mode: UInt32) throws(Errno) -> Handle {
        let parent = try changeable(directory)
        var file = File(
            backend: parent.backend,
            mode: 0o100000 | mode & 0o7777,
            owner: options.owner,
            group: parent.mode & 0o2000 != 0 ? parent.group : options.group,
            at: .now()
        )
        file.data = 1
        file.meta = 1
        let new = file
        let id = try metadata.database.write { (rows) throws(Errno) in
            let id = rows.insert(new)
            rows.journalNewContent(of: id)
            return id
        }
        do throws(Errno) {
            return try hold(id, forWriting: true, isMappable: false)
        } catch {
            try? reap(id)
            throw error
        }
    }

    /// Gives a draft its name, in place of a file that has it; that one's tags and permissions stay.
    ///
    /// With `close = sync` this returns when the store has the object. A failure to deliver it is thrown
    /// as `flush` does: the name is taken by then, and the bytes are in the journal.
    ///
    /// Order: size and time are in the draft's row; one transaction takes the old file's name away, adds
    /// the new entry and its work; then the object is delivered. The old object is left to be overwritten,
    /// and not deleted before.
    public func publish(
        _ handle: Handle,
        as name: Name,
        in directory: UInt64,
        modified: Timestamp? = nil
    ) throws(Errno) {
        guard name.text.utf8.count <= Name.longestBytes else { throw .tooLongName }
        let node = handle.node
        let parent = try changeable(directory)
        // Its attributes are taken over, so they must be the true ones.
        if let old = try child(name, of: parent.id) { _ = try known(old.file) }
        if let modified {
            try node.bytes.setModified(modified)
            node.update { state in
                state.modified = modified
                state.isUnsaved = true
            }
        }
        try save(node)
        let replaced = try metadata.database.write { (rows) throws(Errno) in
            try attach(node.id, as: name, in: parent.id, rows)
        }
        Failpoint.renamed.pass()
        notifyOfName(name, in: directory)
        defer { wakeSchedule() }
        try flush(handle)
        if let replaced { settle([replaced], on: backends[parent.backend], due: .now()) }
    }

    /// The transaction that gives a draft its name; returns the entry that had it before.
    private func attach(
        _ id: FileID,
        as name: Name,
        in parent: FileID,
        _ rows: Connection
    ) throws(Errno) -> Int64? {
        guard var file = rows.file(id), rows.file(parent) != nil,
            rows.entry(ofDirectory: parent)?.isAttached == true
        else { throw .noEntry }
        let replaced = rows.entry(named: name, in: parent)
        if let replaced, let old = rows.file(replaced.file) {
            guard old.kind == .regular else { throw old.isDirectory ? .isDirectory : .exists }
            (file.mode, file.owner, file.group) = (old.mode, old.owner, old.group)
            file.extra = old.extra
            rows.update(file)
            carry(from: old.id, to: id, rows)
            detach(replaced, in: rows)
            let later = Timestamp.now().adding(seconds: Self.oldestUnsentSeconds)
            rows.postponeWork(replaced.id, to: later)
        }
        var entry = Entry(parent: parent, name: name, file: id, backend: file.backend)
        entry.touched = tick()
        guard rows.wantedKey(of: entry, isDirectory: false).map({ isLegal($0) }) ?? false else {
            throw .tooLongName
        }
        entry.id = rows.insert(entry)
        rows.log(.created, name, in: parent, file: id)
        rows.addWork(entry.id, due: entry.touched)
        noteChange(in: parent, at: .now(), rows)
        return replaced?.id
    }

    /// Gives a draft what a file has beside its bytes: permissions, tags and attributes.
    public func copyAttributes(of inode: UInt64, to draft: Handle) throws(Errno) {
        let source = try attributes(of: inode)
        try metadata.database.write { (rows) throws(Errno) in
            guard var file = rows.file(draft.node.id) else { throw .stale }
            file.mode = file.mode & 0o170000 | source.mode & 0o7777
            (file.owner, file.group) = (source.owner, source.group)
            rows.update(file)
            rows.carryTags(from: FileID(bitPattern: inode), to: file.id)
        }
    }

    /// Bytes of a file, at most as many as are asked for; fewer at its end.
    public func bytes(_ handle: Handle, at offset: Int64, count: Int) throws(Errno) -> [UInt8] {
        var result: Result<[UInt8], Errno> = .success([])
        try read(handle, at: offset, count: count) { place in
            switch place {
            case .memory(let bytes): result = .success(bytes)
            case .file(let descriptor, let start, let length):
                do throws(Errno) {
                    result = .success(
                        try Base.bytes(count: length) { (output) throws(Errno) in
                            try Base.read(descriptor, into: &output, at: start)
                        }
                    )
                } catch {
                    result = .failure(error)
                }
            }
        }
        return try result.get()
    }
}
