import Base
import Wire

extension Commands {
    static let status = Command(
        name: "status",
        summary: "Tells how GoSync is doing: mounts, backends, cache, what is still to be uploaded",
        options: [.json],
        examples: ["status", "status --json | jq .volume.pendingUploads"],
        run: { invocation in
            let status: Status = try Daemon(invocation).get(.status)
            guard !invocation.has("json") else { return Output.json(status) }
            for line in Table.lines(statusRows(status, now: .now())) { Output.line(line) }
            Output.line("")
            Output.table(
                ["BACKEND", "TYPE", "STATE", "PLACE"],
                status.volume.backends.map(row)
            )
            for warning in status.daemon.warnings { Output.error("warning: \(warning)") }
        }
    )

    private static func statusRows(_ status: Status, now: Timestamp) -> [[String]] {
        let (daemon, volume) = (status.daemon, status.volume)
        let age = Format.duration(now.secondsSince(daemon.started.timestamp))
        let pending =
            volume.pendingUploads == 0
            ? "nothing"
            : "\(Format.count(volume.pendingUploads, "file")), \(Format.size(volume.pendingBytes))"
        let known = [
            Format.count(volume.files, "file"), Format.count(volume.tags, "tag"),
            Format.count(volume.filters, "filter"),
        ]
        let mounts = daemon.mountPoints.map { Format.name($0) }.joined(separator: ", ")
        let cache = volume.cache
        return [
            ["GoSync", "\(daemon.version), process \(daemon.pid), running for \(age)"],
            ["Mounted on", mounts.isEmpty ? "nothing" : mounts],
            ["Configuration", daemon.configuration.map { Format.name($0) } ?? "none (built in)"],
            ["Data", Format.name(daemon.dataDirectory)],
            ["Cache", "\(Format.size(cache.usedBytes)) of \(Format.size(cache.sizeBytes))"],
            ["To upload", pending],
            ["Knows", known.joined(separator: ", ")],
        ]
    }
}
