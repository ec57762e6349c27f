import Glibc

/// A little colour for a person at a terminal; here alone is decided whether there is any.
enum Colour: String {
    case red = "31"
    case green = "32"
    case yellow = "33"
    /// Bold and blue, as `ls` has it.
    case directory = "1;34"

    private static let isOnOutput = isWanted(isTerminal: isatty(1) == 1)
    private static let isOnErrors = isWanted(isTerminal: isatty(2) == 1)

    /// Whether a stream gets colours: a terminal that knows them, of somebody who has not said no.
    static func isWanted(
        isTerminal: Bool,
        variable: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
    ) -> Bool {
        guard isTerminal, variable("NO_COLOR") ?? "" == "" else { return false }
        let kind = variable("TERM") ?? ""
        return kind != "" && kind != "dumb"
    }

    /// Text for standard output.
    func text(_ text: String) -> String { Self.isOnOutput ? painted(text) : text }

    /// Text for standard error.
    func error(_ text: String) -> String { Self.isOnErrors ? painted(text) : text }

    func painted(_ text: String) -> String { "\u{1b}[\(rawValue)m\(text)\u{1b}[0m" }

    /// How many columns a text takes, whatever its colours are.
    static func width(of text: String) -> Int {
        guard text.utf8.contains(0x1b) else { return text.count }
        var count = 0
        var isWithinCode = false
        for character in text {
            if isWithinCode {
                isWithinCode = character != "m"
            } else if character == "\u{1b}" {
                isWithinCode = true
            } else {
                count += 1
            }
        }
        return count
    }
}
