/// The parts of a file's name, told apart as the `ext` and `stem` fields do.
public enum FileName {
    /// The name without the last dot and what follows; all of `name`, `name.` and `.name`.
    public static func stem(_ name: String) -> String {
        guard let dot = extensionDot(name) else { return name }
        return String(name[..<dot])
    }

    /// Where the extension begins, with its dot; `nil` where there is none.
    static func extensionDot(_ name: String) -> String.Index? {
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")), dot != name.startIndex,
            name.utf8.index(after: dot) != name.endIndex
        else { return nil }
        return dot
    }

    /// What a view's distinguishing mark stands between: `Film.mkv` is "Film" and ".mkv".
    ///
    /// Language parts of subtitles belong to the end, so that `Film.en.srt` stays with its film. An end
    /// longer than `longestEndBytes` is none.
    public static func parts(_ name: String) -> (front: Substring, end: Substring) {
        guard var dot = extensionDot(name),
            name.utf8.distance(from: dot, to: name.endIndex) <= longestEndBytes
        else { return (name[...], "") }
        let ext = name[name.utf8.index(after: dot)...].lowercased()
        if subtitleExtensions.contains(ext) {
            for _ in 0..<mostLanguageParts {
                guard let next = name[..<dot].utf8.lastIndex(of: UInt8(ascii: ".")),
                    next != name.startIndex,
                    isLanguagePart(name[name.utf8.index(after: next)..<dot])
                else { break }
                dot = next
            }
        }
        return (name[..<dot], name[dot...])
    }

    private static let longestEndBytes = 64
    private static let mostLanguageParts = 3
    private static let subtitleExtensions: Set = [
        "srt", "ass", "ssa", "sub", "idx", "vtt", "smi", "sup", "ttml",
    ]
    private static let languageFlags: Set = ["forced", "sdh", "cc", "hi", "default", "full"]

    /// `en`, `deu`, `pt-BR`, or a flag such as `forced`.
    private static func isLanguagePart(_ part: Substring) -> Bool {
        if languageFlags.contains(part.lowercased()) { return true }
        let pieces = part.split(separator: "-", omittingEmptySubsequences: false)
        guard pieces.count <= 2, let language = pieces.first, (2...3).contains(language.utf8.count)
        else { return false }
        let isShort = pieces.count == 1 || (2...4).contains(pieces[1].utf8.count)
        return isShort && pieces.allSatisfy { $0.allSatisfy { $0.isASCII && $0.isLetter } }
    }
}
