import Base
import Wire

extension Commands {
    static let provision = Command(
        name: "provision",
        summary: "Shows another store below /backends, at once and at every start",
        details: """
            The store is asked first: nothing is set up that does not work. Then everything in it is
            listed, without fetching it. The keys are kept sealed; without any, those of the daemon's AWS
            environment and files count.

            A key on a command line can be seen by others (ps) and stays in the history of the shell:
            better let it be asked for, or use --secret-key-file or --secret-key-stdin.
            """,
        arguments: [
            Command.Argument(name: "ID", help: "its name: the directory /backends/ID")
        ],
        options: [
            Command.Option(
                name: "type",
                value: "TYPE",
                help: "s3 or local; without it, s3 where there is a bucket",
                words: .oneOf(BackendSettings.Kind.self)
            )
        ] + storeOptions + [
            Command.Option(name: "no-scan", help: "list nothing until somebody looks"),
            .json,
        ],
        examples: [
            "provision media --endpoint http://localhost:9000 --bucket media --access-key ann",
            "provision attic --type local --path /srv/attic --read-only",
        ],
        run: { invocation in
            var settings = try storeSettings(invocation)
            settings.id = invocation.arguments[0]
            settings.type = try type(invocation) ?? (settings.path == nil ? .s3 : .local)
            if invocation.has("no-scan") { settings.scan = false }
            let made: VolumeStatus.Backend = try Daemon(invocation).post(.backends, settings)
            try show(made, invocation)
        }
    )

    static let backendUpdate = Command(
        name: "update",
        summary: "Changes a backend that was set up by gosync provision",
        details: """
            What is not named stays as it is; an empty value takes a setting away. The store is asked first.
            One of mount.conf is changed there.
            """,
        arguments: [Command.Argument(name: "ID", help: "its name", words: .backends)],
        options: storeOptions + [
            Command.Option(name: "read-write", help: "what is in it can be changed here"),
            Command.Option(name: "no-path-style", help: "the bucket is in the host name"),
            Command.Option(name: "scan", help: "list everything in it now"),
            .json,
        ],
        examples: ["backend update media --access-key ann --secret-key-file /run/keys/media"],
        run: { invocation in
            var change = try storeSettings(invocation)
            if invocation.has("read-write") { change.readOnly = false }
            if invocation.has("no-path-style") { change.pathStyle = false }
            if invocation.has("scan") { change.scan = true }
            guard change != BackendSettings() else {
                throw invocation.misused("nothing of the backend is to be changed")
            }
            var items = QueryItems()
            items["id"] = invocation.arguments[0]
            let made: VolumeStatus.Backend = try Daemon(invocation).patch(.backend, items, change)
            try show(made, invocation)
        }
    )

    static let backendRemove = Command(
        name: "remove",
        summary: "Takes away a backend that was set up by gosync provision",
        details: """
            Nothing happens to the store, and what is in it stays. It asks first, and refuses while the store
            has not got everything. Tags are kept for 30 days: if the backend is set up again under the same
            name, they return.
            """,
        arguments: [Command.Argument(name: "ID", help: "its name", words: .backends)],
        options: [
            Command.Option(
                name: "force",
                help: "do not ask, and lose what its store has not got yet; says what that was"
            ),
            Command.Option(name: "yes", letter: "y", help: "do not ask"),
            .json,
        ],
        examples: ["backend remove media"],
        run: { invocation in
            let id = invocation.arguments[0]
            let isCertain = invocation.has("force") || invocation.has("yes")
            let question = "Take the backend \(id) away? Nothing happens to its store. [y/N] "
            guard try isCertain || Terminal.confirm(question, invocation, or: "--yes") else {
                throw Failure(.failed, "\(id) stays")
            }
            var items = QueryItems()
            items["id"] = id
            if invocation.has("force") { items["force"] = "yes" }
            let removed: RemovedBackend = try Daemon(invocation).delete(.backend, items)
            if invocation.isJSON { return Output.json(removed) }
            guard removed.lostChanges > 0 else { return }
            Output.error("lost: \(Format.count(removed.lostChanges, "change"))")
            for one in removed.lost {
                let reason = one.error.map { ": \($0)" } ?? ""
                Output.error("  \(Format.name(one.path))\(reason)")
            }
        }
    )

    private static let storeOptions: [Command.Option] = [
        Command.Option(
            name: "endpoint",
            value: "URL",
            help: "scheme, host and port, such as http://localhost:9000; without it, Amazon S3"
        ),
        Command.Option(name: "bucket", value: "NAME", help: "the bucket"),
        Command.Option(
            name: "prefix",
            value: "PREFIX",
            help: "show only what lies under this, such as photos/2024/"
        ),
        Command.Option(name: "region", value: "NAME", help: "of the bucket; us-east-1 without it"),
        Command.Option(name: "access-key", value: "KEY", help: "the key to the bucket"),
        Command.Option(
            name: "secret-key",
            value: "KEY",
            help: "its secret, which others can see here; without it, you are asked"
        ),
        Command.Option(
            name: "secret-key-file",
            value: "FILE",
            help: "read the secret from the first line of a file",
            words: .localFiles
        ),
        Command.Option(
            name: "secret-key-stdin",
            help: "read the secret from the first line of standard input"
        ),
        Command.Option(
            name: "profile",
            value: "NAME",
            help: "of the daemon's ~/.aws/credentials, in place of keys"
        ),
        Command.Option(name: "path-style", help: "the bucket is in the path, not in the host name"),
        Command.Option(name: "no-ssl", help: "an endpoint without a scheme is http, not https"),
        Command.Option(
            name: "path",
            value: "DIRECTORY",
            help: "of a local backend: the directory to show",
            words: .localFiles
        ),
        Command.Option(name: "read-only", help: "nothing in it can be changed here"),
        Command.Option(name: "name", value: "TEXT", help: "what people call it"),
    ]

    private static func type(_ invocation: Invocation) throws(Failure) -> BackendSettings.Kind? {
        guard let text = invocation.options["type"] else { return nil }
        guard let kind = BackendSettings.Kind(rawValue: text) else {
            let known = BackendSettings.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw invocation.misused("--type is one of \(known), not '\(text)'")
        }
        return kind
    }

    /// What the options say, with the secret from wherever it is to come.
    private static func storeSettings(_ invocation: Invocation) throws -> BackendSettings {
        var settings = BackendSettings()
        settings.endpoint = try endpoint(invocation)
        settings.bucket = invocation.options["bucket"]
        settings.prefix = invocation.options["prefix"]
        settings.region = invocation.options["region"]
        settings.profile = invocation.options["profile"]
        settings.path = try invocation.options["path"].map(absolute)
        settings.name = invocation.options["name"]
        if invocation.has("path-style") { settings.pathStyle = true }
        if invocation.has("read-only") { settings.readOnly = true }
        settings.accessKey = invocation.options["access-key"]
        settings.secretKey = try SecretInput(name: "secret-key").read(
            invocation,
            asking: settings.accessKey == nil ? nil : "Secret key: "
        )
        return settings
    }

    private static func endpoint(_ invocation: Invocation) throws(Failure) -> String? {
        guard let text = invocation.options["endpoint"] else {
            guard !invocation.has("no-ssl") else {
                throw invocation.misused("--no-ssl is about an --endpoint")
            }
            return nil
        }
        if text.isEmpty { return text }
        if text.contains("://") {
            guard !invocation.has("no-ssl") || text.lowercased().hasPrefix("http://") else {
                throw invocation.misused("--no-ssl, but the endpoint starts with https://")
            }
            return text
        }
        return (invocation.has("no-ssl") ? "http://" : "https://") + text
    }

    /// The daemon has another directory of work.
    private static func absolute(_ path: String) throws(Failure) -> String {
        if path.isEmpty || path.hasPrefix("/") { return path }
        do throws(Errno) {
            if let whole = try? realPath(path) { return whole }
            return try realPath(".") + "/" + path
        } catch {
            throw Failure(.failed, "\(path): \(error)")
        }
    }

    private static func show(
        _ backend: VolumeStatus.Backend,
        _ invocation: Invocation
    ) throws(Failure) {
        guard !invocation.isJSON else { return Output.json(backend) }
        Output.table(backendHeading, [row(backend)])
    }
}
