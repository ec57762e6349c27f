import WebServer
import Wire

extension Router {
    func backend(_ request: Request) throws(Problem) -> VolumeStatus.Backend {
        let id = try required("id", try allow(["id"], of: request))
        guard let found = try control.status().backends.first(where: { $0.id == id }) else {
            throw Problem(noBackend: id)
        }
        return found
    }

    func provision(_ request: Request) throws(Problem) -> VolumeStatus.Backend {
        try allow([], of: request)
        let settings: BackendSettings = try body(request)
        guard settings.id != nil, settings.type != nil else {
            throw Problem(.malformed, "A new backend needs an 'id' and a 'type'.")
        }
        return try backends.provision(settings)
    }

    func updateBackend(_ request: Request) throws(Problem) -> VolumeStatus.Backend {
        let id = try required("id", try allow(["id"], of: request))
        let change: BackendSettings = try body(request)
        guard change != BackendSettings() else {
            throw Problem(.malformed, "Nothing of \(id) is to be changed.")
        }
        guard change.id == nil || change.id == id else {
            let advice = "remove it, and set up a new one"
            throw Problem(.unusable, "\(id): a backend keeps its id; \(advice)")
        }
        return try backends.updateBackend(id, change)
    }

    func removeBackend(_ request: Request) throws(Problem) -> RemovedBackend {
        let items = try allow(["id", "force"], of: request)
        let force = items["force"] ?? "no"
        guard force == "yes" || force == "no" else {
            throw Problem(.malformed, "'force' is yes or no, not '\(force)'.")
        }
        return try backends.removeBackend(try required("id", items), force: force == "yes")
    }

    func scan(_ request: Request) throws(Problem) -> Response {
        try allow([], of: request)
        let scan: ScanRequest = try body(request)
        try check(path: scan.path)
        let scanning = try control.scan(scan)
        return Response(contentType: Self.linesType) { stream in
            scanning { report in stream.write(report.json() + [UInt8(ascii: "\n")]) }
        }
    }
}

extension Problem {
    init(noBackend id: String) {
        self.init(
            .notFound,
            "\(id): there is no such backend; 'gosync backend list' shows those there are"
        )
    }
}
