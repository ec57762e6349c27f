public import Base
import Glibc
import Synchronization

/// A directory as it is: the path of a file is its key, and every file is an object.
///
/// A symbolic link is an object whose body is its target and whose mode says so, a directory one of
/// no bytes whose key ends in `/`. Nothing outside the directory is reached, whatever links lie in it.
/// A name that is no UTF-8 cannot be a key and is left alone.
public final class LocalStore: Store {
    let path: String
    let root: Directory
    /// One writer at a time checks a condition and acts on it.
    let publishing = Mutex(())
    let listings = Mutex(LocalListings())
    private let counter = Atomic<Int>(0)

    /// What is being written, until it takes its place; not an object.
    static let temporaryPrefix = ".gosync-tmp-"
    /// What a crash has left behind is removed when a listing finds it this old, in seconds.
    static let temporarySeconds: Double = 24 * 3600

    /// - Parameter directory: made if it is missing.
    public init(directory: String) throws(StoreError) {
        path = directory
        do throws(Errno) {
            try makeDirectory(directory)
            root = try Directory(opening: directory)
        } catch {
            throw .unavailable("\(directory): \(error)")
        }
    }

    public func check() throws(StoreError) {
        do throws(Errno) {
            _ = try root.status(of: ".")
        } catch {
            throw .unavailable("\(path): \(error)")
        }
    }

    public func capabilities() throws(StoreError) -> Capabilities { Self.capabilities }

    public var knownCapabilities: Capabilities? { Self.capabilities }

    private static let capabilities = Capabilities(
        conditionalPut: true,
        conditionalCopy: true,
        conditionalDelete: .always,
        directoryMarkers: true,
        metadata: false
    )

    public func space() -> Space? {
        guard let space = try? fileSystemSpace(at: path) else { return nil }
        return Space(total: space.total, free: space.free)
    }

    public func close() {}

    public func head(_ key: Key) throws(StoreError) -> ObjectInfo {
        let place = try LocalPlace(key, mustExist: true)
        return try inStore { () throws(Errno) in
            let directory = try root.directory(place.directory)
            let status = try directory.status(of: place.name)
            guard status.isDirectory == place.isDirectory else { throw .noEntry }
            return ObjectInfo(key, status)
        }
    }

    @discardableResult
    public func get(
        _ key: Key,
        range: Range<Int64>,
        ifMatch: String?,
        sink: (RawSpan) throws(Errno) -> Void
    ) throws(StoreError) -> ObjectInfo {
        let place = try LocalPlace(key, mustExist: true)
        var isChanged = false
        var sinkFailure: Errno?
        let info = try inStore { () throws(Errno) in
            let directory = try root.directory(place.directory)
            let status = try directory.status(of: place.name)
            let info = ObjectInfo(key, status)
            let isSame = { (status: NameStatus) in
                ifMatch.map { $0 == ObjectInfo(key, status).etag } ?? true
            }
            guard isSame(status) else {
                isChanged = true
                return info
            }
            guard !range.isEmpty else { return info }
            if status.isLink {
                let target = try directory.target(ofLink: place.name)
                guard range.upperBound <= target.count else { throw .invalid }
                let part = Array(target[Int(range.lowerBound)..<Int(range.upperBound)])
                try unsafe sink(part.span.bytes)
                return info
            }
            guard status.isRegular else { throw .invalid }
            let file = try directory.open(place.name, flags: O_RDONLY | O_NONBLOCK)
            var position = range.lowerBound
            while position < range.upperBound {
                let end = min(position + Self.blockBytes, range.upperBound)
                let bytes = try file.bytes(in: position..<end)
                // After the bytes were read: what changed while they were is never handed on.
                guard isSame(try file.nameStatus()) else {
                    isChanged = true
                    return info
                }
                guard bytes.count == Int(end - position) else { throw .invalid }
                do throws(Errno) {
                    try unsafe sink(bytes.span.bytes)
                } catch {
                    sinkFailure = error
                    return info
                }
                position = end
            }
            return info
        }
        if let sinkFailure { throw .aborted(sinkFailure) }
        if isChanged { throw .changed }
        return info
    }

    public var keepsFiles: Bool { true }

    public func file(of key: Key, ifMatch: String) throws(StoreError) -> FileDescriptor? {
        let place = try LocalPlace(key, mustExist: true)
        guard !place.isDirectory else { return nil }
        var isChanged = false
        let found = try inStore { () throws(Errno) -> FileDescriptor? in
            let directory = try root.directory(place.directory)
            let file = try directory.open(place.name, flags: O_RDONLY | O_NONBLOCK)
            let status = try file.nameStatus()
            isChanged = ObjectInfo(key, status).etag != ifMatch
            guard status.isRegular else { return nil }
            return file
        }
        if isChanged { throw .changed }
        return found
    }

    public func delete(
        _ versions: [ObjectVersion]
    ) throws(StoreError) -> [(key: Key, error: StoreError)] {
        var failures: [(key: Key, error: StoreError)] = []
        for version in versions {
            let key = version.key
            do throws(StoreError) {
                let place = try LocalPlace(key, mustExist: true)
                let isKnown = try inStore { () throws(Errno) in
                    let directory = try root.directory(place.directory)
                    if place.isDirectory {
                        try Self.removeDirectory(place.name, in: directory)
                        return true
                    }
                    return try publishing.withLock { _ throws(Errno) in
                        if let etag = version.etag,
                            ObjectInfo(key, try directory.status(of: place.name)).etag != etag
                        {
                            return false
                        }
                        try directory.remove(place.name)
                        return true
                    }
                }
                if !isKnown { throw .changed }
            } catch {
                // A directory with something in it is a prefix still, and its own object no more;
                // and it is no object by its name without the slash.
                let isFine = [.missing, .aborted(.notEmpty), .aborted(.isDirectory)].contains(error)
                if !isFine { failures.append((key, error)) }
            }
        }
        return failures
    }

    /// Removes a directory that is empty, or holds nothing but what a crash of ours left in it.
    static func removeDirectory(_ name: String, in directory: borrowing Directory) throws(Errno) {
        do throws(Errno) {
            try directory.removeDirectory(name)
        } catch {
            guard error == .notEmpty else { throw error }
            let inner = try directory.directory(name)
            let (names, unreadable) = try inner.names()
            guard unreadable == 0, names.allSatisfy(isAbandoned) else { throw error }
            for name in names { try inner.remove(name) }
            try directory.removeDirectory(name)
        }
    }

    /// Whether a name is that of a temporary file whose process is gone, as far as this machine can tell.
    static func isAbandoned(_ name: String) -> Bool {
        let own = temporaryPrefix + machine + "-"
        guard name.hasPrefix(own),
            let process = pid_t(name.dropFirst(own.count).prefix { $0 != "-" })
        else { return false }
        return process > 0 && kill(process, 0) != 0 && errno == ESRCH
    }

    /// Tells the processes of this machine, since it was started, from those of others that share a
    /// directory with it.
    private static let machine: String = {
        let path = "/proc/sys/kernel/random/boot_id"
        let text = try? FileDescriptor(opening: path, flags: O_RDONLY).bytes(in: 0..<36)
        return String(crc32c(text ?? []), radix: 16)
    }()

    static let blockBytes: Int64 = 1 << 20

    func temporaryName() -> String {
        let number = counter.add(1, ordering: .relaxed).newValue
        return "\(Self.temporaryPrefix)\(Self.machine)-\(getpid())-\(number)"
    }

    /// Says an error of the file system in a store's words.
    func inStore<R: ~Copyable>(_ body: () throws(Errno) -> R) throws(StoreError) -> R {
        do throws(Errno) {
            return try body()
        } catch {
            switch error {
            case .noEntry, .notDirectory, .loop: throw .missing
            case .accessDenied, .notPermitted, .readOnly: throw .denied("\(error)")
            case .noSpace, Errno(EDQUOT): throw .full
            case .tooLongName, .invalid: throw .invalid("\(error)")
            case .ioError: throw .unavailable("\(path): \(error)")
            default: throw .aborted(error)
            }
        }
    }
}

/// Where the object of a key lies.
struct LocalPlace {
    let directory: String
    let name: String
    let isDirectory: Bool
    /// - Parameter mustExist: a name of temporary files is `missing`, rather than refused because what
    ///   got it would not be seen again.
    /// - Throws: `invalid` for a key that is no path below the directory.
    init(_ key: Key, mustExist: Bool = false) throws(StoreError) {
        var components = key.text.split(separator: "/", omittingEmptySubsequences: false)
        isDirectory = components.last == ""
        if isDirectory { components.removeLast() }
        for component in components {
            let isName =
                component != "" && component != "." && component != ".."
                && component.utf8.count <= Name.longestBytes && !component.utf8.contains(0)
            guard isName else { throw .invalid("a directory cannot hold the key \(key)") }
            guard !component.hasPrefix(LocalStore.temporaryPrefix) else {
                throw mustExist ? .missing : .invalid("the key \(key) is one of temporary files")
            }
        }
        guard let last = components.popLast() else { throw .invalid("the key is empty") }
        name = String(last)
        directory = components.joined(separator: "/")
    }
}

extension ObjectInfo {
    /// Describes a file as an object.
    ///
    /// The ETag is inode, size and time of change: unlike the time of modification, nobody can set
    /// that one, so it moves whenever the bytes do. It also moves with permissions or links, which
    /// costs a reader a new fetch and no more.
    init(_ key: Key, _ status: NameStatus) {
        let etag = "\(status.inode)-\(status.sizeBytes)-\(status.changed.nanoseconds)"
        self.init(
            key: key,
            size: status.isRegular || status.isLink ? status.sizeBytes : 0,
            etag: etag,
            modified: status.modified,
            attributes: ObjectAttributes(
                mode: status.mode,
                owner: status.owner,
                group: status.group,
                modified: status.modified
            )
        )
    }
}
