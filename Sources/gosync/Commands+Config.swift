import Base
import FoundationEssentials
import Glibc
import Queries
import Settings
import Wire

extension Commands {
    static let config = Command(
        name: "config",
        summary: "Makes, checks and shows the configuration",
        details: "What can stand in it is described in mount.conf(5).",
        subcommands: [configInit, configValidate, configShow]
    )

    private static let configurationArgument = Command.Argument(
        name: "FILE",
        count: .optional,
        help: "the configuration; without it the one that -c names, or that would be found",
        words: .localFiles
    )

    private static let configInit = Command(
        name: "init",
        summary: "Writes a configuration with every key in it, none of which is set yet",
        arguments: [configurationArgument],
        options: [.json],
        examples: ["config init", "config init ./mount.conf"],
        run: { invocation in
            guard let path = named(invocation) ?? Configuration.ownPath() else {
                throw Failure(.failed, "$HOME is not set; say which FILE to write")
            }
            do throws(Errno) {
                let folder = path.split(separator: "/").dropLast().joined(separator: "/")
                if path.hasPrefix("/") { try Base.makeDirectory("/" + folder) }
                let flags = O_WRONLY | O_CREAT | O_EXCL
                let file = try FileDescriptor(opening: path, flags: flags, mode: 0o600)
                let text = Array(Reference.file.utf8)
                try file.write(text.span.bytes, at: 0)
            } catch {
                let advice = error == .exists ? "; nothing was changed" : ""
                throw Failure(.failed, "\(path): \(error)\(advice)")
            }
            guard !invocation.isJSON else { return Output.jsonLine(PathReport(path: path)) }
            Output.line("\(path) is written; 'gosync config validate' checks what you make of it")
        }
    )

    private static let configValidate = Command(
        name: "validate",
        summary: "Checks a configuration; exit code 2 and the line where it makes no sense",
        arguments: [configurationArgument],
        options: [.json],
        examples: ["config validate", "config validate /etc/gosync/mount.conf"],
        run: { invocation in
            let configuration = try load(invocation)
            for filter in configuration.filters {
                do throws(QueryError) {
                    _ = try FilterQuery(filter.query.text)
                } catch {
                    let message = "filter \(filter.path): \(error)"
                    let line = filter.query.line
                    let place = SettingsError(
                        path: configuration.path,
                        line: line,
                        message: message
                    )
                    throw Failure(.usage, "\(place)")
                }
            }
            for tagger in configuration.taggers {
                do throws(PathRule.Mistake) {
                    _ = try PathRule(tagger.rule.text, backend: tagger.backend)
                } catch {
                    throw Failure(.usage, "\(configuration.mistake(error, in: tagger))")
                }
            }
            for warning in configuration.warnings { Output.warning(warning) }
            let valid = ValidConfiguration(
                path: configuration.path,
                backends: configuration.backends.count,
                filters: configuration.filters.count,
                warnings: configuration.warnings
            )
            guard !invocation.isJSON else { return Output.json(valid) }
            let backends = Format.count(valid.backends, "backend")
            let filters = Format.count(valid.filters, "filter")
            let path = configuration.path ?? "built-in configuration"
            Output.line("\(path) is right: \(backends), \(filters)")
        }
    )

    private static let configShow = Command(
        name: "show",
        summary: "Shows what holds, defaults included; never a secret",
        arguments: [configurationArgument],
        options: [.json],
        examples: ["config show"],
        run: { invocation in
            let configuration = try load(invocation)
            let sections: [ShownSection]
            do throws(SettingsError) {
                sections = try Configuration.shown(explicit: named(invocation))
            } catch {
                throw Failure(.usage, "\(error)")
            }
            let shown = ShownConfiguration(path: configuration.path, sections: sections)
            guard !invocation.isJSON else { return Output.json(shown) }
            Output.line("# \(configuration.path ?? "no file: the built-in configuration")")
            for section in sections {
                Output.line("\n\(section.title)")
                for line in section.lines {
                    let mark = line.isDefault ? "  # default" : ""
                    Output.line("\(line.key) = \(Format.name(line.value))\(mark)")
                }
            }
        }
    )

    private static func named(_ invocation: Invocation) -> String? {
        invocation.arguments.first ?? invocation.options["config"]
    }

    private static func load(_ invocation: Invocation) throws(Failure) -> Configuration {
        do throws(SettingsError) {
            return try Configuration.load(explicit: named(invocation))
        } catch {
            throw Failure(.usage, "\(error)")
        }
    }
}
