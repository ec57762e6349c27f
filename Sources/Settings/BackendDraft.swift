/// A `[backend ID]` as it stands in the file, before it is known what its type needs.
struct BackendDraft {
    enum Kind: String, CaseIterable { case s3, local }

    var kind: Kind?
    var endpoint: Value?
    var bucket: Value?
    var prefix: Value?
    var region: Value?
    var accessKey: Value?
    var secretKey: Value?
    var profile: Value?
    var pathStyle: Value?
    var path: Value?
    var readOnly = false
    var directoryTTLSeconds: Double?

    /// Where the store is, or what is missing or too much for its type.
    ///
    /// `missing` makes the error for the section as a whole.
    func place(
        missing: (String) -> SettingsError
    ) throws(SettingsError) -> Configuration.Backend.Place {
        switch kind {
        case nil: throw missing("has no 'type'; set it to s3 or local")
        case .local:
            try refuse(
                [endpoint, bucket, prefix, region, accessKey, secretKey, profile, pathStyle],
                "a local backend has no"
            )
            guard let path else { throw missing("has no 'path': the directory to show") }
            return .local(path: try path.filePath())
        case .s3:
            try refuse([path], "an s3 backend has no")
            guard let bucket else { throw missing("has no 'bucket'") }
            return .s3(try s3(bucket))
        }
    }

    private func s3(_ bucket: Value) throws(SettingsError) -> Configuration.Backend.Bucket {
        var result = Configuration.Backend.Bucket(
            endpoint: try endpoint.map(checkedEndpoint),
            name: try checkedBucket(bucket),
            // Amazon prefers the bucket in the host name; nearly all others want it in the path.
            pathStyle: endpoint != nil
        )
        if let prefix { result.prefix = try checkedPrefix(prefix) }
        if let region { result.region = try region.word() }
        if let pathStyle { result.pathStyle = try pathStyle.yesOrNo() }
        result.credentials = try credentials()
        return result
    }

    private func credentials() throws(SettingsError) -> Configuration.Backend.Credentials {
        if let profile {
            try refuse([accessKey, secretKey], "'profile' is set as well: remove it, or")
            return .profile(try profile.word())
        }
        switch (accessKey, secretKey) {
        case (nil, nil): return .standard
        case (let access?, let secret?):
            return .keys(access: try access.word(), secret: Secret(try secret.word()))
        case (let one?, nil): throw one.error("'access_key' needs a 'secret_key'")
        case (nil, let one?): throw one.error("'secret_key' needs an 'access_key'")
        }
    }

    private func refuse(_ values: [Value?], _ reason: String) throws(SettingsError) {
        for case let value? in values { throw value.error("\(reason) '\(value.key)'") }
    }
}

private func checkedEndpoint(_ value: Value) throws(SettingsError) -> String {
    var text = try value.word()
    if text.hasSuffix("/") { text.removeLast() }
    let schemes = ["http://", "https://"]
    guard let scheme = schemes.first(where: { text.lowercased().hasPrefix($0) }) else {
        throw value.error("'endpoint' starts with http:// or https://, unlike '\(value.text)'")
    }
    let host = text.dropFirst(scheme.count)
    let allowed = host.unicodeScalars.allSatisfy { scalar in
        scalar.isASCII
            && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                || ".-:[]_".unicodeScalars.contains(scalar))
    }
    guard !host.isEmpty, allowed else {
        throw value.error(
            "'endpoint' is scheme, host and port, such as http://localhost:9000, not '\(value.text)'"
        )
    }
    return scheme + host
}

private func checkedBucket(_ value: Value) throws(SettingsError) -> String {
    let name = try value.word()
    guard name.utf8.count <= 255, !name.contains("/") else {
        throw value.error("'\(name)' is no name of a bucket; what is inside it goes into 'prefix'")
    }
    return name
}

private func checkedPrefix(_ value: Value) throws(SettingsError) -> String {
    var prefix = value.text
    if prefix.isEmpty { return "" }
    if !prefix.hasSuffix("/") { prefix += "/" }
    guard !prefix.hasPrefix("/") else { throw value.error("'prefix' does not start with a /") }
    guard prefix.utf8.count <= longestPrefixBytes else {
        throw value.error("'prefix' is longer than \(longestPrefixBytes) bytes")
    }
    return prefix
}

/// Half of what a key may have, so that there is room for names below it.
private let longestPrefixBytes = 512
