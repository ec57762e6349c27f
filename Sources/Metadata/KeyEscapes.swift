public import Base

/// Names for the components of keys that are no legal file names, so that nothing in a bucket is
/// hidden: `%(empty)`, `%(dot)`, `%(dotdot)`, `%(nul)`, a cut one with a digest for what is too long, and
/// `%(object)` behind an object that has the name of a directory.
///
/// A component that itself has `%(` in it is shown with `%(%)` there, so no two components share a name.
/// The entry keeps the component beside the name, so the way back is a column and not a guess.
public enum KeyEscapes {
    public static let objectSuffix = "%(object)"
    public static let directorySuffix = "%(directory)"

    /// How a component is shown, with a suffix for the loser of two that want one name.
    ///
    /// - Parameter digest: hexadecimal digits that name a component; only asked for a long one.
    public static func name(
        for component: String,
        suffix: String = "",
        digest: (String) -> String
    ) -> Name {
        var shown =
            component.utf8.contains(UInt8(ascii: "%")) ? escapePercent(component) : component
        if component.utf8.contains(0) {
            shown = shown.split(separator: "\0", omittingEmptySubsequences: false)
                .joined(separator: "%(nul)")
        }
        switch shown {
        case "": shown = "%(empty)"
        case ".": shown = "%(dot)"
        case "..": shown = "%(dotdot)"
        default: break
        }
        shown += suffix
        guard shown.utf8.count > Name.longestBytes else { return Name(shown) }
        let mark = "%(" + digest(component).prefix(12) + ")" + suffix
        return Name(cut(shown, toBytes: Name.longestBytes - mark.utf8.count) + mark)
    }

    private static func escapePercent(_ component: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(component.utf8)[...]
        while let byte = rest.popFirst() {
            bytes.append(byte)
            if byte == UInt8(ascii: "%"), rest.first == UInt8(ascii: "(") {
                bytes += Array("(%)".utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The longest beginning that fits and ends between two characters.
    private static func cut(_ text: String, toBytes limit: Int) -> String {
        var result = ""
        var count = 0
        for character in text {
            count += character.utf8.count
            if count > limit { break }
            result.append(character)
        }
        return result
    }
}
