import Foundation
import Glibc
import Synchronization

/// A real S3 server on this machine, for tests.
///
/// `radosgw` and `rclone` are shared by all tests of a process and started at first use; a test gets
/// a bucket of its own from `makeBucket()`. A test that stops its server makes one for itself with
/// `init`. All of them end with the process, however that ends.
///
///     let server = try S3Server.radosgw
///     let bucket = try server.makeBucket()
///     let mount = try Mount(backend: "s3", sections: server.section("s3", bucket: bucket))
public final class S3Server: Sendable {
    public enum Kind: String, CaseIterable, Sendable, CustomStringConvertible {
        /// Ceph's gateway, objects in memory: the strict server. Starts in 2 s.
        case radosgw
        /// `rclone serve s3` over a directory: the sloppy server. Starts in 0.2 s.
        case rclone = "rclone-s3"

        public var description: String { self == .radosgw ? "radosgw" : "rclone" }
    }

    public static var radosgw: S3Server { get throws { try sharedRadosgw.get() } }
    public static var rclone: S3Server { get throws { try sharedRclone.get() } }

    public static func shared(_ kind: Kind) throws -> S3Server {
        switch kind {
        case .radosgw: try radosgw
        case .rclone: try rclone
        }
    }

    public let kind: Kind
    public let port: Int
    public let accessKey = "testkey"
    public let secretKey = "testsecret"
    public let region = "us-east-1"
    /// Holds all that the server keeps; rclone has its objects in `root/BUCKET` below it.
    public let directory: String

    /// `http://127.0.0.1:PORT`.
    public var endpoint: String { "http://127.0.0.1:\(port)" }
    /// The endpoint under which a bucket is part of the host name; only radosgw knows that style.
    public var virtualEndpoint: String { "http://s3.localhost:\(port)" }

    private let buckets = Atomic<Int>(0)

    private static let sharedRadosgw = Result { try S3Server(.radosgw) }
    private static let sharedRclone = Result { try S3Server(.rclone) }
    private static let attempts = 3

    /// Starts a server of its own, with nothing in it.
    public init(_ kind: Kind) throws {
        self.kind = kind
        directory = NSTemporaryDirectory() + "gosync-\(kind.rawValue)-\(UUID().uuidString)"
        var failure: (any Error)?
        for _ in 0..<Self.attempts {
            let port = freePort()
            do {
                try Self.command(kind, "start", directory, "\(port)")
                self.port = port
                return
            } catch {
                // Another process may have taken the port since we looked.
                failure = error
                _ = try? Self.command(kind, "wipe", directory)
            }
        }
        throw failure ?? CallFailure(code: EADDRINUSE)
    }

    deinit { _ = try? Self.command(kind, "wipe", directory) }

    /// Starts it again after `stop`, on the same port and with the same objects.
    public func start() throws { try Self.command(kind, "start", directory, "\(port)") }

    /// Stops it; requests under way break off, later ones find nobody listening.
    ///
    /// rclone forgets all user metadata meanwhile, because it has that in memory only.
    public func stop() throws { try Self.command(kind, "stop", directory) }

    /// Makes it keep connections and answer nothing, until `resume`.
    public func pause() throws { try signal(SIGSTOP) }

    public func resume() throws { try signal(SIGCONT) }

    /// Makes an empty bucket, and returns its name, which no other test has.
    public func makeBucket() throws -> String {
        let name = "test-\(buckets.add(1, ordering: .relaxed).newValue)"
        try Self.command(kind, "bucket", directory, name)
        return name
    }

    /// The section `[backend ID]` of a `mount.conf` that shows a bucket.
    ///
    /// - Parameter settings: more lines of the section, such as `prefix = x`.
    public func section(_ id: String, bucket: String, settings: String = "") -> String {
        """
        [backend \(id)]
        type = s3
        endpoint = \(endpoint)
        region = \(region)
        bucket = \(bucket)
        access_key = \(accessKey)
        secret_key = \(secretKey)
        \(settings)

        """
    }

    /// Runs rclone as a client, to see and change buckets with other eyes than ours.
    ///
    /// The server is the remote `s3:`, as in `client("copy", directory, "s3:\(bucket)")`.
    @discardableResult
    public func client(_ arguments: String..., input: String? = nil) throws -> String {
        let words = ([Self.rcloneProgram] + arguments).map {
            "'" + $0.replacingOccurrences(of: "'", with: "'\\''") + "'"
        }
        return try shell(
            words.joined(separator: " ") + (input == nil ? "" : " < \"$INPUT\""),
            environment: clientEnvironment.merging(input.map { ["INPUT": $0] } ?? [:]) { $1 },
            atMost: 300
        )
    }

    /// For programs that speak S3 themselves: rclone's remote `s3:`, and AWS's keys.
    public var clientEnvironment: [String: String] {
        [
            "RCLONE_CONFIG": "/dev/null",
            "RCLONE_CONFIG_S3_TYPE": "s3",
            "RCLONE_CONFIG_S3_PROVIDER": kind == .radosgw ? "Ceph" : "Rclone",
            "RCLONE_CONFIG_S3_ENDPOINT": endpoint,
            "RCLONE_CONFIG_S3_REGION": region,
            "RCLONE_CONFIG_S3_ACCESS_KEY_ID": accessKey,
            "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY": secretKey,
            "RCLONE_S3_NO_CHECK_BUCKET": "true",
            "AWS_ACCESS_KEY_ID": accessKey,
            "AWS_SECRET_ACCESS_KEY": secretKey,
            "AWS_REGION": region,
        ]
    }

    private func signal(_ number: CInt) throws {
        let name = kind == .radosgw ? "rgw" : "server"
        let text = try String(contentsOfFile: "\(directory)/\(name).pid", encoding: .utf8)
        let process = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        guard process > 1, kill(process, number) == 0 else { throw CallFailure(code: ESRCH) }
    }

    private static func command(_ kind: Kind, _ arguments: String...) throws {
        let script = packageDirectory + "/Scripts/servers/" + kind.rawValue
        let outcome = try run(
            script,
            arguments,
            environment: ["WATCH": "\(getpid())", "STORE": "memstore"]
        )
        guard outcome.status == 0 else {
            let script = ([script] + arguments).joined(separator: " ")
            throw ScriptFailure(script: script, outcome: outcome)
        }
    }

    /// Where Scripts/setup --tests puts it.
    private static let rcloneProgram = packageDirectory + "/.build/venv/bin/rclone"
}

/// Where Package.swift is.
public let packageDirectory = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// A port that is free, as is the next one; below those that the kernel gives to clients.
private func freePort() -> Int {
    while true {
        let port = Int.random(in: 20_000..<32_000)
        if isFree(port), isFree(port + 1) { return port }
    }
}

private func isFree(_ port: Int) -> Bool {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    return withUnsafePointer(to: loopback(port)) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
}
