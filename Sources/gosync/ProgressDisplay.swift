import Base

/// Where it shows how far something is: a line of the terminal that is written over, and elsewhere lines
/// of words or of JSON, or nothing.
struct ProgressDisplay {
    private let isJSON: Bool
    private let isTerminalOnly: Bool
    private var hasLine = false
    private var shown: Double?

    /// Seconds between two looks at what moves all the time.
    private static let pauseOnTerminal = 0.2
    private static let pauseOfReports = 1.0

    /// - Parameter isTerminalOnly: words are for somebody who waits at a terminal, and for no file.
    init(isJSON: Bool, isTerminalOnly: Bool = false) {
        self.isJSON = isJSON
        self.isTerminalOnly = isTerminalOnly
    }

    /// Whether it is time to show something again, for what could be shown at every byte.
    var isDue: Bool {
        guard isJSON || Output.isTerminal else { return false }
        guard let shown else { return true }
        let pause = isJSON ? Self.pauseOfReports : Self.pauseOnTerminal
        return monotonicSeconds() - shown > pause
    }

    /// - Parameters:
    ///   - done: from 0 to 1, where that is known; a terminal draws it.
    ///   - report: the same for programs.
    mutating func show(_ words: String, done: Double? = nil, report: [UInt8]? = nil) {
        shown = monotonicSeconds()
        if isJSON {
            if let report { Output.line(report) }
            return
        }
        guard Output.isTerminal else {
            if !isTerminalOnly { Output.line(words) }
            return
        }
        hasLine = true
        let text = done.map { ProgressBar.text($0, words) } ?? words
        // A line that wraps could not be written over; the rest of a longer line before goes.
        let columns = Output.columns.map { $0 - 1 } ?? text.count
        Output.text("\r\(text.prefix(columns))\u{1b}[K")
    }

    /// Leaves the last line standing; what comes next starts on a line of its own.
    mutating func end() {
        if hasLine { Output.line("") }
        hasLine = false
    }

    /// Takes the line away.
    mutating func clear() {
        if hasLine { Output.text("\r\u{1b}[K") }
        hasLine = false
    }
}
