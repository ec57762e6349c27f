import Wire

extension Commands {
    static let backend = Command(
        name: "backend",
        summary: "Shows and checks the stores below /backends",
        subcommands: [backendList, backendShow, backendCheck]
    )

    private static let backendList = Command(
        name: "list",
        summary: "Lists the backends, and whether they can be reached",
        options: [.json],
        run: { invocation in
            let status: Status = try Daemon(invocation).get(.status)
            let backends = Backends(backends: status.volume.backends)
            guard !invocation.has("json") else { return Output.json(backends) }
            Output.table(["BACKEND", "TYPE", "STATE", "PLACE"], backends.backends.map(row))
        }
    )

    private static let backendShow = Command(
        name: "show",
        summary: "Shows a backend",
        arguments: [Command.Argument(name: "ID", help: "its name", words: .backends)],
        options: [.json],
        examples: ["backend show selfhosted"],
        run: { invocation in
            let id = invocation.arguments[0]
            let status: Status = try Daemon(invocation).get(.status)
            guard let found = status.volume.backends.first(where: { $0.id == id }) else {
                let known = status.volume.backends.map(\.id).joined(separator: ", ")
                throw Failure(.failed, "there is no backend '\(id)'; there are: \(known)")
            }
            guard !invocation.has("json") else { return Output.json(found) }
            let rows = [
                ["Backend", found.id], ["Type", found.type], ["Place", Format.name(found.place)],
                ["Access", found.isReadOnly ? "read only" : "read and write"],
                ["State", found.error.map { "error: \($0)" } ?? "ready"],
            ]
            for line in Table.lines(rows) { Output.line(line) }
        }
    )

    private static let backendCheck = Command(
        name: "check",
        summary: "Asks a backend, or all, whether it answers, takes the keys and has the bucket",
        arguments: [
            Command.Argument(
                name: "ID",
                count: .optional,
                help: "its name; all without it",
                words: .backends
            )
        ],
        options: [.json],
        examples: ["backend check", "backend check selfhosted"],
        run: { invocation in
            var items = QueryItems()
            items["id"] = invocation.arguments.first
            let checks: Checks = try Daemon(invocation).get(.backendCheck, items)
            try show(checks, invocation)
        }
    )

    /// As a row of a table that others of its kind are in.
    static func row(_ backend: VolumeStatus.Backend) -> [String] {
        let state = backend.error.map { "error: \($0)" } ?? "ready"
        let access = backend.isReadOnly ? ", read-only" : ""
        return [backend.id, backend.type, state + access, Format.name(backend.place)]
    }

    /// Prints what was found, and fails if anything does.
    static func show(_ checks: Checks, _ invocation: Invocation) throws(Failure) {
        if invocation.has("json") {
            Output.json(checks)
        } else {
            let rows = checks.checks.map { check in
                [check.outcome.rawValue, check.subject, Format.name(check.finding)]
            }
            for (check, line) in zip(checks.checks, Table.lines(rows)) {
                Output.line(line)
                if let advice = check.advice { Output.line("         → \(Format.name(advice))") }
            }
        }
        let failures = checks.checks.count { $0.outcome == .failure }
        guard failures == 0 else {
            throw Failure(.failed, "\(Format.count(failures, "check")) failed")
        }
    }
}

/// What `backend list --json` prints.
struct Backends: Message {
    var backends: [VolumeStatus.Backend]
}
