import Base
import Digest
import Glibc

/// Where the secret comes from that seals keys to stores.
public struct SecretSource: Sendable {
    public enum Place: Equatable, Sendable {
        /// `[encrypt] secret` of the configuration.
        case configuration
        /// `$GOSYNC_SECRET`.
        case environment
        /// A file that systemd hands to the service.
        case credential(path: String)
        /// A file of GoSync's own, made when it is needed.
        case file(path: String)
    }

    public var place: Place
    /// `nil` where it lies in a file.
    private let secret: [UInt8]?

    static let variable = "GOSYNC_SECRET"
    static let credential = "gosync.secret"
    /// No secret is longer.
    private static let limitBytes = 4096
    private static let madeBytes = 32

    /// The first of these that there is: the configuration, the environment, systemd, a file.
    ///
    /// - Parameter configured: what the configuration says.
    public init(
        configured: String?,
        dataDirectory: String,
        environment: [String: String]
    ) {
        let variable = environment[Self.variable].flatMap { $0.isEmpty ? nil : $0 }
        if let configured {
            (place, secret) = (.configuration, Array(configured.utf8))
        } else if let variable {
            (place, secret) = (.environment, Array(variable.utf8))
        } else if let directory = environment["CREDENTIALS_DIRECTORY"],
            FileStatus(ofFileAt: directory + "/" + Self.credential) != nil
        {
            (place, secret) = (.credential(path: directory + "/" + Self.credential), nil)
        } else {
            (place, secret) = (.file(path: dataDirectory + "/secret.key"), nil)
        }
    }

    /// The secret; `nil` where its file is not there.
    func read() throws(Errno) -> [UInt8]? {
        switch place {
        case .configuration, .environment: return secret
        case .credential(let path), .file(let path): return try Self.contents(of: path)
        }
    }

    /// What a rotation that was interrupted has left beside the file.
    func readNext() -> [UInt8]? {
        guard case .file(let path) = place else { return nil }
        return (try? Self.contents(of: path + Self.nextSuffix)) ?? nil
    }

    /// Makes a secret, and its file.
    func make() throws(Errno) -> [UInt8] {
        let secret = try prepareNext()
        try acceptNext()
        return secret
    }

    /// Makes a secret that lies beside the one in the file until it is accepted.
    func prepareNext() throws(Errno) -> [UInt8] {
        guard case .file(let path) = place else { throw .invalid }
        let secret = Array(hex(randomBytes(Self.madeBytes)).utf8)
        let next = path + Self.nextSuffix
        try? removeFile(next)
        let flags = O_WRONLY | O_CREAT | O_EXCL
        let file = try FileDescriptor(opening: next, flags: flags, mode: 0o600)
        try unsafe file.write((secret + [UInt8(ascii: "\n")]).span.bytes, at: 0)
        try file.synchronizeData()
        return secret
    }

    func acceptNext() throws(Errno) {
        guard case .file(let path) = place else { return }
        try renameFile(path + Self.nextSuffix, to: path)
    }

    private static let nextSuffix = ".new"

    private static func contents(of path: String) throws(Errno) -> [UInt8]? {
        do throws(Errno) {
            let file = try FileDescriptor(opening: path, flags: O_RDONLY)
            var bytes = try file.contents(limitBytes: limitBytes)
            while bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
            return bytes.isEmpty ? nil : bytes
        } catch {
            if error == .noEntry { return nil }
            throw error
        }
    }
}

extension SecretSource.Place: CustomStringConvertible {
    public var description: String {
        switch self {
        case .configuration: "'secret' of [encrypt]"
        case .environment: "$\(SecretSource.variable)"
        case .credential: "the systemd credential \(SecretSource.credential)"
        case .file(let path): path
        }
    }
}
