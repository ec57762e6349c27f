/// Where a filter may lie below `/filters`.
public enum FilterPath {
    /// What is wrong with a path as the place of a filter, or `nil`: the end of "the path … ".
    public static func problem(with path: String) -> String? {
        for name in path.split(separator: "/", omittingEmptySubsequences: false) {
            if name.isEmpty { return "has an empty part: it neither starts nor ends with a /" }
            if name == "." || name == ".." { return "has a '\(name)' in it" }
            if name.utf8.count > Name.longestBytes {
                return "has a name longer than \(Name.longestBytes) bytes"
            }
            if name.utf8.contains(0) { return "has a zero byte in it" }
        }
        let isReserved = path == ".q" || path.hasPrefix(".q/")
        return isReserved ? "starts with .q, which is for queries typed as paths" : nil
    }
}
