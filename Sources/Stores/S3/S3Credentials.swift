/// Keys to a bucket; never shown, whoever prints or dumps them.
public struct S3Credentials: Equatable, Sendable {
    let accessKey: String
    let secretKey: String
    let sessionToken: String?

    public init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }
}

extension S3Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "(keys)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Where the keys to a bucket come from.
public enum S3CredentialsSource: Equatable, Sendable {
    case keys(S3Credentials)
    /// A profile of `~/.aws/credentials` and `~/.aws/config`, or of the files that
    /// `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` name.
    case profile(String)
    /// `AWS_ACCESS_KEY_ID` and its companions, else the profile that `AWS_PROFILE` names, else
    /// the profile `default`.
    case environment
}

extension S3CredentialsSource {
    /// Keys, and the region if the same place names one.
    typealias Found = (credentials: S3Credentials, region: String?)

    /// Looks the keys up.
    ///
    /// `environment` and `file` stand for the process environment and the file system, for tests.
    func resolve(
        environment: (String) -> String? = environmentVariable,
        file: (String) -> String? = smallFile
    ) throws(StoreError) -> Found {
        let region = environment("AWS_REGION") ?? environment("AWS_DEFAULT_REGION")
        switch self {
        case .keys(let credentials): return (credentials, nil)
        case .profile(let name):
            let files = ProfileFiles(environment: environment, file: file)
            return try files.profile(name)
        case .environment:
            if let access = environment("AWS_ACCESS_KEY_ID"),
                let secret = environment("AWS_SECRET_ACCESS_KEY")
            {
                let token = environment("AWS_SESSION_TOKEN")
                let keys = S3Credentials(accessKey: access, secretKey: secret, sessionToken: token)
                return (keys, region)
            }
            let files = ProfileFiles(environment: environment, file: file)
            let found = try files.profile(environment("AWS_PROFILE") ?? "default")
            return (found.credentials, region ?? found.region)
        }
    }
}

/// The two INI files in which AWS's programs keep profiles.
private struct ProfileFiles {
    private let credentials: [String: [String: String]]
    private let config: [String: [String: String]]

    init(environment: (String) -> String?, file: (String) -> String?) {
        let home = (environment("HOME") ?? "") + "/.aws/"
        let path = environment("AWS_SHARED_CREDENTIALS_FILE") ?? home + "credentials"
        credentials = profiles(in: file(path) ?? "")
        config = profiles(in: file(environment("AWS_CONFIG_FILE") ?? home + "config") ?? "")
    }

    func profile(_ name: String) throws(StoreError) -> S3CredentialsSource.Found {
        // The first file wins, key by key; the second names its sections "profile x".
        let values = (config["profile \(name)"] ?? (name == "default" ? config[name] : nil) ?? [:])
            .merging(credentials[name] ?? [:]) { _, first in first }
        guard let access = values["aws_access_key_id"],
            let secret = values["aws_secret_access_key"]
        else { throw .denied("no keys in profile \(name)") }
        let token = values["aws_session_token"]
        let keys = S3Credentials(accessKey: access, secretKey: secret, sessionToken: token)
        return (keys, values["region"])
    }
}

private func profiles(in text: String) -> [String: [String: String]] {
    var profiles: [String: [String: String]] = [:]
    var section = ""
    for line in text.split(whereSeparator: \.isNewline) {
        let line = trimmed(line)
        if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
        if line.hasPrefix("["), let end = line.firstIndex(of: "]") {
            // "[profile  x]" and "[profile x]" are the same section.
            let words = line[line.index(after: line.startIndex)..<end].split(separator: " ")
            section = words.joined(separator: " ")
        } else if let equals = line.firstIndex(of: "=") {
            let name = trimmed(line[..<equals]).lowercased()
            profiles[section, default: [:]][name] = trimmed(line[line.index(after: equals)...])
        }
    }
    return profiles
}

private func trimmed(_ text: Substring) -> String {
    String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
}

private func trimmed(_ text: String) -> String { trimmed(text[...]) }
