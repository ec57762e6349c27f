import Base
import FoundationEssentials
import Settings
import Wire

/// The settings of a provisioned backend, as a section of mount.conf would have them, without the keys.
///
/// They lie in the database as a JSON object of texts.
struct StoredSettings: Equatable {
    private var values: [String: String]

    /// What people call the backend, which a section has no key for.
    private static let labelKey = "name"

    init() { values = [:] }

    init(json text: String) throws(SettingsError) {
        do {
            values = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        } catch {
            throw SettingsError(path: nil, message: "its stored settings are damaged")
        }
    }

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts have a form in JSON, whatever they are.
        return (try? encoder.encode(values)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    var label: String? { values[Self.labelKey] }

    /// Takes over what a change holds; an empty text takes a setting away.
    mutating func apply(_ change: BackendSettings) {
        set("type", change.type?.rawValue)
        set(Self.labelKey, change.name)
        set("endpoint", change.endpoint)
        set("bucket", change.bucket)
        set("prefix", change.prefix)
        set("region", change.region)
        set("profile", change.profile)
        set("path_style", change.pathStyle.map { $0 ? "yes" : "no" })
        set("path", change.path)
        set("read_only", change.readOnly.map { $0 ? "yes" : "no" })
        set("directory_ttl", change.directorySeconds.map { "\(Int64($0 * 1000))ms" })
        // Keys of one's own are in place of those of a profile.
        if change.accessKey != nil { set("profile", "") }
    }

    private mutating func set(_ key: String, _ value: String?) {
        guard let value else { return }
        values[key] = value.isEmpty ? nil : value
    }

    var type: String? { values["type"] }

    var hasProfile: Bool { values["profile"] != nil }

    /// What they mean, with the keys.
    func backend(
        _ id: String,
        keys: StoreKeys?,
        usualDirectoryTTLSeconds: Double
    ) throws(SettingsError) -> Configuration.Backend {
        var all = values
        all[Self.labelKey] = nil
        if let keys {
            all["access_key"] = keys.accessKey
            all["secret_key"] = keys.secretKey
        }
        return try Configuration.Backend(
            id: id,
            settings: all,
            usualDirectoryTTLSeconds: usualDirectoryTTLSeconds
        )
    }
}
