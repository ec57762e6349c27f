/// How far something is, drawn: such as `[######------------------] 25%  3 files`.
enum ProgressBar {
    private static let width = 24

    /// - Parameter done: from 0 to 1.
    static func text(_ done: Double, _ words: String) -> String {
        let done = max(0, min(1, done))
        let filled = Int(done * Double(width))
        let bar =
            String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
        return "[\(bar)] \(Int(done * 100))%  \(words)"
    }
}
