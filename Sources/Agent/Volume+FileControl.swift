import Base
import Metadata
public import Volumes
public import Wire

extension Volume {
    public func details(of path: String) throws(Problem) -> FileDetails {
        try about(path) { () throws(Errno) in try details(path, try resolve(path)) }
    }

    public func changeFile(at path: String, _ change: FileChange) throws(Problem) -> FileDetails {
        if let new = change.path { try rename(path, to: new) }
        let path = change.path ?? path
        return try about(path) { () throws(Errno) in
            let found = try resolve(path)
            if let modified = change.modified {
                var changes = AttributeChanges()
                changes.modified = modified.timestamp
                _ = try setAttributes(changes, of: found.inode)
                notifyOfChange(of: found.inode)
            }
            return try details(path, try resolve(path))
        }
    }

    public func removeFile(at path: String) throws(Problem) -> FileDetails {
        try about(path) { () throws(Errno) in
            let (directory, name) = try place(path)
            let found = try lookup(name, in: directory).attributes
            let details = try details(path, found)
            if found.isDirectory {
                try removeDirectory(name, in: directory)
            } else {
                try unlink(name, in: directory)
            }
            notifyOfName(name, in: directory)
            return details
        }
    }

    public func makeDirectory(_ new: NewDirectory) throws(Problem) -> FileDetails {
        let names = new.path.utf8.split(separator: UInt8(ascii: "/"))
        var path = ""
        for (index, name) in names.enumerated() {
            path += "/" + String(decoding: name, as: UTF8.self)
            let isLast = index == names.count - 1
            guard isLast || new.parents == true else { continue }
            try about(path) { () throws(Errno) -> Void in
                do throws(Errno) {
                    try makeDirectory(path)
                } catch {
                    // Above it, what is there is all that is asked for, whatever it permits.
                    guard new.parents == true, let found = try? resolve(path) else { throw error }
                    guard found.isDirectory else { throw .notDirectory }
                }
            }
        }
        return try details(of: new.path)
    }

    public func open(_ path: String) throws(Problem) -> any OpenContent {
        try about(path) { () throws(Errno) in
            let found = try resolve(path)
            let handle = try open(found.inode, forWriting: false)
            // The file may have been replaced since, and its size with it.
            return OpenFile(path, self, handle, size: try attributes(of: found.inode).size)
        }
    }

    public func create(_ path: String, _ options: NewContent) throws(Problem) -> any ContentDraft {
        try about(path) { () throws(Errno) in
            let (directory, name) = try place(ofFile: path)
            if let old = try? lookup(name, in: directory).attributes {
                guard old.mode & 0o170000 == 0o100000 else {
                    throw old.isDirectory ? .isDirectory : .exists
                }
            }
            let handle = try draft(in: directory, mode: options.mode ?? 0o666 & ~usualMask)
            return FileDraft(path, self, handle, (directory, name), options)
        }
    }

    fileprivate func details(_ path: String, _ found: Attributes) throws(Errno) -> FileDetails {
        let word = { (name: String) in
            let value = try? self.extendedAttribute("user.gosync." + name, of: found.inode)
            return value.map { String(decoding: $0, as: UTF8.self) }
        }
        let backend = word("backend")
        return FileDetails(
            path: (backend == nil ? nil : try self.path(of: found.inode)) ?? path,
            entry: try entry(Self.lastName(path), found),
            changed: Moment(found.changed),
            backend: backend,
            key: word("key"),
            etag: word("etag"),
            state: backend == nil ? nil : word("state"),
            error: backend == nil ? nil : word("error"),
            tags: Self.grouped(try tags(of: found.inode))
        )
    }

    private func rename(_ path: String, to new: String) throws(Problem) {
        try about(path) { () throws(Errno) -> Void in
            let (from, name) = try place(path)
            _ = try lookup(name, in: from)
            let (to, newName) = try place(new)
            try rename(name, in: from, to: newName, in: to, replacement: .replace)
            notifyOfName(name, in: from)
            notifyOfName(newName, in: to)
        }
    }

    private func makeDirectory(_ path: String) throws(Errno) {
        let (directory, name) = try place(path)
        let owner = try attributes(of: directory)
        let new = NewFile(
            mode: 0o040000 | 0o777 & ~usualMask,
            owner: owner.owner,
            group: owner.group
        )
        _ = try make(new, named: name, in: directory)
        notifyOfName(name, in: directory)
    }

    /// The directory that a path's last name is in, and that name.
    private func place(_ path: String) throws(Errno) -> (directory: UInt64, name: Name) {
        let names = path.utf8.split(separator: UInt8(ascii: "/"))
        guard let last = names.last else { throw .notPermitted }
        let above = names.dropLast().map { "/" + String(decoding: $0, as: UTF8.self) }.joined()
        return (try resolve(above).inode, Name(String(decoding: last, as: UTF8.self)))
    }

    /// The same for a file that shows in a filter: where it lies itself.
    private func place(ofFile path: String) throws(Errno) -> (directory: UInt64, name: Name) {
        guard path.utf8.starts(with: "/filters/".utf8) else { return try place(path) }
        let found = try resolve(path)
        guard !found.isDirectory, let real = try self.path(of: found.inode) else {
            throw found.isDirectory ? .isDirectory : .stale
        }
        return try place(real)
    }
}

/// A file that is read over the control socket.
private final class OpenFile: OpenContent {
    let size: Int64
    private let path: String
    private let volume: Volume
    private let handle: Handle

    init(_ path: String, _ volume: Volume, _ handle: Handle, size: Int64) {
        self.path = path
        self.volume = volume
        self.handle = handle
        self.size = size
    }

    deinit { volume.release(handle) }

    func read(at offset: Int64, count: Int) throws(Problem) -> [UInt8] {
        do throws(Errno) {
            return try volume.bytes(handle, at: offset, count: count)
        } catch {
            throw Problem(error, path: path)
        }
    }
}

/// A file that is written over the control socket, by one thread at a time.
private final class FileDraft: ContentDraft {
    private let path: String
    private let volume: Volume
    private let handle: Handle
    private let place: (directory: UInt64, name: Name)
    private let options: NewContent
    private let offset = Monitor<Int64>(0)

    /// How much is copied at a time.
    private static let pieceBytes = 1 << 20

    init(
        _ path: String,
        _ volume: Volume,
        _ handle: Handle,
        _ place: (directory: UInt64, name: Name),
        _ options: NewContent
    ) {
        self.path = path
        self.volume = volume
        self.handle = handle
        self.place = place
        self.options = options
    }

    deinit { volume.release(handle) }

    func write(_ bytes: [UInt8]) throws(Problem) {
        let start = offset.update { offset in
            defer { offset += Int64(bytes.count) }
            return offset
        }
        do throws(Errno) {
            try unsafe volume.write(handle, at: start, bytes.span.bytes)
        } catch {
            throw Problem(error, path: path)
        }
    }

    func publish() throws(Problem) -> FileDetails {
        var modified = options.modified
        if let source = options.source { modified = try copy(source) ?? modified }
        do throws(Errno) {
            let (directory, name) = place
            try volume.publish(handle, as: name, in: directory, modified: modified)
            return try volume.details(path, try volume.attributes(of: handle.inode))
        } catch {
            throw Problem(error, path: path)
        }
    }

    /// Copies bytes, and attributes if they are wanted; returns the time that is to be the file's.
    private func copy(_ source: String) throws(Problem) -> Timestamp? {
        let content = try volume.open(source)
        var offset: Int64 = 0
        while offset < content.size {
            let bytes = try content.read(at: offset, count: Self.pieceBytes)
            guard !bytes.isEmpty else { throw Problem(.stale, path: source) }
            try write(bytes)
            offset += Int64(bytes.count)
        }
        guard options.keepsAttributes else { return nil }
        do throws(Errno) {
            let found = try volume.resolve(source)
            try volume.copyAttributes(of: found.inode, to: handle)
            return found.modified
        } catch {
            throw Problem(error, path: source)
        }
    }
}
