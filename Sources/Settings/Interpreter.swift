import Base

/// Understands a document: from sections of text to a configuration.
struct Interpreter {
    let document: Document
    let environment: [String: String]
    let home: String?
    /// Others than the owner may read the file.
    let isReadableByOthers: Bool

    /// The kinds of section, and whether each is given a name.
    static let kinds: [(kind: String, isNamed: Bool)] = [
        ("mount", false), ("cache", false), ("metadata", false), ("log", false),
        ("control", false), ("telemetry", false),
        ("backend", true), ("filter", true), ("tagger", true),
    ]

    func configuration(defaultDataDirectory: String?) throws(SettingsError) -> Configuration {
        for section in document.sections { try check(section) }
        var mount = Configuration.Mount(dataDirectory: defaultDataDirectory ?? "")
        try read("mount", Configuration.mountKeys, into: &mount)
        guard !mount.dataDirectory.isEmpty else {
            throw SettingsError(path: document.path, message: noHome("set 'data_dir' in [mount]"))
        }
        var result = Configuration(dataDirectory: mount.dataDirectory)
        result.path = document.path
        result.mount = mount
        try read("cache", Configuration.cacheKeys, into: &result.cache)
        try read("metadata", Configuration.metadataKeys, into: &result.metadata)
        try read("log", Configuration.logKeys, into: &result.log)
        try read("control", Configuration.controlKeys, into: &result.control)
        try read("telemetry", Configuration.telemetryKeys, into: &result.telemetry)
        for section in document.sections {
            switch section.kind {
            case "backend": result.backends.append(try backend(section, &result))
            case "filter": result.filters.append(try filter(section))
            case "tagger": result.taggers.append(try tagger(section))
            default: break
            }
        }
        if result.backends.isEmpty { result.addEmbeddedBackend() }
        try checkBackends(of: result.taggers, result.backends)
        return result
    }

    /// What `data_dir` says, and nothing else.
    func dataDirectory() throws(SettingsError) -> String? {
        for section in document.sections where section.kind == "mount" {
            for entry in section.entries where entry.key == "data_dir" {
                return try value(entry).filePath()
            }
        }
        return nil
    }

    private func check(_ section: Document.Section) throws(SettingsError) {
        guard let known = Self.kinds.first(where: { $0.kind == section.kind }) else {
            let hint = Spelling.suggestion(for: section.kind, among: Self.kinds.map(\.kind))
            throw document.error(section.line, "unknown section \(section.title)\(hint)")
        }
        if known.isNamed == section.name.isEmpty {
            let problem = known.isNamed ? "needs a name: [\(known.kind) NAME]" : "takes no name"
            throw document.error(section.line, "\(section.title) \(problem)")
        }
    }

    private func read<Target>(
        _ kind: String,
        _ settings: [Setting<Target>],
        into target: inout Target
    ) throws(SettingsError) {
        for section in document.sections where section.kind == kind {
            try apply(section, settings, to: &target)
        }
    }

    private func apply<Target>(
        _ section: Document.Section,
        _ settings: [Setting<Target>],
        to target: inout Target
    ) throws(SettingsError) {
        for entry in section.entries {
            guard let setting = settings.first(where: { $0.name == entry.key }) else {
                let hint = Spelling.suggestion(for: entry.key, among: settings.map(\.name))
                let problem = "unknown key '\(entry.key)' in \(section.title)"
                throw document.error(entry.line, problem + hint)
            }
            try setting.apply(&target, try value(entry))
        }
    }

    func value(_ entry: Document.Entry) throws(SettingsError) -> Value {
        do throws(ValueText.Problem) {
            return Value(
                key: entry.key,
                text: try ValueText.expanded(entry.text, from: environment),
                isLiteral: !entry.text.contains("${"),
                line: entry.line,
                path: document.path,
                home: home
            )
        } catch {
            switch error {
            case .undefined(let name):
                let problem = "'\(entry.key)' uses ${\(name)}, but that variable is not set"
                throw document.error(entry.line, problem)
            case .malformed:
                let problem = "a variable is written ${NAME}; for '${' itself write '$${'"
                throw document.error(entry.line, problem)
            }
        }
    }

    private func backend(
        _ section: Document.Section,
        _ result: inout Configuration
    ) throws(SettingsError) -> Configuration.Backend {
        guard Configuration.Backend.isID(section.name) else {
            let rule = "is made of letters, digits, '.', '_' and '-', does not start with '.'"
            let limit = "and has at most \(Configuration.Backend.longestID)"
            throw document.error(section.line, "the name in \(section.title) \(rule) \(limit)")
        }
        var draft = BackendDraft()
        try apply(section, BackendDraft.keys, to: &draft)
        if isReadableByOthers, draft.secretKey?.isLiteral == true {
            let advice = "run 'chmod 600 \(document.path)'"
            let problem = "others can read this file, and it holds a 'secret_key'"
            let line = draft.secretKey?.line ?? section.line
            result.warnings.append("\(document.error(line, "\(problem); \(advice)"))")
        }
        let place = try draft.place { document.error(section.line, "\(section.title) \($0)") }
        return Configuration.Backend(
            id: section.name,
            place: place,
            readOnly: draft.readOnly,
            directoryTTLSeconds: draft.directoryTTLSeconds ?? result.mount.directoryTTLSeconds,
            line: section.line
        )
    }

    private func filter(
        _ section: Document.Section
    ) throws(SettingsError) -> Configuration.Filter {
        let path = section.name
        if let problem = FilterPath.problem(with: path) {
            throw document.error(section.line, "the path in \(section.title) \(problem)")
        }
        guard section.entries.contains(where: { $0.key == "query" }) else {
            throw document.error(section.line, "\(section.title) has no 'query'")
        }
        let query = Configuration.Filter.Query(text: "", line: section.line)
        var filter = Configuration.Filter(path: path, query: query, line: section.line)
        try apply(section, Configuration.filterKeys, to: &filter)
        return filter
    }
}

extension Interpreter {
    private func tagger(
        _ section: Document.Section
    ) throws(SettingsError) -> Configuration.Tagger {
        guard section.entries.contains(where: { $0.key == "path" }) else {
            throw document.error(section.line, "\(section.title) has no 'path'")
        }
        let rule = Configuration.Tagger.Rule(text: "", line: section.line)
        var tagger = Configuration.Tagger(name: section.name, rule: rule)
        try apply(section, Configuration.taggerKeys, to: &tagger)
        return tagger
    }

    private func checkBackends(
        of taggers: [Configuration.Tagger],
        _ backends: [Configuration.Backend]
    ) throws(SettingsError) {
        let known = backends.map(\.id)
        for tagger in taggers {
            guard let backend = tagger.backend, !known.contains(backend) else { continue }
            let hint = Spelling.suggestion(for: backend, among: known)
            let problem = "[tagger \(tagger.name)]: there is no backend '\(backend)'\(hint)"
            throw document.error(tagger.rule.line, problem)
        }
    }
}

/// Why there is no place for data, and what would help.
func noHome(_ advice: String) -> String {
    "$HOME is not set, so there is no place for GoSync's data; \(advice)"
}
