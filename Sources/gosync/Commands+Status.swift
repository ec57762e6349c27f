import Base
import Glibc
import Wire

extension Commands {
    static let status = Command(
        name: "status",
        summary: "Tells how GoSync is doing: mounts, backends, cache, what is still to be uploaded",
        options: [
            .json,
            Command.Option(
                name: "watch",
                letter: "w",
                help: "show it again every two seconds, until Ctrl-C; with --json, a line each"
            ),
        ],
        examples: ["status", "status --watch", "status --json | jq .volume.pendingUploads"],
        run: { invocation in
            let daemon = try Daemon(invocation)
            guard invocation.has("watch") else {
                return show(try daemon.get(.status), isJSON: invocation.isJSON)
            }
            while true {
                let status: Status = try daemon.get(.status)
                if invocation.isJSON {
                    Output.jsonLine(status)
                } else {
                    Output.clear()
                    show(status, isJSON: false)
                }
                usleep(watchPauseMicroseconds)
            }
        }
    )

    private static let watchPauseMicroseconds: UInt32 = 2_000_000

    private static func show(_ status: Status, isJSON: Bool) {
        guard !isJSON else { return Output.json(status) }
        for line in Table.lines(statusRows(status, now: .now())) { Output.line(line) }
        Output.line("")
        Output.table(backendHeading, status.volume.backends.map(row))
        for warning in status.daemon.warnings { Output.warning(warning) }
    }

    private static func statusRows(_ status: Status, now: Timestamp) -> [[String]] {
        let (daemon, volume) = (status.daemon, status.volume)
        let age = Format.duration(now.secondsSince(daemon.started.timestamp))
        let known = [
            Format.count(volume.files, "file"), Format.count(volume.tags, "tag"),
            Format.count(volume.filters, "filter"),
        ]
        let mounts = daemon.mountPoints.map { Format.name($0) }.joined(separator: ", ")
        let cache = volume.cache
        let conflicts = Format.count(volume.conflicts, "file") + " ('gosync conflicts list' shows)"
        let rows = [
            ["GoSync", "\(daemon.version), process \(daemon.pid), running for \(age)"],
            ["Mounted on", mounts.isEmpty ? "nothing" : mounts],
            ["Configuration", daemon.configuration.map { Format.name($0) } ?? "none (built in)"],
            ["Data", Format.name(daemon.dataDirectory)],
            ["Cache", "\(Format.size(cache.usedBytes)) of \(Format.size(cache.sizeBytes))"],
            ["To do", pending(volume.pending, now)],
            ["Knows", known.joined(separator: ", ")],
        ]
        return volume.conflicts == 0 ? rows : rows + [["Conflicts", conflicts]]
    }

    /// What the stores have yet to get.
    private static func pending(_ pending: VolumeStatus.Pending, _ now: Timestamp) -> String {
        var words: [String] = []
        if pending.uploads > 0 {
            let bytes = Format.size(pending.bytes)
            words.append("\(Format.count(pending.uploads, "upload")) of \(bytes)")
        }
        if pending.copies > 0 { words.append(Format.count(pending.copies, "move")) }
        if pending.removals > 0 { words.append(Format.count(pending.removals, "removal")) }
        if words.isEmpty { return "nothing" }
        if pending.failed > 0 { words.append("\(pending.failed) failed so far") }
        if let oldest = pending.oldest {
            words.append("for \(Format.duration(now.secondsSince(oldest.timestamp)))")
        }
        if let seconds = pending.secondsLeft {
            if pending.bytesPerSecond > 0 {
                words.append("\(Format.size(Int64(pending.bytesPerSecond)))/s")
            }
            words.append("about \(Format.duration(seconds)) to go")
        }
        return words.joined(separator: ", ")
    }
}
