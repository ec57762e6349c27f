/// Shows how far something is: in a line that changes on a terminal, in lines elsewhere.
struct ProgressDisplay {
    let isJSON: Bool
    private var hasLine = false

    init(isJSON: Bool) { self.isJSON = isJSON }

    /// - Parameters:
    ///   - line: the report as it came.
    ///   - bar: what a terminal shows in place of the words.
    mutating func show(_ words: String, _ line: [UInt8], bar: String? = nil) {
        if isJSON { return Output.line(String(decoding: line, as: UTF8.self)) }
        guard Output.isTerminal else { return Output.line(words) }
        hasLine = true
        // The rest of a longer line before goes.
        Output.text("\r\(bar ?? words)\u{1b}[K")
    }

    /// What comes next starts on a line of its own.
    mutating func end() {
        if hasLine { Output.line("") }
        hasLine = false
    }
}
