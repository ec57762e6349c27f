public import Base
import Glibc
import Synchronization

extension LocalStore {
    public func put(
        _ key: Key,
        body: ObjectBody,
        attributes: ObjectAttributes,
        condition: PutCondition,
        trace: UploadTrace?
    ) throws(StoreError) -> ObjectInfo {
        let place = try LocalPlace(key)
        if place.isDirectory { return try putDirectory(key, place, attributes) }
        let origin = try origin(of: body)
        var isOriginChanged = false
        do throws(StoreError) {
            return try publish(key, place, attributes, condition) {
                (name, directory) throws(Errno) in
                switch (attributes.mode ?? 0) & S_IFMT {
                case S_IFLNK:
                    let target = String(decoding: try Self.read(body), as: UTF8.self)
                    try directory.makeLink(name, to: target)
                case S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK:
                    try directory.makeSpecial(name, mode: attributes.mode ?? 0, device: 0)
                default:
                    let file = try directory.open(name, flags: O_WRONLY | O_CREAT | O_EXCL)
                    isOriginChanged = try !write(body, from: origin, to: file)
                    if isOriginChanged { throw .stale }
                    try file.synchronize()
                }
            }
        } catch {
            throw isOriginChanged ? .originChanged : error
        }
    }

    private func origin(of body: ObjectBody) throws(StoreError) -> FileDescriptor? {
        guard let origin = body.origin else { return nil }
        do throws(StoreError) {
            return try file(of: origin.key, ifMatch: origin.etag)
        } catch {
            throw error == .missing || error == .changed ? .originChanged : error
        }
    }

    /// Copies what the origin has, without moving it where the file system knows how to, and writes the
    /// rest; `false` if the origin is not what it was.
    private func write(
        _ body: ObjectBody,
        from origin: borrowing FileDescriptor?,
        to file: borrowing FileDescriptor
    ) throws(Errno) -> Bool {
        guard let known = body.origin else {
            try Self.write(body, 0..<body.size, to: file)
            return true
        }
        switch origin {
        case .some(let source):
            var position: Int64 = 0
            for range in known.unchanged {
                try Self.write(body, position..<range.lowerBound, to: file)
                do throws(Errno) {
                    try source.copy(range, to: file)
                } catch {
                    guard Self.cannotCopy.contains(error) else { throw error }
                    try Self.write(body, range, to: file)
                }
                position = range.upperBound
            }
            try Self.write(body, position..<body.size, to: file)
            // After the bytes were copied: what changed while they were is never made an object.
            return try ObjectInfo(known.key, source.nameStatus()).etag == known.etag
        case .none: return false
        }
    }

    /// From one file system to another below the directory, or within one that does not know how to.
    private static let cannotCopy = [Errno.crossDevice, .notSupported, Errno(ENOSYS)]

    private static func write(
        _ body: ObjectBody,
        _ range: Range<Int64>,
        to file: borrowing FileDescriptor
    ) throws(Errno) {
        var position = range.lowerBound
        while position < range.upperBound {
            let end = min(position + blockBytes, range.upperBound)
            let bytes = try read(body, position..<end)
            try unsafe file.write(bytes.span.bytes, at: position)
            position = end
        }
    }

    public func copy(
        _ source: Key,
        to target: Key,
        attributes: ObjectAttributes,
        condition: PutCondition,
        ifMatch: String?,
        trace: UploadTrace?
    ) throws(StoreError) -> ObjectInfo {
        let from = try LocalPlace(source, mustExist: true)
        let place = try LocalPlace(target)
        let known = try head(source)
        if let ifMatch, ifMatch != known.etag { throw .originChanged }
        if place.isDirectory { return try putDirectory(target, place, attributes) }
        if source == target {
            return try inStore { () throws(Errno) in
                let directory = try root.directory(place.directory)
                try Self.apply(attributes, to: place.name, in: directory)
                return ObjectInfo(target, try directory.status(of: place.name))
            }
        }
        let info = try publish(target, place, attributes, condition) {
            (name, directory) throws(Errno) in
            let origin = try root.directory(from.directory)
            let status = try origin.status(of: from.name)
            if status.isLink {
                let link = String(decoding: try origin.target(ofLink: from.name), as: UTF8.self)
                return try directory.makeLink(name, to: link)
            }
            guard status.isRegular else {
                return try directory.makeSpecial(name, mode: status.mode, device: status.device)
            }
            let original = try origin.open(from.name, flags: O_RDONLY | O_NONBLOCK)
            let file = try directory.open(name, flags: O_WRONLY | O_CREAT | O_EXCL)
            try original.copy(to: file, sizeBytes: status.sizeBytes)
            try file.synchronize()
        }
        // Somebody who wrote into the source meanwhile has made a copy of neither version.
        if try head(source).etag != known.etag {
            _ = try delete([ObjectVersion(key: target, etag: info.etag)])
            throw .originChanged
        }
        return info
    }

    /// Nothing goes up in parts here.
    public func abandon(_ upload: UploadRecord) {}

    /// Makes a file under another name, and puts it in its place at once.
    private func publish(
        _ key: Key,
        _ place: LocalPlace,
        _ attributes: ObjectAttributes,
        _ condition: PutCondition,
        make: (String, borrowing Directory) throws(Errno) -> Void
    ) throws(StoreError) -> ObjectInfo {
        try makeDirectories(place.directory)
        let temporary = temporaryName()
        var isChanged = false
        let info: ObjectInfo? = try inStore { () throws(Errno) in
            let directory = try root.directory(place.directory)
            do throws(Errno) {
                try make(temporary, directory)
                try Self.apply(attributes, to: temporary, in: directory)
                let info: ObjectInfo? = try publishing.withLock { _ throws(Errno) in
                    let now = try Self.statusWithoutEmptyDirectory(place.name, in: directory)
                    let etag = now.map { ObjectInfo(key, $0).etag }
                    switch condition {
                    case .none: break
                    case .absent: if etag != nil { return nil }
                    case .matches(let expected): if etag != expected { return nil }
                    }
                    try directory.rename(temporary, to: place.name, replacing: condition != .absent)
                    return ObjectInfo(key, try directory.status(of: place.name))
                }
                guard let info else {
                    try directory.remove(temporary)
                    isChanged = true
                    return nil
                }
                try directory.synchronize()
                return info
            } catch {
                try? directory.remove(temporary)
                if error == .exists {
                    isChanged = true
                    return nil
                }
                throw error
            }
        }
        guard let info, !isChanged else { throw .changed }
        return info
    }

    /// What lies in the way of a file.
    ///
    /// An empty directory does not: in a bucket, what was only there for the sake of what was in it
    /// would be gone.
    private static func statusWithoutEmptyDirectory(
        _ name: String,
        in directory: borrowing Directory
    ) throws(Errno) -> NameStatus? {
        let now = try? directory.status(of: name)
        guard let now, now.isDirectory else { return now }
        do throws(Errno) {
            try removeDirectory(name, in: directory)
        } catch {
            throw error == .notEmpty ? .invalid : error
        }
        return nil
    }

    private func putDirectory(
        _ key: Key,
        _ place: LocalPlace,
        _ attributes: ObjectAttributes
    ) throws(StoreError) -> ObjectInfo {
        try makeDirectories(place.directory)
        return try inStore { () throws(Errno) in
            let directory = try root.directory(place.directory)
            do throws(Errno) {
                try directory.makeDirectory(place.name)
            } catch {
                guard error == .exists else { throw error }
                guard try directory.status(of: place.name).isDirectory else { throw .invalid }
            }
            try Self.apply(attributes, to: place.name, in: directory)
            try directory.synchronize()
            return ObjectInfo(key, try directory.status(of: place.name))
        }
    }

    private func makeDirectories(_ path: String) throws(StoreError) {
        guard !path.isEmpty else { return }
        try inStore { () throws(Errno) in
            if (try? root.directory(path)) != nil { return }
            var above = ""
            for component in path.split(separator: "/").map(String.init) {
                do throws(Errno) {
                    try root.directory(above).makeDirectory(component)
                } catch {
                    guard error == .exists else { throw error }
                }
                above += above.isEmpty ? component : "/" + component
            }
            // A file or a link where a directory is needed: the key and that file cannot both be.
            do throws(Errno) {
                _ = try root.directory(path)
            } catch {
                throw error == .notDirectory || error == .loop ? .invalid : error
            }
        }
    }

    /// The owner first: to change it clears the set-user-id bit.
    private static func apply(
        _ attributes: ObjectAttributes,
        to name: String,
        in directory: borrowing Directory
    ) throws(Errno) {
        if mayChangeOwners(), attributes.owner != nil || attributes.group != nil {
            let keep = UInt32.max
            try directory.setOwner(
                attributes.owner ?? keep,
                group: attributes.group ?? keep,
                of: name
            )
        }
        do throws(Errno) {
            if let mode = attributes.mode { try directory.setMode(mode, of: name) }
        } catch {
            // A link, whatever the mode says that it should get.
            guard error == .notSupported else { throw error }
        }
        if let modified = attributes.modified { try directory.setModified(modified, of: name) }
    }

    private static func read(_ body: ObjectBody) throws(Errno) -> [UInt8] {
        try read(body, 0..<body.size)
    }

    private static func read(_ body: ObjectBody, _ range: Range<Int64>) throws(Errno) -> [UInt8] {
        try filledBytes(count: Int(range.upperBound - range.lowerBound)) {
            (output, offset) throws(Errno) in
            try body.read(&output, range.lowerBound + offset)
        }
    }
}
