import Wire

extension Commands {
    static let secret = Command(
        name: "secret",
        summary: "Changes what the keys of provisioned backends are sealed with",
        subcommands: [secretRotate]
    )

    private static let secretRotate = Command(
        name: "rotate",
        summary: "Seals the keys of all provisioned backends under a new secret",
        details: """
            Where the secret lies in a file of GoSync's own (secret.key in its data directory), a new one is
            made, unless one is given. One that comes from mount.conf, from $GOSYNC_SECRET or from systemd is
            changed there afterwards, before the next start.
            """,
        options: [
            Command.Option(
                name: "secret",
                value: "TEXT",
                help: "the new secret, which others can see here"
            ),
            Command.Option(
                name: "secret-file",
                value: "FILE",
                help: "read the new secret from the first line of a file",
                words: .localFiles
            ),
            Command.Option(
                name: "secret-stdin",
                help: "read the new secret from the first line of standard input"
            ),
            .json,
        ],
        examples: ["secret rotate", "secret rotate --secret-file /etc/gosync/secret.new"],
        run: { invocation in
            let secret = try SecretInput(name: "secret").read(invocation, asking: nil)
            let done: RotatedSecret = try Daemon(invocation).post(
                .secretRotate,
                SecretRotation(secret: secret)
            )
            guard !invocation.isJSON else { return Output.json(done) }
            Output.line("the keys of \(Format.count(done.backends, "backend")) are sealed anew")
            if let advice = done.advice { Output.line(advice) }
        }
    )
}
