import Wire

extension Commands {
    static let backend = Command(
        name: "backend",
        summary: "Shows, checks, changes and takes away the stores below /backends",
        subcommands: [backendList, backendShow, backendCheck, backendUpdate, backendRemove]
    )

    private static let backendList = Command(
        name: "list",
        summary: "Lists the backends, and whether they can be reached",
        options: [.json],
        run: { invocation in
            let backends: Backends = try Daemon(invocation).get(.backends)
            guard !invocation.isJSON else { return Output.json(backends) }
            Output.table(backendHeading, backends.backends.map(row))
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
            guard !invocation.isJSON else { return Output.json(found) }
            let rows = [
                ["Backend", found.id], ["Name", found.name.map { Format.name($0) } ?? "-"],
                ["Type", found.type], ["Place", Format.name(found.place)],
                ["Set up by", source(found)],
                ["Access", found.readOnly ? "read only" : "read and write"],
                ["State", state(found)], ["Conditions", conditions(found.conditions)],
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

    static let backendHeading = ["BACKEND", "TYPE", "STATE", "PLACE", "SET UP BY"]

    /// As a row of a table that others of its kind are in.
    static func row(_ backend: VolumeStatus.Backend) -> [String] {
        let access = backend.readOnly ? ", read-only" : ""
        return [
            backend.id, backend.type, state(backend) + access, Format.name(backend.place),
            source(backend),
        ]
    }

    private static func state(_ backend: VolumeStatus.Backend) -> String {
        let text = backend.state.rawValue + (backend.error.map { ": \(Format.name($0))" } ?? "")
        return colour(of: backend.state).text(text)
    }

    static func colour(of state: VolumeStatus.Backend.State) -> Colour {
        switch state {
        case .ready: .green
        case .provisioning: .yellow
        case .offline, .error: .red
        }
    }

    private static func outcome(_ check: Check) -> String {
        switch check.outcome {
        case .ok: Colour.green.text(check.outcome.rawValue)
        case .warning: Colour.yellow.text(check.outcome.rawValue)
        case .failure: Colour.red.text(check.outcome.rawValue)
        }
    }

    /// What the store itself refuses where somebody else was faster.
    private static func conditions(_ found: VolumeStatus.Backend.Conditions?) -> String {
        guard let found else { return "not known yet" }
        let deletion =
            switch found.delete {
            case .no: "no"
            case .byTime: "by time, one by one"
            case .one: "one by one"
            case .always: "yes"
            }
        let put = found.put ? "yes" : "no"
        let copy = found.copy ? "yes" : "no"
        return "uploads: \(put), copies: \(copy), deletions: \(deletion)"
    }

    private static func source(_ backend: VolumeStatus.Backend) -> String {
        switch backend.source {
        case .configuration: "mount.conf"
        case .provisioned: "provision"
        }
    }

    /// Prints what was found, and fails if anything does.
    static func show(_ checks: Checks, _ invocation: Invocation) throws(Failure) {
        if invocation.isJSON {
            Output.json(checks)
        } else {
            let rows = checks.checks.map { check in
                [outcome(check), check.subject, Format.name(check.finding)]
            }
            for (check, line) in zip(checks.checks, Table.lines(rows)) {
                Output.line(line)
                if let advice = check.advice { Output.line("         → \(Format.name(advice))") }
            }
        }
        let failures = checks.checks.count { $0.outcome == .failure }
        guard failures == 0 else {
            throw Failure.told("\(Format.count(failures, "check")) failed")
        }
    }
}
