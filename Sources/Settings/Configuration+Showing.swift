/// What a configuration says, with defaults, for people: no secret is in it.
public struct ShownSection: Equatable, Sendable, Codable {
    public struct Line: Equatable, Sendable, Codable {
        public var key: String
        public var value: String
        /// It does not stand in the file.
        public var isDefault: Bool
    }

    public var title: String
    public var lines: [Line]
}

extension Interpreter {
    /// The sections that there can be one of, and each backend and filter of the file.
    func shown() throws(SettingsError) -> [ShownSection] {
        var shown: [ShownSection] = []
        for reference in Reference.sections {
            let kind = String(reference.title.dropFirst().prefix { $0 != " " && $0 != "]" })
            let own = document.sections.filter { $0.kind == kind }
            let isSingle = Self.kinds.contains { $0.kind == kind && !$0.isNamed }
            if own.isEmpty, isSingle {
                shown.append(try show(nil, reference.title, reference.keys))
            }
            for section in own { shown.append(try show(section, section.title, reference.keys)) }
        }
        return shown
    }

    private func show(
        _ section: Document.Section?,
        _ title: String,
        _ keys: [Reference.Key]
    ) throws(SettingsError) -> ShownSection {
        var lines: [ShownSection.Line] = []
        for key in keys {
            guard let entry = section?.entries.first(where: { $0.key == key.name }) else {
                // What a backend's type does not take has no default in it.
                guard !key.usual.isEmpty, section?.kind != "backend" else { continue }
                lines.append(ShownSection.Line(key: key.name, value: key.usual, isDefault: true))
                continue
            }
            let text = key.isSecret ? "(secret)" : try value(entry).text
            lines.append(ShownSection.Line(key: key.name, value: text, isDefault: false))
        }
        return ShownSection(title: title, lines: lines)
    }
}
