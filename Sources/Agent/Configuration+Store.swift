import Base
public import Settings
public import Stores
public import Volumes

// From what settings say to a store that can be asked.

extension Configuration.Backend {
    /// Opens the store; nothing is asked of it yet.
    public func makeStore() throws(StoreError) -> any Store {
        switch place {
        case .local(let path): return try LocalStore(directory: path)
        case .s3(let bucket):
            return try S3Store(
                S3Configuration(
                    endpoint: bucket.endpoint ?? "",
                    bucket: bucket.name,
                    prefix: bucket.prefix,
                    region: bucket.region,
                    credentials: S3CredentialsSource(bucket.credentials),
                    pathStyle: bucket.pathStyle
                )
            )
        }
    }

    /// How the volume is to show it.
    public func description(
        with store: any Store,
        label: String? = nil,
        isProvisioned: Bool = false
    ) -> BackendDescription {
        BackendDescription(
            name: Name(id),
            store: store,
            isReadOnly: readOnly,
            directorySeconds: directoryTTLSeconds,
            type: type,
            place: address,
            label: label,
            isProvisioned: isProvisioned
        )
    }

    private var type: String {
        switch place {
        case .local: "local"
        case .s3: "s3"
        }
    }

    /// Where it is, for people.
    private var address: String {
        switch place {
        case .local(let path): path
        case .s3(let bucket):
            "\(bucket.endpoint ?? "https://s3.amazonaws.com")/\(bucket.name)/\(bucket.prefix)"
        }
    }
}

extension S3CredentialsSource {
    fileprivate init(_ credentials: Configuration.Backend.Credentials) {
        self =
            switch credentials {
            case .standard: .environment
            case .profile(let name): .profile(name)
            case .keys(let access, let secret):
                .keys(S3Credentials(accessKey: access, secretKey: secret.revealed))
            }
    }
}
