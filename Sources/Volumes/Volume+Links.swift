public import Base
import Metadata
import SQLite
import Stores

// A file with several names. A store knows no second name for an object: each name has one of its own,
// and `follow` keeps them equal, by copies within the store where one of them has the newest bytes.

extension Volume {
    /// Gives a file one more name within its backend.
    ///
    /// - Throws: `EPERM` for directories and for places in a filter, `EXDEV` for another backend.
    public func link(_ inode: UInt64, named name: Name, in directory: UInt64) throws(Errno)
        -> DirectoryEntry
    {
        guard name.text.utf8.count <= Name.longestBytes else { throw .tooLongName }
        let id = FileID(bitPattern: inode)
        let old = try file(id)
        guard !old.isDirectory else { throw .notPermitted }
        let given = try file(FileID(bitPattern: directory))
        guard given.backend != 0 else { return try assertTags(of: old, in: given, as: name) }
        guard given.backend == old.backend else { throw .crossDevice }
        let parent = try changeable(directory)
        try admitSettling(in: directory)
        // A copy gets the attributes that are known here, so they must be the true ones.
        _ = try known(old)
        let (entry, file) = try metadata.database.write { (rows) throws(Errno) in
            guard let file = rows.file(id), rows.entries(of: id).contains(where: \.isAttached)
            else {
                throw .noEntry
            }
            guard rows.entry(named: name, in: parent.id) == nil else { throw .exists }
            var entry = Entry(parent: parent.id, name: name, file: id, backend: file.backend)
            entry.touched = tick()
            guard rows.wantedKey(of: entry, isDirectory: false).map({ isLegal($0) }) ?? false else {
                throw .tooLongName
            }
            entry.id = rows.insert(entry)
            rows.addLinks(1, to: id)
            rows.addWork(entry.id, due: entry.touched)
            rows.log(.created, name, in: parent.id, file: id)
            let now = Timestamp.now()
            rows.touchChange(of: id, at: now)
            noteChange(in: parent.id, at: now, rows)
            return (entry, rows.file(id) ?? file)
        }
        settle([entry.id], on: backends[entry.backend], due: entry.touched)
        return try shown(entry, file)
    }

    /// Another name of a file whose object has its newest bytes.
    func twin(of task: Task, _ rows: Connection) -> Entry? {
        guard task.file.links > 1 else { return nil }
        return rows.entries(of: task.file.id).first { other in
            other.id != task.entry.id && other.isAttached && other.key != nil
                && other.storedData >= task.file.data
        }
    }

    /// Other names of a file that have yet to get the bytes that this name's object has.
    func lagging(behind entry: Entry, _ rows: Connection) -> [Entry] {
        rows.entries(of: entry.file).filter { other in
            other.id != entry.id && other.isAttached && other.storedData < entry.storedData
        }
    }
}
