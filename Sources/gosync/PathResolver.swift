import Base
import Glibc

/// Finds out which file of the volume a typed path means.
///
/// `/backends/…` and `/filters/…` are the volume's own paths, as is one that starts with the id of a
/// backend. Any other path is one of this machine, and must lie in a mount.
struct PathResolver {
    let mountPoints: [String]
    let backends: [String]
    var workingDirectory = PathResolver.currentDirectory()
    /// Resolves the links of a directory; `nil` if it does not exist.
    var canonical: (String) -> String? = PathResolver.realPath
    var exists: (String) -> Bool = PathResolver.isThere

    /// Needs to know neither mounts nor backends.
    static func isVirtual(_ path: String) -> Bool {
        let path = normalized(path)
        return path == "/" || path == "/backends" || path == "/filters"
            || path.hasPrefix("/backends/") || path.hasPrefix("/filters/")
    }

    /// Whether a word is a path of something that is there, or of the volume.
    static func isPath(_ word: String) -> Bool { isVirtual(word) || isThere(word) }

    /// `nil` means the working directory, if it is in a mount, else everything.
    func file(_ typed: String?) throws(Failure) -> String {
        guard let typed else { return inMount(workingDirectory) ?? "/" }
        guard !typed.isEmpty else { throw Failure(.usage, "an empty path names no file") }
        if Self.isVirtual(typed) { return Self.normalized(typed) }
        let absolute = typed.hasPrefix("/") ? typed : workingDirectory + "/" + typed
        let found = inMount(absolute)
        // A name that is there, seen from the working directory, wins over a backend's.
        if let found, typed.hasPrefix("/") || exists(absolute) { return found }
        if let named = volumePath(typed) { return named }
        if let found { return found }
        throw Failure(
            .failed,
            "\(typed) is not in a mount of GoSync\(mounts), nor does it start \(start)"
        )
    }

    /// Below `/filters`; a relative path starts there, unless it begins with `./` or `../`.
    func filter(_ typed: String) throws(Failure) -> String {
        let isHere = typed.hasPrefix("./") || typed.hasPrefix("../") || typed == "."
        if !typed.hasPrefix("/"), !isHere {
            let path = Self.normalized("/" + typed)
            return String((path.hasPrefix("/filters/") ? path.dropFirst(9) : path.dropFirst()))
        }
        let path = try file(typed)
        guard path.hasPrefix("/filters/") else {
            throw Failure(.failed, "\(typed) does not lie below /filters")
        }
        return String(path.dropFirst(9))
    }

    private func volumePath(_ typed: String) -> String? {
        let path = Self.normalized("/" + typed)
        let first = path.dropFirst().prefix { $0 != "/" }
        if first == "backends" || first == "filters" { return path }
        return backends.contains(String(first)) ? "/backends" + path : nil
    }

    /// The path below a mount point; links on the way are followed, one at the end is not.
    private func inMount(_ absolute: String) -> String? {
        var path = Self.normalized(absolute)
        if path != "/", let slash = path.lastIndex(of: "/") {
            let name = path[path.index(after: slash)...]
            let directory = slash == path.startIndex ? "/" : String(path[..<slash])
            if let found = canonical(directory) { path = Self.normalized(found + "/" + name) }
        }
        for mountPoint in mountPoints {
            for root in [mountPoint, canonical(mountPoint) ?? mountPoint] {
                if path == root { return "/" }
                let inside = root == "/" ? root : root + "/"
                if path.utf8.starts(with: inside.utf8) {
                    return "/" + String(path.unicodeScalars.dropFirst(inside.unicodeScalars.count))
                }
            }
        }
        return nil
    }

    private var mounts: String {
        mountPoints.isEmpty ? "" : " (\(mountPoints.joined(separator: ", ")))"
    }

    private var start: String {
        "with /backends, /filters or the name of a backend (\(backends.joined(separator: ", ")))"
    }

    /// Without `//`, `.` and `..`, as far as the text alone tells.
    private static func normalized(_ path: String) -> String {
        guard path.hasPrefix("/") else { return path }
        var parts: [Substring.UnicodeScalarView] = []
        for part in path.unicodeScalars.split(separator: "/") {
            switch String(part) {
            case ".": break
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.map { String($0) }.joined(separator: "/")
    }

    private static func currentDirectory() -> String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    private static func realPath(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    private static func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }
}
