import Foundation
import TestSupport

/// A bucket on a real server, with what another program sees of it.
struct Bucket: Sendable {
    let server: S3Server
    let name: String
    /// Where the mount believes the server to be; another client goes there directly.
    var endpoint: String

    init(_ kind: S3Server.Kind) throws { try self.init(on: S3Server.shared(kind)) }

    init(on server: S3Server) throws {
        self.server = server
        endpoint = server.endpoint
        name = try server.makeBucket()
    }

    /// The section of mount.conf that shows the bucket as `/backends/store`.
    func section(_ more: String = "") -> String {
        """
        [backend store]
        type = s3
        endpoint = \(endpoint)
        bucket = \(name)
        access_key = \(server.accessKey)
        secret_key = \(server.secretKey)
        path_style = yes
        \(more)
        """
    }

    func mount(settings: String = "directory_ttl = 1s", more: String = "") throws -> Mount {
        try Mount(backend: "store", sections: section(more), settings: settings)
    }

    /// Runs rclone, as another client of the bucket called `other:`.
    @discardableResult
    func rclone(_ arguments: String..., atMost seconds: Double = 300) throws -> String {
        let program = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../.build/venv/bin/rclone").standardized.path
        let outcome = try run(
            program,
            ["--config", "/dev/null", "--retries", "1", "--low-level-retries", "2"]
                + arguments.map {
                    $0.replacingOccurrences(of: "other:", with: "other:\(name)")
                },
            environment: [
                "RCLONE_CONFIG_OTHER_TYPE": "s3",
                "RCLONE_CONFIG_OTHER_PROVIDER": "Ceph",
                "RCLONE_CONFIG_OTHER_ENDPOINT": server.endpoint,
                "RCLONE_CONFIG_OTHER_ACCESS_KEY_ID": server.accessKey,
                "RCLONE_CONFIG_OTHER_SECRET_ACCESS_KEY": server.secretKey,
                "RCLONE_CONFIG_OTHER_FORCE_PATH_STYLE": "true",
            ],
            atMost: seconds
        )
        guard outcome.status == 0 else {
            throw MountFailure(
                description: "rclone \(arguments): \(outcome.complaint.suffix(1500))"
            )
        }
        return outcome.output
    }

    func put(_ text: String, at key: String) throws {
        let scratch = try TemporaryDirectory()
        try writeFile(scratch.path + "/f", text)
        try rclone("copyto", scratch.path + "/f", "other:/" + key)
    }

    func read(_ key: String) throws -> String { try rclone("cat", "other:/" + key) }

    /// The uploads in parts that are under way, as the server tells.
    func uploads() throws -> [String] {
        let text = try rclone("backend", "list-multipart-uploads", "other:")
        let found = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [Any]]
        return (found ?? [:]).values.flatMap { $0 }.map { "\($0)" }
    }
}
