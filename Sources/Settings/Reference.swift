/// What a configuration may hold, in words: the man page and the file of `gosync config init` are made
/// from this, and this from the settings that the interpreter reads by.
public enum Reference {
    public struct Section: Sendable {
        /// Such as `[mount]` or `[backend ID]`.
        public let title: String
        /// Without a full stop.
        public let help: String
        public let keys: [Key]
        /// The lines that a file which shows all has in it, in place of every key at its default.
        let example: String
    }

    public struct Key: Sendable {
        public let name: String
        /// Without a full stop.
        public let help: String
        /// What holds without it, as it would be written; empty where that cannot be.
        public let usual: String
        let isSecret: Bool
    }

    public static let introduction = """
        A file of sections with lines `key = value`. It is looked for in this order: -c FILE,
        $GOSYNC_CONFIG, $XDG_CONFIG_HOME/gosync/mount.conf (~/.config/gosync/mount.conf),
        /etc/gosync/mount.conf. Without any, GoSync keeps its data in ~/.local/share/gosync and shows
        one backend, `local`, which is a plain directory in there.

        A # starts a comment, at the beginning of a line or after a space. A value with a # after a
        space in it, or with spaces at an end, stands in quotes. ${NAME} is filled in from the
        environment (a variable that is not set is an error); $${ stands for ${ itself. ~ is your home
        directory. Paths are absolute. A size is a number with K, KiB, M, MiB, G, GiB … (powers of
        1024) or KB, MB, GB … (of 1000); a time is a number with ms, s, m, h, d or w. An unknown key is
        an error.
        """

    public static let sections: [Section] = [
        Section(
            "[mount]",
            "Where data lies, and how the mount behaves",
            Configuration.mountKeys
        ),
        Section("[cache]", "The bytes kept on this machine's disk", Configuration.cacheKeys),
        Section(
            "[metadata]",
            "The database of names, attributes and tags",
            Configuration.metadataKeys
        ),
        Section("[log]", "What is logged", Configuration.logKeys),
        Section("[control]", "Where the API is to be had", Configuration.controlKeys),
        Section("[telemetry]", "Who is told how it goes", Configuration.telemetryKeys),
        Section(
            "[backend ID]",
            "A store, which shows as backends/ID; any number of them",
            BackendDraft.keys,
            example: """
                #[backend selfhosted]
                #type = s3
                #endpoint = http://localhost:9000
                #bucket = sync-bucket
                #access_key = ${S3_KEY}
                #secret_key = ${S3_SECRET}

                #[backend attic]
                #type = local
                #path = /srv/attic
                """
        ),
        Section(
            "[filter PATH]",
            "A directory filters/PATH with every file that a query matches; any number of them",
            Configuration.filterKeys,
            example: """
                #[filter photos/red]
                #query = tag:colour=red
                """
        ),
        Section(
            "[tagger NAME]",
            "Tags that 'gosync tag auto --path-based' reads out of paths; any number of them",
            Configuration.taggerKeys,
            example: """
                #[tagger photos]
                #path = /photos/{year}/{event}/
                """
        ),
    ]

    /// A configuration that says nothing yet, and shows how all would be said.
    public static var file: String {
        var text = """
            # mount.conf: the configuration of gosync-mount and gosync; see mount.conf(5).
            #
            # Each line below shows a default or an example. Take the # away from what is to hold.
            # 'gosync config validate' checks this file. If you write secrets into it: chmod 600.


            """
        for section in sections {
            text += "# \(section.help).\n"
            for key in section.keys where !section.example.isEmpty {
                let usual = key.usual.isEmpty ? "" : " (default: \(key.usual))"
                text += "#   \(key.name): \(key.help)\(usual)\n"
            }
            if section.example.isEmpty {
                text += section.title + "\n"
                for key in section.keys {
                    text += "# \(key.help)\n#\(key.name) = \(key.usual)\n"
                }
            } else {
                text += section.example + "\n"
            }
            text += "\n"
        }
        return text
    }
}

extension Reference.Section {
    init<Target>(
        _ title: String,
        _ help: String,
        _ settings: [Setting<Target>],
        example: String = ""
    ) {
        self.init(
            title: title,
            help: help,
            keys: settings.map { setting in
                Reference.Key(
                    name: setting.name,
                    help: setting.help,
                    usual: setting.usual,
                    isSecret: setting.isSecret
                )
            },
            example: example
        )
    }
}
