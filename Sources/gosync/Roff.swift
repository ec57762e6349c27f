/// A man page as it grows: text in, `man(7)` macros out.
struct Roff {
    private(set) var text: String

    /// - Parameter page: such as `gosync` with the section 1.
    init(page: String, section: Int, version: String, summary: String) {
        text = ".TH \(page.uppercased()) \(section) \"\" \"GoSync \(version)\" \"GoSync\"\n"
        // Names that are broken at the end of a line cannot be copied.
        text += ".nh\n.ad l\n"
        heading("NAME")
        text += "\(Self.escaped(page)) \\- \(Self.escaped(summary))\n"
    }

    mutating func heading(_ title: String) { text += ".SH \(Self.quoted(title.uppercased()))\n" }

    mutating func subheading(_ title: String) { text += ".SS \(Self.quoted(title))\n" }

    /// Paragraphs are parted by empty lines; lines that are indented stay as they are.
    mutating func paragraphs(_ body: String) {
        let parts = body.split(separator: "\n\n").map { $0.split(separator: "\n").map(String.init) }
        for (index, lines) in parts.enumerated() {
            if index > 0 { text += ".PP\n" }
            let isPlain = lines.allSatisfy { $0.hasPrefix("    ") }
            if isPlain { text += ".EX\n" }
            for line in lines { text += Self.line(line) + "\n" }
            if isPlain { text += ".EE\n" }
        }
    }

    /// A term in bold, with what it means indented below.
    mutating func item(_ term: String, _ meaning: String) {
        text += ".TP\n.B \(Self.quoted(term))\n\(Self.line(meaning))\n"
    }

    mutating func example(_ lines: [String]) {
        text += ".PP\n.EX\n" + lines.map { Self.line("    " + $0) + "\n" }.joined() + ".EE\n"
    }

    /// A line that is no macro, whatever it starts with.
    private static func line(_ text: String) -> String {
        let isMacro = text.hasPrefix(".") || text.hasPrefix("'")
        return (isMacro ? "\\&" : "") + escaped(text)
    }

    private static func quoted(_ text: String) -> String {
        "\"\(escaped(text).replacing("\"", with: "\\(dq"))\""
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "'": result += "\\(aq"
            case "`": result += "\\(ga"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            case "…": result += "..."
            default: result.append(character)
            }
        }
        return result
    }
}
