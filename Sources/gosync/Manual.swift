import Base
import Settings

/// The man pages, made from the declarations that the programs themselves work by.
enum Manual: String, CaseIterable {
    case gosync = "gosync.1"
    case mount = "gosync-mount.8"
    case configuration = "mount.conf.5"

    func text(of root: Command) -> String {
        switch self {
        case .gosync: Self.gosyncPage(root)
        case .mount: Self.mountPage()
        case .configuration: Self.configurationPage()
        }
    }

    private static func gosyncPage(_ root: Command) -> String {
        var page = Roff(
            page: "gosync",
            section: 1,
            version: Release.version,
            summary: lowercased(root.summary)
        )
        page.heading("Synopsis")
        page.paragraphs(Help.usage(of: root, path: [root.name]))
        page.heading("Description")
        page.paragraphs(root.details)
        page.heading("Options")
        page.paragraphs("Every command has these.")
        for option in Command.Option.common { page.item(Help.term(option), option.help + ".") }
        page.heading("Commands")
        for command in root.shownCommands { add(command, [root.name], to: &page) }
        page.heading("Files")
        page.item("~/.local/share/gosync/gosync.sock", "where gosync-mount listens by default.")
        page.heading("See also")
        page.paragraphs("gosync-mount(8), mount.conf(5)")
        return page.text
    }

    private static func add(_ command: Command, _ above: [String], to page: inout Roff) {
        let path = above + [command.name]
        if command.isRunnable {
            page.subheading(Help.usage(of: command, path: path))
            page.paragraphs(command.summary + ".\n\n" + command.details)
            for argument in command.arguments where !argument.help.isEmpty {
                page.item(argument.name, argument.help + ".")
            }
            for option in command.options { page.item(Help.term(option), option.help + ".") }
            if !command.examples.isEmpty { page.example(command.examples.map { "gosync " + $0 }) }
        } else {
            page.subheading(path.joined(separator: " "))
            page.paragraphs(command.summary + ".\n\n" + command.details)
        }
        for next in command.shownCommands { add(next, path, to: &page) }
    }

    private static func mountPage() -> String {
        var page = Roff(
            page: "gosync-mount",
            section: 8,
            version: Release.version,
            summary: lowercased(MountUsage.summary)
        )
        page.heading("Synopsis")
        page.paragraphs(MountUsage.synopsis)
        page.heading("Description")
        page.paragraphs(MountUsage.description)
        page.heading("Options")
        for option in MountUsage.options { page.item(trimmed(option.names), option.help + ".") }
        page.heading("Unmounting")
        page.paragraphs(MountUsage.unmounting)
        page.heading("In fstab")
        page.paragraphs(MountUsage.fstab)
        page.heading("See also")
        page.paragraphs("gosync(1), mount.conf(5), fusermount3(1), mount(8)")
        return page.text
    }

    private static func configurationPage() -> String {
        var page = Roff(
            page: "mount.conf",
            section: 5,
            version: Release.version,
            summary: "the configuration of gosync-mount and gosync"
        )
        page.heading("Description")
        page.paragraphs(Reference.introduction)
        page.heading("Sections")
        for section in Reference.sections {
            page.subheading(section.title)
            page.paragraphs(section.help + ".")
            for key in section.keys {
                let usual = key.usual.isEmpty ? "" : " Default: \(key.usual)."
                page.item(key.name, key.help + "." + usual)
            }
        }
        page.heading("See also")
        page.paragraphs("gosync(1), gosync-mount(8)")
        return page.text
    }

    private static func trimmed(_ text: String) -> String { String(text.drop { $0 == " " }) }

    private static func lowercased(_ sentence: String) -> String {
        sentence.prefix(1).lowercased() + sentence.dropFirst()
    }
}

extension Commands {
    static let manual = Command(
        name: "manual",
        summary: "Prints a man page",
        arguments: [
            Command.Argument(
                name: "PAGE",
                help: "gosync.1, gosync-mount.8 or mount.conf.5",
                words: .oneOf(Manual.self)
            )
        ],
        isHidden: true,
        run: { invocation in
            guard let page = Manual(rawValue: invocation.arguments[0]) else {
                let known = Manual.allCases.map(\.rawValue).joined(separator: ", ")
                throw invocation.misused("PAGE is one of \(known)")
            }
            Output.line(String(page.text(of: root).dropLast()))
        }
    )
}
