import Base
import Glibc
import Wire

/// A file or directory of one of the two sides that `cp` and `mv` know.
enum Place: Equatable {
    /// Absolute in the volume.
    case volume(String)
    /// Of this machine, which may be a path in a mount too.
    case local(String)

    /// What starts with `/backends` or `/filters` is the volume's, and nothing else.
    init(_ word: String) {
        self = word != "/" && PathResolver.isVirtual(word) ? .volume(word) : .local(word)
    }

    var path: String {
        switch self {
        case .volume(let path), .local(let path): path
        }
    }

    func appending(_ name: String) -> Place {
        let base = path.hasSuffix("/") ? path : path + "/"
        switch self {
        case .volume: return .volume(base + name)
        case .local: return .local(base + name)
        }
    }

    /// The last name of the path, by bytes; `nil` for one that has none of its own.
    var name: String? {
        let last = path.utf8.split(separator: UInt8(ascii: "/")).last
        return last.map { String(decoding: $0, as: UTF8.self) }.flatMap { name in
            name == "." || name == ".." ? nil : name
        }
    }
}

/// Copies files between this machine and the volume, and within the volume.
struct Copying {
    enum Kind { case file, directory, link, special }

    let daemon: Daemon
    var isRecursive = false
    /// Permissions and times as well, and within the volume the tags.
    var keepsAttributes = false
    /// What of a tree fails is told to a program.
    var isJSON = false

    /// What lies at a place; `nil` if nothing does.
    ///
    /// - Parameter followsLinks: of this machine; within a directory that is copied they are not followed,
    ///   as one may lead to a directory above it.
    func kind(of place: Place, followsLinks: Bool = true) throws -> Kind? {
        switch place {
        case .volume(let path):
            do {
                switch try daemon.details(path).entry.kind {
                case .file: return .file
                case .directory, .filter: return .directory
                case .symlink: return .link
                case .other: return .special
                }
            } catch let failure as Failure where failure.isAbsence {
                return nil
            }
        case .local(let path):
            var status = stat()
            guard (followsLinks ? stat(path, &status) : lstat(path, &status)) == 0 else {
                return nil
            }
            switch status.st_mode & S_IFMT {
            case S_IFREG: return .file
            case S_IFDIR: return .directory
            case S_IFLNK: return .link
            default: return .special
            }
        }
    }

    func copy(_ source: Place, to target: Place, isWithinTree: Bool = false) throws {
        switch try kind(of: source, followsLinks: !isWithinTree) {
        case nil: throw Failure(.failed, "\(source.path): there is no such file or directory")
        case .file: try copyFile(source, to: target)
        case .directory:
            guard isRecursive else {
                throw Failure(.failed, "\(source.path): it is a directory; -r copies those too")
            }
            try copyTree(source, to: target)
        case .link: throw Failure(.failed, "\(source.path): it is a link, which is not copied")
        case .special: throw Failure(.failed, "\(source.path): it is no plain file")
        }
    }

    private func copyTree(_ source: Place, to target: Place) throws {
        if target.path == source.path || target.path.utf8.starts(with: (source.path + "/").utf8) {
            throw Failure(.failed, "\(source.path): a directory cannot be copied into itself")
        }
        switch try kind(of: target) {
        case .directory: break
        case nil: try makeDirectory(target)
        default: throw Failure(.failed, "\(target.path): it is in the way, and no directory")
        }
        var failures = 0
        for name in try names(in: source) {
            let below = source.appending(name)
            do {
                try copy(below, to: target.appending(name), isWithinTree: true)
            } catch let failure as Failure where failure.code != .noDaemon {
                failures += 1
                Output.failure(failure, of: below.path, isJSON: isJSON)
            }
        }
        // Whoever moves a tree must not remove it after this.
        guard failures == 0 else {
            throw Failure(.failed, "\(source.path): not all of it could be copied")
        }
    }

    private func names(in directory: Place) throws -> [String] {
        switch directory {
        case .volume(let path): return try daemon.entries(of: path).map(\.name)
        case .local(let path):
            return try about(path) { () throws(Errno) in
                let (names, unreadable) = try Directory(opening: path).names()
                guard unreadable == 0 else { throw .illegalBytes }
                return names.sorted { Name($0) < Name($1) }
            }
        }
    }

    private func makeDirectory(_ place: Place) throws {
        switch place {
        case .volume(let path): try daemon.makeDirectory(path)
        case .local(let path):
            try about(path) { () throws(Errno) in _ = try retrying { mkdir(path, 0o777) } }
        }
    }

    private func copyFile(_ source: Place, to target: Place) throws {
        switch (source, target) {
        case (.local(let from), .volume(let to)): try upload(from, to: to)
        case (.volume(let from), .local(let to)): try download(from, to: to)
        case (.volume(let from), .volume(let to)):
            var items = QueryItems()
            items["from"] = from
            if keepsAttributes { items["attributes"] = "yes" }
            try daemon.write(to, items)
        case (.local, .local):
            let rule = "one side starts with /backends or /filters"
            throw Failure(.usage, "\(source.path): both files are of this machine; \(rule)")
        }
    }

    private func upload(_ from: String, to: String) throws {
        let file = try about(from) { () throws(Errno) in
            try FileDescriptor(opening: from, flags: O_RDONLY)
        }
        let status = try about(from) { () throws(Errno) in try file.status() }
        var items = QueryItems()
        items["mode"] = String(
            status.mode & (keepsAttributes ? 0o777 : 0o777 & ~Self.mask),
            radix: 8
        )
        if keepsAttributes { items["modified"] = "\(Moment(status.modified))" }
        do {
            try daemon.write(to, items, from: file)
        } catch let error as Errno {
            throw Failure(.failed, "\(from): it cannot be read, or was changed meanwhile: \(error)")
        }
    }

    /// A local file is replaced when all bytes are there; what is no plain file is written to.
    private func download(_ from: String, to: String) throws {
        let old = FileStatus(ofFileAt: to)
        if let old, old.mode & S_IFMT != S_IFREG { return try write(from, into: to) }
        let entry = try daemon.details(from).entry
        // Through a link, it is the file behind it that is replaced.
        let to = realPath(to) ?? to
        let draft = "\(to).gosync-\(getpid())"
        do {
            try about(to) { () throws(Errno) in
                let flags = O_WRONLY | O_CREAT | O_EXCL
                _ = try FileDescriptor(opening: draft, flags: flags)
            }
            try write(from, into: draft)
            try about(to) { () throws(Errno) in
                let file = try FileDescriptor(opening: draft, flags: O_WRONLY)
                let usual = old?.mode ?? entry.mode & ~Self.mask
                try file.setMode((keepsAttributes ? entry.mode : usual) & 0o7777)
                if keepsAttributes { try file.setModified(entry.modified.timestamp) }
                _ = try retrying { rename(draft, to) }
            }
        } catch {
            unlink(draft)
            throw error
        }
    }

    private func write(_ from: String, into path: String) throws {
        let file = try about(path) { () throws(Errno) in
            try FileDescriptor(opening: path, flags: O_WRONLY)
        }
        let number = file.rawValue
        do {
            try daemon.read(from) { (bytes) throws(Errno) in try Output.write(bytes, to: number) }
        } catch let error as Errno {
            throw Failure(.failed, "\(path): it cannot be written: \(error)")
        }
        _ = consume file
    }

    private func about<R: ~Copyable>(
        _ path: String,
        _ body: () throws(Errno) -> R
    ) throws(Failure) -> R {
        do throws(Errno) {
            return try body()
        } catch {
            throw Failure(.failed, "\(path): \(error)")
        }
    }

    private func realPath(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    /// Permissions that new files do not get.
    private static let mask: UInt32 = {
        let mask = umask(0)
        umask(mask)
        return mask
    }()
}
