/// What is wrong with a configuration, and where: one line, ready to print.
public struct SettingsError: Error, Equatable, Sendable {
    /// The file, as it was named; `nil` when no file is to blame.
    public let path: String?
    public let line: Int?
    public let message: String

    public init(path: String?, line: Int? = nil, message: String) {
        self.path = path
        self.line = line
        self.message = message
    }
}

extension SettingsError: CustomStringConvertible {
    /// For example "mount.conf:12: unknown key 'acces_key' in [backend x]; did you mean 'access_key'?".
    public var description: String {
        guard let path else { return message }
        guard let line else { return "\(path): \(message)" }
        return "\(path):\(line): \(message)"
    }
}
