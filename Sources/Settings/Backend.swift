import Base

extension Configuration {
    /// `[backend ID]`: one store, which shows as `/backends/ID`.
    public struct Backend: Equatable, Sendable {
        public var id: String
        public var place: Place
        public var readOnly = false
        public var directoryTTLSeconds: Double
        /// Where the section starts in the file; `nil` for the embedded backend.
        public var line: Int?

        public enum Place: Equatable, Sendable {
            case local(path: String)
            case s3(Bucket)
        }

        public struct Bucket: Equatable, Sendable {
            /// Scheme, host and port, without a path; `nil` for Amazon's own of the region.
            public var endpoint: String?
            public var name: String
            /// Empty, or ends in `/`.
            public var prefix = ""
            /// `nil` leaves it to the profile or the AWS environment.
            public var region: String?
            public var credentials = Credentials.standard
            public var pathStyle: Bool
        }

        public enum Credentials: Equatable, Sendable {
            /// The AWS environment variables, else the default profile of the AWS files.
            case standard
            case profile(String)
            case keys(access: String, secret: Secret)
        }

        /// The longest id, in bytes.
        public static let longestID = 64

        static let idRule =
            "is made of letters, digits, '.', '_' and '-', does not start with '.' and has at most \(longestID)"

        static func isID(_ text: String) -> Bool {
            (1...longestID).contains(text.utf8.count) && !text.hasPrefix(".")
                && text.unicodeScalars.allSatisfy { scalar in
                    scalar.isASCII
                        && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                            || "._-".unicodeScalars.contains(scalar))
                }
        }
    }
}

extension Configuration.Backend {
    /// A backend that stands in no file, from the keys that a section would have and their values as they
    /// are meant: no variable is filled in.
    public init(
        id: String,
        settings: [String: String],
        usualDirectoryTTLSeconds: Double
    ) throws(SettingsError) {
        guard Self.isID(id) else {
            throw SettingsError(
                path: nil,
                message: "the name '\(id)' cannot be used: it \(Self.idRule)"
            )
        }
        var draft = BackendDraft()
        for (key, text) in settings.sorted(by: { $0.key < $1.key }) {
            let known = BackendDraft.keys
            guard let setting = known.first(where: { $0.name == key }) else {
                let hint = Spelling.suggestion(for: key, among: known.map(\.name))
                throw SettingsError(path: nil, message: "a backend has no '\(key)'\(hint)")
            }
            let value = Value(
                key: key,
                text: text,
                line: nil,
                path: nil,
                home: nil
            )
            try setting.apply(&draft, value)
        }
        self.id = id
        place = try draft.place { SettingsError(path: nil, message: "the backend \($0)") }
        readOnly = draft.readOnly
        directoryTTLSeconds = draft.directoryTTLSeconds ?? usualDirectoryTTLSeconds
    }
}
