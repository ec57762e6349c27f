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
