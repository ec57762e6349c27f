import Glibc

/// What a log file left behind when it gave way: `NAME.20261126T201500Z`, then `NAME.20261126T201500Z.gz`.
enum OldLogFiles {
    private static let compressed = ".gz"

    /// A name that nothing has yet.
    static func freePath(for path: String, at time: Timestamp) -> String {
        var time = time
        while true {
            let candidate = "\(path).\(time.compactUTC)"
            let isTaken = [candidate, candidate + compressed].contains {
                FileStatus(ofFileAt: $0) != nil
            }
            if !isTaken { return candidate }
            time = time.adding(seconds: 1)
        }
    }

    /// Compresses what is not yet, and removes what is too much or too old.
    static func tidy(_ path: String, _ rotation: LogFile.Rotation) {
        if rotation.compresses {
            for old in all(of: path) where !old.hasSuffix(compressed) { compress(old) }
        }
        let newestFirst = all(of: path).sorted().reversed()
        let limit = rotation.keptSeconds.map { Timestamp.now().adding(seconds: -$0) }
        for (index, old) in newestFirst.enumerated() {
            let isOld = limit.map { FileStatus(ofFileAt: old)?.modified ?? $0 < $0 } ?? false
            if index >= rotation.backups || isOld { unlink(old) }
        }
    }

    private static func compress(_ path: String) {
        do throws(Errno) {
            // Writes beside it, keeps time and mode, and removes it at the end; a piece that was left by a
            // crash is overwritten.
            let (status, _) = try output(of: "gzip", ["-f", "--", path])
            if status != 0 { Log.warning("\(path): gzip ended with \(status)") }
        } catch {
            Log.warning("\(path) cannot be compressed: \(error)")
        }
    }

    private static func all(of path: String) -> [String] {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let folder = String(path[..<slash])
        let prefix = path[path.index(after: slash)...] + "."
        let names = (try? Directory(opening: folder.isEmpty ? "/" : folder).names().names) ?? []
        return names.filter { name in
            guard name.hasPrefix(prefix) else { return false }
            var digits = name.dropFirst(prefix.count)
            if digits.hasSuffix(compressed) { digits.removeLast(compressed.count) }
            return digits.count == 16 && digits.allSatisfy { $0.isNumber || "TZ".contains($0) }
        }
        .map { folder + "/" + $0 }
    }
}
