import Base

/// The name of the local version when someone else wrote the same file:
/// `name.conflict-<host>-<time>.ext`.
enum ConflictName {
    static func make(for name: Name, at now: Timestamp) -> Name {
        let mark = ".conflict-\(hostName().prefix(32))-\(now.compactUTC)"
        let suffix = suffix(of: name.text)
        var stem = String(name.text.dropLast(suffix.count))
        while stem.utf8.count + mark.utf8.count + suffix.utf8.count > Name.longestBytes,
            !stem.isEmpty
        {
            stem.removeLast()
        }
        return Name(stem + mark + suffix)
    }

    /// The extension with its dot.
    private static func suffix(of name: String) -> String {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
        return String(name[dot...])
    }
}
