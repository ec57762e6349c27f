/// How far something is, in one line of a terminal.
enum ProgressBar {
    private static let width = 24

    /// - Parameter done: from 0 to 1.
    static func text(_ done: Double, _ words: String) -> String {
        let filled = max(0, min(width, Int(done * Double(width))))
        let bar =
            String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
        return "[\(bar)] \(Int(done * 100))%  \(words)"
    }

    /// Takes the place of what stands in the line.
    static func show(_ done: Double, _ words: String) {
        Output.text("\r\(text(done, words))\u{1b}[K")
    }

    /// Leaves the line empty.
    static func clear() { Output.text("\r\u{1b}[K") }
}
